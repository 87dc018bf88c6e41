-- attack: endless tail calls
-- limit: cpu.call
-- ends: Timeout cpu limit exceeded
local function f() return f() end
return f
