local io, store, time = require("io"), require("store"), require("time")

local function main()
    local counts = assert(store.get("app:counts"))

    -- Four processes count at once; no count is lost.
    local events = process.events()
    for _ = 1, 4 do assert(process.spawn_monitored("app:adder", "app:processes", "fruit:apple", 250)) end
    for _ = 1, 4 do events:receive() end
    io.print("apples: " .. counts:get("fruit:apple"))

    -- Page by page, in the order of keys.
    for i, name in ipairs({ "pear", "fig", "plum" }) do assert(counts:set("fruit:" .. name, i)) end
    local after = ""
    repeat
        local page = assert(counts:list({ prefix = "fruit:", limit = 2, after = after }))
        local names = {}
        for _, item in ipairs(page.items) do names[#names + 1] = item.key .. "=" .. item.value end
        io.print(table.concat(names, " "))
        after = page.cursor
    until not page.has_more

    -- Some values are not meant to stay.
    assert(counts:set("note", "gone soon", 0.05))
    time.sleep("100ms")
    local value, err = counts:get("note")
    io.print(tostring(value) .. ": " .. err:message())
end

return { main = main }
