-- attack: an endless order of a sort
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded | LimitExceeded a callback that cannot be interrupted
return function()
    while true do
        pcall(table.sort, { 1, 2, 3 }, function() while true do end end)
    end
end
