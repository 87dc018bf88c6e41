-- attack: code that the compiler has not seen
-- limit: the dialect
-- ends: value nothing
return function()
    local ways = {}
    for _, name in ipairs({ "load", "loadstring", "dofile", "loadfile" }) do
        if _G[name] ~= nil then ways[#ways + 1] = name end
    end
    if pcall(string.dump, function() end) then ways[#ways + 1] = "string.dump" end
    if debug ~= nil then ways[#ways + 1] = "debug" end
    return #ways == 0 and "nothing" or table.concat(ways, " ")
end
