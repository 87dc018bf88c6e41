-- Nothing happens for n milliseconds. Not in the suite of the peers: the harness counts how often a thread woke up.
local function main(ms)
    local before = bench.wakeups()
    local start = time.now()
    time.sleep(ms * time.MILLISECOND)
    local ns = time.now():sub(start):nanoseconds()
    return { ops = 1, ns = ns, wakeups = bench.wakeups() - before }
end

return { main = main }
