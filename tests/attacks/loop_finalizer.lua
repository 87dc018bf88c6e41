-- attack: endless finalizers
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
return function()
    local function spin() while true do end end
    while true do
        for _ = 1, 1000 do setmetatable({}, { __gc = spin, __mode = "k" }) end
    end
end
