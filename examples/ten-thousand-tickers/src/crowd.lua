local io = require("io")
local time = require("time")

local CLOCKS = 10000

local function main()
    local ticked, events = process.listen("ticked"), process.events()

    -- Every process has a state of its own and ticks every 0.5 to 3 seconds. Between two
    -- ticks it costs a little memory and no processor time at all.
    local pids = {}
    for i = 1, CLOCKS do
        local period = 500 + i % 2501
        pids[i] = assert(process.spawn_monitored("app:clock", "app:processes", process.pid(), period))
    end
    io.print(#pids .. " processes started")

    local give_up = time.after("60s")
    for seen = 1, CLOCKS do
        local got = channel.select({ ticked:case_receive(), give_up:case_receive() })
        if got.channel == give_up then
            return nil, "only " .. (seen - 1) .. " processes ticked"
        end
    end
    io.print("every one of them ticked")

    -- Ask them to end, and count the exits: none is lost, none comes twice.
    for _, pid in ipairs(pids) do process.cancel(pid) end
    local ended, ticks = {}, 0
    for _ = 1, CLOCKS do
        local exit = events:receive()
        assert(not ended[exit.from], "seen twice")
        ended[exit.from] = true
        ticks = ticks + exit.result.value
    end
    io.print("all ended, after at least one tick each: " .. tostring(ticks >= CLOCKS))
end

return { main = main }
