-- fib(30), n times, by a process in WebAssembly.
local CALLS = 2692537

local function main(n)
    local events = process.events()
    local start = time.now()
    assert(process.spawn_monitored("bench:fib_worker", "bench:processes", n))
    local result = events:receive().result
    assert(not result.error, result.error)
    return { ops = n * CALLS, ns = time.now():sub(start):nanoseconds(), check = result.value }
end

return { main = main }
