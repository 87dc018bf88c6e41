-- attack: endless recursion through native functions
-- limit: the C stack
-- ends: value true
return function()
    local function deep() return (string.gsub("x", "x", deep)) end
    local _, why = pcall(deep)
    local text = tostring(why)
    return tostring(text:match("C stack overflow") ~= nil or text:match("stack overflow") ~= nil)
end
