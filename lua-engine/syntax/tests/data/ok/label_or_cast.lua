local a = x ::top:: goto top
local b = x :: number
