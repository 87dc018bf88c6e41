-- attack: an endless loop in plain coroutines
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    while true do
        pcall(coroutine.wrap(function() while true do end end))
    end
end
