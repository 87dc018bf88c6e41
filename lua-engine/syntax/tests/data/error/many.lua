local x = = 5
foo bar
local is = f()
return 1
x()
for i = 1 do end
local s = "abc
local t = {
 a = 1
 b = 2
}
if x = 1 then y() end
x += 1
