-- A child crashes on a message; its parent, which monitors it, starts the next; n times.
local HOST = "bench:processes"

local function main(n)
    local events = process.events()
    local crashes = 0
    local start = time.now()
    for _ = 1, n do
        local pid = assert(process.spawn_monitored("bench:crasher", HOST))
        process.send(pid, "crash")
        local event = events:receive()
        if event.from == pid and event.result.error then crashes = crashes + 1 end
    end
    return { ops = n, ns = time.now():sub(start):nanoseconds(), check = crashes }
end

return { main = main }
