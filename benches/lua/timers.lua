-- n processes sleep ms milliseconds each; timed until all have woken.
local HOST = "bench:processes"

local function main(n, ms)
    local woken = process.listen("woken")
    local me, late = process.pid(), {}
    local start = time.now()
    for _ = 1, n do
        assert(process.spawn("bench:sleeper", HOST, me, ms * time.MILLISECOND))
    end
    for i = 1, n do late[i] = woken:receive() end
    local ns = time.now():sub(start):nanoseconds()
    local result = lateness.percentiles(late)
    result.ops, result.ns, result.check = n, ns, #late
    return result
end

return { main = main }
