-- attack: patterns that would match for years
-- limit: the budget of a match, then cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    local text, pattern = string.rep("a", 200000), string.rep(".-", 12) .. "b"
    while true do pcall(string.find, text, pattern) end
end
