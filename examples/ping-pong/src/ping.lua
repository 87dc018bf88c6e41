local io = require("io")
local time = require("time")

-- Services start side by side, so the name may appear a moment after we do.
local function wait_for(name)
    for _ = 1, 500 do
        if process.registry.lookup(name) then return end
        time.sleep("10ms")
    end
    error("no process took the name " .. name)
end

local function main()
    wait_for("pong")

    -- Plain topics get a channel of their own; everything else would go to the inbox.
    local replies = process.listen("pong")
    for round = 1, 3 do
        io.print("ping " .. round)
        process.send("pong", "ping", round) -- a name works wherever a pid does
        io.print("pong " .. replies:receive())
    end
end

return { main = main }
