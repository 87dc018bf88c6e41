local function main(source, m)
    local maps = process.listen("map")
    local seen, total = 0, 0
    while true do
        local map = maps:receive()
        if map == "stop" then return end
        for _, n in ipairs(map.numbers) do total = total + n end
        total = total + #map.field_07
        seen = seen + 1
        if seen % m == 0 then process.send(source, "ack", total) end
    end
end

return { main = main }
