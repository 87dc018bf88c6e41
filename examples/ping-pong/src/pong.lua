-- A service: it takes a name, then answers whatever comes to its inbox.
local function main()
    -- The name belongs to this process and is released when it ends, however it ends.
    process.registry.register("pong")

    local inbox, events = process.inbox(), process.events()
    while true do
        local got = channel.select({ inbox:case_receive(), events:case_receive() })
        if got.channel == events then
            if got.value.kind == process.event.CANCEL then
                return -- the application is shutting down
            end
        else
            local message = got.value
            process.send(message:from(), "pong", message:payload():data())
        end
    end
end

return { main = main }
