local io = require("io")
local kv = require("kv") -- the import's alias

local function main()
    kv.set("color", "green")
    io.print("color = " .. kv.get("color"))
    io.print("color was " .. kv.set("color", "blue") .. ", is " .. kv.get("color"))

    kv.set("point", { x = 1, y = 2 }) -- tables are copied, never shared
    local point = kv.get("point")
    point.x = 99
    io.print("point.x = " .. kv.get("point").x)

    for _ = 1, 10 do kv.add("visits", 1) end
    io.print("visits = " .. kv.get("visits"))

    io.print("missing = " .. tostring(kv.get("missing")))
    io.print("keys = " .. table.concat(kv.keys(), ", "))

    local _, err = kv.raw("explode")
    io.print(err:kind() .. ": " .. err:message())
end

return { main = main }
