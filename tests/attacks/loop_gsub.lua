-- attack: an endless replacement
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    while true do
        pcall(string.gsub, "abc", "%w", function() while true do end end)
    end
end
