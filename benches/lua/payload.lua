-- A sends a map of 20 keys to B, n times, and waits for an acknowledgement after every m.
local HOST = "bench:processes"

local function main(n, m)
    local done = process.listen("done")
    local rounds = math.ceil(n / m)
    local start = time.now()
    assert(process.spawn("bench:payload_source", HOST, process.pid(), rounds, m))
    local total = done:receive()
    return { ops = rounds * m, ns = time.now():sub(start):nanoseconds(), check = total }
end

return { main = main }
