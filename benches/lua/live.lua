-- Spawns n processes that say they are up and wait; then wakes each and awaits its answer.
local HOST = "bench:processes"

local function main(n)
    local up, woken = process.listen("up"), process.listen("woken")
    local me = process.pid()
    local pids = table.create(n, 0)
    local before, tables = bench.rss(), bench.page_tables()
    local start = time.now()
    for i = 1, n do
        pids[i] = assert(process.spawn("bench:live_receiver", HOST, me))
    end
    for _ = 1, n do up:receive() end
    local ns = time.now():sub(start):nanoseconds()
    local bytes, table_bytes = (bench.rss() - before) / n, (bench.page_tables() - tables) / n
    for i = 1, n do process.send(pids[i], "wake") end
    local answers = 0
    for _ = 1, n do
        woken:receive()
        answers = answers + 1
    end
    return { ops = n, ns = ns, check = answers, bytes_per_process = bytes, page_table_bytes = table_bytes }
end

return { main = main }
