-- Shares jobs between workers. That these are written in Rust is known to the registry only.
local io = require("io")

local WORKERS = 3
local JOBS = { 10, 100, 1000, -1, 10000, 100000, 1000000 }

local function main()
    local done, events = process.listen("done"), process.events()
    local waiting, busy, results, left = {}, {}, {}, #JOBS

    local function start()
        local worker = assert(process.spawn_monitored("app:worker", "app:processes"))
        table.insert(waiting, worker)
    end
    for _ = 1, WORKERS do start() end

    local next_job = 1
    while left > 0 do
        while next_job <= #JOBS and #waiting > 0 do
            local worker = table.remove(waiting)
            busy[worker] = next_job
            process.send(worker, "count_primes", { job = next_job, limit = JOBS[next_job] })
            next_job = next_job + 1
        end
        local got = channel.select({ done:case_receive(), events:case_receive() })
        if got.channel == done then
            results[got.value.job] = got.value.primes .. " primes up to " .. JOBS[got.value.job]
            for worker, job in pairs(busy) do
                if job == got.value.job then
                    busy[worker] = nil
                    table.insert(waiting, worker)
                end
            end
        else
            -- A worker failed: its job is lost, the others go on, and another takes its place.
            local worker = got.value.from
            results[busy[worker]] = "failed: " .. got.value.result.error:message()
            busy[worker] = nil
            start()
        end
        left = 0
        for job = 1, #JOBS do if not results[job] then left = left + 1 end end
    end
    for job = 1, #JOBS do io.print(results[job]) end
end

return { main = main }
