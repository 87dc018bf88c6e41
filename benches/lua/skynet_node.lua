local HOST = "bench:processes"

local function main(parent, first, size, fan)
    if size == 1 then
        process.send(parent, "sum", first)
        return
    end
    local sums = process.listen("sum")
    local me, part = process.pid(), size // fan
    for i = 0, fan - 1 do
        assert(process.spawn("bench:skynet_node", HOST, me, first + i * part, part, fan))
    end
    local total = 0
    for _ = 1, fan do
        local sum = sums:receive()
        total = total + sum
    end
    process.send(parent, "sum", total)
end

return { main = main }
