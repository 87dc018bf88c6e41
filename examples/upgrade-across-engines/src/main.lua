-- Sends numbers without ever waiting, and tells the counter in between to go on in another language. Every number must
-- be counted, in order, by exactly one of the two.
local io = require("io")

local ROUNDS, NUMBERS = 6, 500

local function main()
    local counts, events = process.listen("count"), process.events()
    local counter = assert(process.spawn_monitored("app:counter_lua", "app:processes"))

    local expected = 0
    for round = 1, ROUNDS do
        for _ = 1, NUMBERS do process.send(counter, "add", 1) end
        process.send(counter, "become", round % 2 == 1 and "app:counter_rust" or "app:counter_lua")
    end
    for round = 1, ROUNDS do
        local language
        for _ = 1, NUMBERS do
            local reply = counts:receive()
            expected = expected + 1
            assert(reply.count == expected, "lost or out of order: " .. reply.count)
            assert(reply.language == (language or reply.language), "mixed")
            language = reply.language
        end
        io.print("counted to " .. expected .. " in " .. language)
    end

    -- The monitor of the first moment still holds.
    process.cancel(counter)
    local ended = events:receive()
    io.print("same process: " .. tostring(ended.from == counter))
    io.print("ended normally, with " .. ended.result.value)
end

return { main = main }
