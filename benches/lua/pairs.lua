-- m independent pairs play ping-pong, n round trips in all. Not in the suite of the peers: it shows what a second
-- worker adds.
local HOST = "bench:processes"

local function main(n, m)
    local done = process.listen("done")
    local each = math.ceil(n / m)
    local start = time.now()
    for _ = 1, m do
        assert(process.spawn("bench:ping", HOST, process.pid(), each))
    end
    local pongs = 0
    for _ = 1, m do
        local more = done:receive()
        pongs = pongs + more
    end
    return { ops = each * m, ns = time.now():sub(start):nanoseconds(), check = pongs }
end

return { main = main }
