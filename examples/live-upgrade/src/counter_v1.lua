-- Version 1 adds numbers up.
local function main(state)
    state = state or { count = 0, sum = 0 }
    -- Ask to be told when the entry this process runs changes in the registry.
    process.set_options({ upgradable = true })

    local inbox, events = process.inbox(), process.events()
    while true do
        local got = channel.select({ events:case_receive(), inbox:case_receive() })
        if got.channel == events then
            if got.value.kind == process.event.OUTDATED then
                -- Continue as the current version of the entry. Pid, name, links, monitors
                -- and unread messages stay; the Lua state goes, except for what is passed on.
                process.upgrade(nil, state)
            elseif got.value.kind == process.event.CANCEL then
                return
            end
        elseif got.value:topic() == "add" then
            state.count = state.count + 1
            state.sum = state.sum + got.value:payload():data()
        elseif got.value:topic() == "report" then
            process.send(got.value:from(), "report", { version = 1, count = state.count, sum = state.sum })
        end
    end
end

return { main = main }
