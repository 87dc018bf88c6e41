-- attack: an endless replacement
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded | LimitExceeded a callback that cannot be interrupted
return function()
    while true do
        pcall(string.gsub, "abc", "%w", function() while true do end end)
    end
end
