-- The end, which also puts the others together: each stage knows its successor only.
local io = require("io")

local function main()
    local words, over, events = process.listen("word", { message = true }), process.listen("end"), process.events()
    local counter = assert(process.spawn_monitored("app:counter", "app:processes", process.pid(), 2))
    assert(process.spawn("app:reader", "app:processes", counter))

    while true do
        local got = channel.select({ words:case_receive(), over:case_receive(), events:case_receive() })
        if got.channel == words then
            local parts = got.value:payload()
            io.print(parts[2]:data() .. " " .. parts[1]:data())
        elseif got.channel == over then
            return
        elseif got.value.result.error then
            return nil, got.value.result.error
        end
    end
end

return { main = main }
