-- The room passes on what is said. It monitors its members, so it notices when one
-- vanishes, whether they said goodbye or crashed.
local function main()
    local names = {} -- pid -> name
    local function tell_all(text)
        for pid in pairs(names) do
            process.send(pid, "heard", text)
        end
    end

    local inbox, events = process.inbox(), process.events()
    while true do
        local got = channel.select({ inbox:case_receive(), events:case_receive() })
        if got.channel == events then
            local event = got.value
            if event.kind == process.event.CANCEL then
                return
            elseif event.kind == process.event.EXIT then
                local name = names[event.from]
                names[event.from] = nil
                tell_all("* " .. name .. (event.result.error and " fell out of the window" or " left"))
            end
        else
            local message = got.value
            local pid, text = message:from(), message:payload():data()
            if message:topic() == "join" then
                process.monitor(pid)
                names[pid] = text
                tell_all("* " .. text .. " came in")
            elseif message:topic() == "say" then
                tell_all("<" .. names[pid] .. "> " .. text)
            end
        end
    end
end

return { main = main }
