-- A number goes from process A to B and back, n times.
local HOST = "bench:processes"

local function main(n)
    local done = process.listen("done")
    local start = time.now()
    assert(process.spawn("bench:ping", HOST, process.pid(), n))
    local pongs = done:receive()
    return { ops = n, ns = time.now():sub(start):nanoseconds(), check = pongs }
end

return { main = main }
