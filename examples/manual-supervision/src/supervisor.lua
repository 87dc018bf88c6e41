local io = require("io")

local MAX_RESTARTS = 2

local function main()
    local events = process.events()
    local ready, done = process.listen("ready"), process.listen("done")

    -- The monitor is in place before the worker runs its first step,
    -- so no crash can slip through, however early.
    local function start()
        local pid, err = process.spawn_monitored("app:worker", "app:processes", process.pid())
        if err then error(err) end
        ready:receive()
        return pid
    end

    local worker = start()
    local restarts = 0
    local jobs = { { n = 8, by = 2 }, { n = 1, by = 0 }, { n = 9, by = 3 }, { n = 5, by = 0 }, "stop" }

    for _, job in ipairs(jobs) do
        process.send(worker, "job", job)

        -- Either an answer comes, or the news of an exit.
        local got = channel.select({ done:case_receive(), events:case_receive() })
        if got.channel == done then
            io.print("result: " .. got.value)
        elseif got.value.kind == process.event.EXIT then
            local result = got.value.result
            if not result.error then
                io.print("worker finished: " .. result.value)
                return
            end
            restarts = restarts + 1
            io.print("worker crashed: " .. result.error:message())
            if restarts > MAX_RESTARTS then
                return nil, "giving up"
            end
            io.print("restart " .. restarts .. " of at most " .. MAX_RESTARTS)
            worker = start()
        end
    end
end

return { main = main }
