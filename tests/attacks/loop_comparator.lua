-- attack: an endless order of a sort
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    while true do
        pcall(table.sort, { 1, 2, 3 }, function() while true do end end)
    end
end
