-- Starts n processes one after the other and sends each a message: how long until it has received that.
local HOST = "bench:processes"

local function main(n)
    local received = process.listen("received")
    local me, took = process.pid(), {}
    local start = time.now()
    for i = 1, n do
        local since = time.now():unix_nano()
        local pid = assert(process.spawn("bench:greeter", HOST, me))
        process.send(pid, "hello")
        took[i] = math.max(received:receive() - since, 0)
    end
    local ns = time.now():sub(start):nanoseconds()
    local result = lateness.percentiles(took)
    result.ops, result.ns, result.check = n, ns, #took
    return result
end

return { main = main }
