local function f(): T
(g or h)()
end
local x = y as T
(g)()
