-- attack: an endless loop in a coroutine, main waits
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    coroutine.spawn(function() while true do end end)
    channel.new():receive()
end
