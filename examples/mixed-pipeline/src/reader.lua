-- The beginning: a text, line by line.
local TEXT = [[
The fox went out, the fox came in,
the crow sat on the wall.
"Fox," said the crow, "where have you been?"
The fox said nothing at all.
]]

local function main(next)
    for line in TEXT:gmatch("[^\n]+") do process.send(next, "line", line) end
    process.send(next, "end")
end

return { main = main }
