-- Spawns m processes that do nothing and awaits the end of all m, until n have ended.
local HOST = "bench:processes"

local function main(n, m)
    local events = process.events()
    local batches = math.ceil(n / m)
    local ended = 0
    local start = time.now()
    for _ = 1, batches do
        for _ = 1, m do
            assert(process.spawn_monitored("bench:nothing", HOST))
        end
        for _ = 1, m do
            local event = events:receive()
            if event.kind == process.event.EXIT and not event.result.error then
                ended = ended + 1
            end
        end
    end
    return { ops = batches * m, ns = time.now():sub(start):nanoseconds(), check = ended }
end

return { main = main }
