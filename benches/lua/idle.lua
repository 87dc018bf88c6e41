-- Nothing happens for n milliseconds. Not in the suite of the peers: the harness counts how often a thread woke up.
local function main(ms)
    local before = bench.wakeups()
    local start = time.now()
    time.sleep(ms * time.MILLISECOND)
    local ns = time.now():sub(start):nanoseconds()
    -- A thread that has ended meanwhile, of a test beside this one, took its count along.
    return { ops = 1, ns = ns, wakeups = math.max(0, bench.wakeups() - before) }
end

return { main = main }
