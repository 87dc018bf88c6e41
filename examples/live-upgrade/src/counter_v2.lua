-- Version 2 also knows the largest number. It starts from the state of version 1.
local function main(state)
    state = state or { count = 0, sum = 0 }
    state.largest = state.largest or 0
    process.set_options({ upgradable = true })

    local inbox, events = process.inbox(), process.events()
    while true do
        local got = channel.select({ events:case_receive(), inbox:case_receive() })
        if got.channel == events then
            if got.value.kind == process.event.OUTDATED then
                process.upgrade(nil, state)
            elseif got.value.kind == process.event.CANCEL then
                return
            end
        elseif got.value:topic() == "add" then
            local n = got.value:payload():data()
            state.count, state.sum = state.count + 1, state.sum + n
            if n > state.largest then state.largest = n end
        elseif got.value:topic() == "report" then
            process.send(got.value:from(), "report",
                { version = 2, count = state.count, sum = state.sum, largest = state.largest })
        end
    end
end

return { main = main }
