-- Sends numbers until it is told to stop. It never pauses for an upgrade: it doesn't
-- know about any.
local time = require("time")

local function main(boss)
    local stop = process.listen("stop")
    local count, sum = 0, 0
    while true do
        for _ = 1, 20 do
            count = count + 1
            local ok, err = process.send("counter", "add", count)
            if not ok then return nil, err end
            sum = sum + count
        end
        local got = channel.select({ stop:case_receive(), time.after("1ms"):case_receive() })
        if got.channel == stop then break end
    end
    process.send(boss, "sent", { count = count, sum = sum })
end

return { main = main }
