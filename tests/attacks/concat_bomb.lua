-- attack: one text a hundred thousand times
-- limit: memory
-- ends: value not enough memory
return function()
    local parts, text = {}, string.rep("x", 1 << 16)
    for i = 1, 100000 do parts[i] = text end
    local _, why = pcall(table.concat, parts)
    return tostring(why)
end
