return function(a, b)
    if a == "fail at once" then error("at once", 0) end
    local inbox, events = process.inbox(), process.events()
    while true do
        local got = channel.select({ inbox:case_receive(), events:case_receive() })
        if got.channel == events then
            return got.value.reason
        elseif got.value:topic() == "stop" then
            return got.value:payload():data()
        elseif got.value:topic() == "fail" then
            error(got.value:payload():data(), 0)
        else
            process.send(got.value:from(), "args", { a, b })
        end
    end
end
