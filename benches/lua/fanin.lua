-- m producers send n / m numbers each to one consumer that adds them up.
local HOST = "bench:processes"

local function main(n, m)
    local sum = process.listen("sum")
    local each = math.ceil(n / m)
    local start = time.now()
    local sink = assert(process.spawn("bench:fanin_sink", HOST, process.pid(), each * m))
    for _ = 1, m do
        assert(process.spawn("bench:fanin_producer", HOST, sink, each))
    end
    local total = sum:receive()
    return { ops = each * m, ns = time.now():sub(start):nanoseconds(), check = total }
end

return { main = main }
