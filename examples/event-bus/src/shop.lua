local io = require("io")
local events = require("events")

local function main()
    local ready, audit = process.listen("ready"), process.listen("audit")
    process.spawn("app:auditor", "app:processes", process.pid())
    ready:receive()

    -- An event has a system, a kind, a path (what it is about) and data.
    -- A trailing * matches every kind that begins like this.
    local orders = events.subscribe("shop", "order.*")

    events.send("shop", "order.placed", "orders/1", { item = "tea", cents = 300 })
    events.send("shop", "stock.low", "stock/tea")
    events.send("shop", "order.placed", "orders/2", { item = "cake", cents = 420 })
    events.send("shop", "order.paid", "orders/1", { cents = 300 })
    events.send("shop", "day.closed", "day")

    -- Events of one sender arrive in the order they were sent. stock.low does not match.
    for _ = 1, 3 do
        local event = orders:channel():receive()
        io.print(event.kind .. " " .. event.path .. " " .. event.data.cents)
    end
    orders:close()

    local counts = audit:receive()
    for _, kind in ipairs({ "order.paid", "order.placed", "stock.low" }) do
        io.print("audit: " .. kind .. " x" .. counts[kind])
    end
end

return { main = main }
