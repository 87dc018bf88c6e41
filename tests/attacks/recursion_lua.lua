-- attack: endless recursion
-- limit: the Lua stack
-- ends: value stack overflow
local function deep(n) return 1 + deep(n + 1) end
return function()
    local _, why = pcall(deep, 1)
    return (tostring(why):match("stack overflow"))
end
