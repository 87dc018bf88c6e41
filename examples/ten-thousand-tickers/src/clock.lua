-- A small process: a timer, a counter, and a boss to tell about the first tick.
local time = require("time")

local function main(boss, period_ms)
    local ticks = time.ticker(period_ms .. "ms"):channel()
    local events = process.events()
    local count = 0
    while true do
        local got = channel.select({ ticks:case_receive(), events:case_receive() })
        if got.channel == events then
            return count
        end
        count = count + 1
        if count == 1 then
            process.send(boss, "ticked")
        end
    end
end

return { main = main }
