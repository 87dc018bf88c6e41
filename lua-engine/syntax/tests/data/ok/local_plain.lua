local a, b = 1, "x"
local c
