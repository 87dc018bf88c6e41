-- attack: a chain of metatables that is a circle
-- limit: the engine
-- ends: value true
return function()
    local t = {}
    setmetatable(t, { __index = t })
    local _, why = pcall(function() return t.x end)
    local chain = {}
    for _ = 1, 5000 do chain = setmetatable({}, { __index = chain }) end
    local fine = pcall(function() return chain.x end)
    return tostring(why ~= nil or fine ~= nil)
end
