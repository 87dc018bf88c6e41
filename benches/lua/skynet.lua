-- A tree of processes with fan-out m and n leaves, spawned by their parents; sums go up.
local HOST = "bench:processes"

local function tree_size(n, m)
    if n <= 1 then return 1 end
    return n + tree_size(n // m, m)
end

local function main(n, m)
    local sums = process.listen("sum")
    local start = time.now()
    assert(process.spawn("bench:skynet_node", HOST, process.pid(), 0, n, m))
    local sum = sums:receive()
    return { ops = tree_size(n, m), ns = time.now():sub(start):nanoseconds(), check = sum }
end

return { main = main }
