local io, json, time = require("io"), require("json"), require("time")
local client = require("client")

local function main()
    while not process.registry.lookup("store") do time.sleep("1ms") end

    client.put("user:ada", { name = "Ada", born = 1815, tags = { "maths", "poetry" } })
    client.put("user:alan", { name = "Alan", born = 1912 })
    client.put("motd", "be kind")

    local ada = client.get("user:ada")
    io.print(ada.name .. " was born in " .. ada.born .. ", and likes " .. table.concat(ada.tags, " and "))
    io.print(math.type(ada.born) .. ", as it was")
    io.print("users: " .. table.concat(client.keys("user:"), ", "))
    io.print("new: " .. tostring(client.put("motd", "be brief")) .. ", now: " .. client.get("motd"))
    io.print("gone: " .. tostring(client.delete("user:alan")) .. ", again: " .. tostring(client.delete("user:alan")))
    io.print("nobody: " .. tostring(client.get("user:alan")))

    local _, err = client.put(nil, 1)
    io.print("a mistake: " .. err:message() .. " [" .. err:kind() .. "]")
end

return { main = main }
