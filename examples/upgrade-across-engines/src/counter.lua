-- The counter in Lua.
local function main(count)
    count = count or 0
    local inbox, events = process.inbox(), process.events()
    while true do
        local got = channel.select({ inbox:case_receive(), events:case_receive() })
        if got.channel == events then
            if got.value.kind == process.event.CANCEL then return count end
        elseif got.value:topic() == "add" then
            count = count + got.value:payload():data()
            process.send(got.value:from(), "count", { count = count, language = "Lua" })
        elseif got.value:topic() == "become" then
            -- Does not come back: the same process goes on as the other code.
            process.upgrade(got.value:payload():data(), count)
        end
    end
end

return { main = main }
