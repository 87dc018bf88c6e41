-- n processes tick every 0.5 to 3 s for ms milliseconds after all are up. Not in the suite of the peers: it shows
-- what mostly idle processes cost. The operations are ticks.
local HOST = "bench:processes"

local function main(n, ms)
    local up, ticks = process.listen("up"), process.listen("ticks")
    local me, pids = process.pid(), {}
    for i = 1, n do
        pids[i] = assert(process.spawn("bench:ticker", HOST, me, 500 + i * 2500 // n))
    end
    for _ = 1, n do up:receive() end
    local start, cpu = time.now(), bench.cpu()
    time.sleep(ms * time.MILLISECOND)
    cpu = bench.cpu() - cpu
    local ns = time.now():sub(start):nanoseconds()
    for i = 1, n do process.send(pids[i], "stop") end
    local total = 0
    for _ = 1, n do
        local count = ticks:receive()
        total = total + count
    end
    return { ops = total, ns = ns, cpu_percent = cpu * 100 / ns }
end

return { main = main }
