-- attack: endless loops in metamethods
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
local function spin() while true do end end
local t = setmetatable({}, { __index = spin, __add = spin, __lt = spin, __tostring = spin, __len = spin })
return function()
    while true do
        pcall(function() return t + t end)
        pcall(function() return t < t end)
        pcall(tostring, t)
        pcall(function() return t.x end)
    end
end
