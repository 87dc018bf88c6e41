-- Counts everything that happens in the system "shop", without the shop knowing it.
local events = require("events")

local function main(boss)
    local news = events.subscribe("shop") -- no kind: all kinds
    process.send(boss, "ready") -- from now on nothing is missed

    local counts = {}
    while true do
        local event = news:channel():receive()
        if event.kind == "day.closed" then
            process.send(boss, "audit", counts)
            return
        end
        counts[event.kind] = (counts[event.kind] or 0) + 1
    end
end

return { main = main }
