-- attack: a process that only ever replaces itself
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    process.upgrade(nil)
end
