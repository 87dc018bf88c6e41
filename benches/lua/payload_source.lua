local HOST = "bench:processes"

local function text(i)
    return string.rep(string.char(97 + i), 36)
end

local function make()
    local map = { numbers = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, nested = { a = 18, b = 2.5, c = text(20) } }
    for i = 1, 18 do map[string.format("field_%02d", i)] = text(i) end
    return map
end

local function main(parent, rounds, m)
    local send = process.send
    local acks = process.listen("ack")
    local sink = assert(process.spawn("bench:payload_sink", HOST, process.pid(), m))
    local map, total = make(), 0
    for _ = 1, rounds do
        for _ = 1, m do send(sink, "map", map) end
        total = acks:receive()
    end
    send(parent, "done", total)
    send(sink, "map", "stop")
end

return { main = main }
