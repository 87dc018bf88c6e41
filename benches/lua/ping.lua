local HOST = "bench:processes"

local function main(parent, n)
    local send = process.send
    local numbers = process.listen("number")
    local pong = assert(process.spawn("bench:pong", HOST, process.pid()))
    local pongs = 0
    for i = 1, n do
        send(pong, "number", i)
        if numbers:receive() ~= i then error("wrong number") end
        pongs = pongs + 1
    end
    send(parent, "done", pongs)
    send(pong, "number", "stop")
end

return { main = main }
