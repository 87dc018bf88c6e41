local m = {a = "x" :: any} as Money
local n = f(m)! + -x as number ^ 2
