-- attack: widths and precisions of millions
-- limit: the formatter
-- ends: value true
return function()
    local longest = 0
    for _, format in ipairs({ "%99999999d", "%.99999999f", "%-99999999s", "%099999999x" }) do
        local ok, text = pcall(string.format, format, 1)
        if ok then longest = math.max(longest, #text) end
    end
    return tostring(longest < 100000)
end
