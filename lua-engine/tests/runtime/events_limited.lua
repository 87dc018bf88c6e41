--- case the mailbox of the host bounds what waits
--- entry app:main events
local events = require("events")
return function()
    local sub = assert(events.subscribe("s"))
    for i = 1, 50 do assert(events.send("s", "k", "p", i)) end
    local last = 0
    for i = 1, 10 do
        last = sub:channel():receive().data
        assert(last == i)
    end
    events.send("s", "k", "p", "next")
    return sub:channel():receive().data
end
--- expect
next
