-- attack: a replacement that grows beyond all bounds
-- limit: memory
-- ends: value not enough memory
return function()
    local text = string.rep("x", 1 << 16)
    local _, why = pcall(string.gsub, text, "x", text)
    return tostring(why)
end
