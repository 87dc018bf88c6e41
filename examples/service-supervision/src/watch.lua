local io = require("io")
local events = require("events")
local time = require("time")

local SERVICE = "app:flaky_service"
local CRASHES = 3
-- The delays of the restart policy in _index.yaml, less its jitter.
local AT_LEAST_MS = { 95, 190, 380 }

local function main()
    process.registry.register("oracle")
    local started, stopping = process.listen("started"), process.listen("stopping")

    -- Every state change of a service is an event on the bus.
    local updates = events.subscribe("supervisor", "service.update")

    events.send("supervisor", "service.start", SERVICE)
    local crashed_at
    for attempt = 1, CRASHES + 1 do
        local pid = started:receive()
        if crashed_at then
            local waited = time.now():sub(crashed_at):milliseconds()
            local wanted = AT_LEAST_MS[attempt - 1]
            io.print("  back after at least " .. wanted .. " ms: " .. tostring(waited >= wanted))
        end
        if attempt <= CRASHES then
            io.print("attempt " .. attempt .. ": crash")
            crashed_at = time.now()
            process.send(pid, "order", "crash")
        else
            io.print("attempt " .. attempt .. ": stay")
            process.send(pid, "order", "stay")
        end
    end

    -- Stopping asks first: the process gets a CANCEL event and time to finish.
    events.send("supervisor", "service.stop", SERVICE)
    io.print("asked to stop: " .. stopping:receive())

    -- Read the supervisor's own account of what happened.
    local failures = 0
    while true do
        local update = updates:channel():receive()
        if update.path == SERVICE then
            if update.data.status == "failed" then failures = failures + 1 end
            if update.data.status == "stopped" then break end
        end
    end
    io.print("the supervisor saw " .. failures .. " failures and a stop")
end

return { main = main }
