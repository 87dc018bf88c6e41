-- One token makes n hops round a ring of m processes that exist before the clock starts.
local HOST = "bench:processes"

local function main(n, m)
    local up, done = process.listen("up"), process.listen("done")
    local me = process.pid()
    local last = assert(process.spawn("bench:ring_node", HOST, me))
    local first = last
    for _ = 2, m do
        first = assert(process.spawn("bench:ring_node", HOST, me, first))
    end
    process.send(last, "next", first)
    for _ = 1, m do up:receive() end
    local start = time.now()
    process.send(first, "token", n - 1)
    done:receive()
    return { ops = n, ns = time.now():sub(start):nanoseconds(), check = n }
end

return { main = main }
