local io, funcs = require("io"), require("funcs")

local function main()
    io.print(funcs.call("app:slug", "Processes, in Any Language!"))

    -- A result is a table with `ok` or `err`, a list of records a table of tables.
    local result = funcs.call("app:words", "the fox and the crow and the cheese", 2)
    for _, word in ipairs(result.ok) do io.print(word.count .. " " .. word.text) end
    io.print("refused: " .. funcs.call("app:words", "nothing", 0).err)

    -- What does not fit the types is an error of the call.
    local _, err = funcs.call("app:slug")
    io.print(err:message():match("parameter count mismatch.*"))

    -- Several at once.
    local calls = {}
    for i = 1, 3 do calls[i] = funcs.async("app:slug", "Number " .. i) end
    for i = 1, 3 do io.print(calls[i]:response():receive():data()) end
end

return { main = main }
