-- attack: an endless loop that catches its end
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    while true do
        pcall(function() while true do end end)
    end
end
