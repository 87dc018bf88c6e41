-- attack: endless tail calls
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded (200ms)
local function f() return f() end
return f
