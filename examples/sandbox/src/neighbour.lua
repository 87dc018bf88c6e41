-- Does its work on a host of its own, whatever the guests do.
return function(main)
    local inbox, ticks = process.inbox(), time.ticker("5ms")
    local count = 0
    while true do
        local got = channel.select({ inbox:case_receive(), ticks:channel():case_receive() })
        if got.channel == inbox then
            process.send(main, "fine", count > 0 and "never better" or "I stood still")
            return
        end
        count = count + 1
    end
end
