-- attack: an endless loop beside a coroutine that never rests
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    coroutine.spawn(function()
        local inbox = process.inbox()
        while true do
            process.send(process.pid(), "tick")
            inbox:receive()
        end
    end)
    while true do end
end
