-- attack: an endless error handler
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    while true do
        xpcall(error, function() while true do end end)
    end
end
