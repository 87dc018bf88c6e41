local io = require("io")
local registry = require("registry")
local time = require("time")

local CLIENTS = 4

local function main()
    local reports, sent, events = process.listen("report"), process.listen("sent"), process.events()

    local function report()
        process.send("counter", "report")
        return reports:receive()
    end

    -- with_name takes the name before the process runs: clients find it at once.
    local counter = process.with_options({}):with_name("counter"):spawn_monitored("app:counter", "app:processes")
    local clients = {}
    for i = 1, CLIENTS do
        clients[i] = process.spawn("app:client", "app:processes", process.pid())
    end
    io.print("version " .. report().version .. " is running")

    -- Deploy: the entry gets new code while four clients keep sending.
    local entry = registry.get("app:counter")
    entry.data = registry.get("app:counter_next").data
    assert(registry.snapshot():changes():update(entry):apply())
    while report().version ~= 2 do time.sleep("1ms") end
    io.print("version 2 has taken over")

    -- Let it work for a while, then stop the clients and count what they say they sent.
    time.sleep("50ms")
    local count, sum = 0, 0
    for _, client in ipairs(clients) do process.send(client, "stop") end
    for _ = 1, CLIENTS do
        local s = sent:receive()
        count, sum = count + s.count, sum + s.sum
    end

    -- Everything the clients sent was delivered before this request.
    local final = report()
    io.print("every message counted, before, during and after: " .. tostring(final.count == count))
    io.print("and every number right: " .. tostring(final.sum == sum))
    io.print("something only the new code knows: " .. tostring(final.largest > 0))
    io.print("same process: " .. tostring(process.registry.lookup("counter") == counter))

    process.cancel(counter)
    io.print("ended normally: " .. tostring(events:receive().result.error == nil))
end

return { main = main }
