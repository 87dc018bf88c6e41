-- Asks an oracle whether it may live. Every restart is a new process without memory of
-- the one before; what must survive a crash has to live somewhere else.
local function main()
    local orders, events = process.listen("order"), process.events()
    process.send("oracle", "started", process.pid())
    if orders:receive() == "crash" then
        error("not my day", 0) -- an error exit: the restart policy applies
    end
    while true do
        local event = events:receive()
        if event.kind == process.event.CANCEL then
            process.send("oracle", "stopping", event.reason)
            return -- a normal exit: the supervisor leaves it at that
        end
    end
end

return { main = main }
