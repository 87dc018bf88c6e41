-- For ms milliseconds, m processes do fib(20) over and over while a probe sleeps 1 ms at a time.
local HOST = "bench:processes"

local function run(ms, m, yields)
    local late, fibs = process.listen("late"), process.listen("fibs")
    local me = process.pid()
    local function probe(start, for_ms)
        assert(process.spawn("bench:fairness_probe", HOST, me, start:unix_nano(), for_ms * 1000000))
    end
    probe(time.now(), ms / 4)
    local idle = lateness.percentiles(late:receive())
    local start = time.now()
    probe(start, ms)
    for _ = 1, m do
        assert(process.spawn("bench:fairness_hog", HOST, me, start:unix_nano() + ms * 1000000, yields))
    end
    local done = 0
    for _ = 1, m do
        local count = fibs:receive()
        done = done + count
    end
    local result = lateness.percentiles(late:receive())
    result.ops, result.ns = done, ms * 1000000
    result.idle_p50_us, result.idle_p99_us = idle.p50_us, idle.p99_us
    return result
end

return {
    main = function(ms, m) return run(ms, m, false) end,
    yielding = function(ms, m) return run(ms, m, true) end,
}
