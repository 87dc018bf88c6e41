local io = require("io")
local puppet = require("puppet")

return function()
    local told, events = process.listen("event"), process.events()
    local p = puppet.start()

    -- Spawns, in every variant. The child answers whoever asks it.
    local child = p:ask("spawn", { entry = "app:child", args = { "a", 1 } })
    io.print(process.exec("app:ask", "app:processes", child))
    child = p:ask("spawn", { entry = "app:child", args = {}, monitored = true })
    process.send(child, "stop", "done")
    local event = told:receive()
    io.print(event.kind, tostring(event.who == child), event.value)
    child = p:ask("spawn", { entry = "app:child", args = {}, monitored = true })
    process.send(child, "fail", "broken")
    event = told:receive()
    io.print(event.kind, event.value:kind(), event.value:message())

    -- A linked child that fails is an event, once links are trapped.
    io.print(tostring(p:ask("options", { trap_links = true, upgradable = false }).trap_links))
    child = p:ask("spawn", { entry = "app:child", args = {}, linked = true, name = "kid" })
    io.print(tostring(p:ask("lookup", "kid") == child), tostring(process.registry.lookup("kid") == child))
    io.print(tostring(p:ask("spawn", { entry = "app:child", args = {}, name = "kid" }) == child))
    p:ask("send", { to = "kid", topic = "fail", value = "gone" })
    event = told:receive()
    io.print(event.kind, tostring(event.who == child), event.value:message())

    io.print(p:fails("spawn", { entry = "app:nothing", args = {} }))
    io.print(p:fails("send", { to = "kid", topic = "x" }))
    io.print(p:fails("send", { to = child, topic = "x" }))
    io.print(p:fails("send", { to = p.pid, topic = "@pid/events" }))
    io.print(p:fails("monitor", child))
    io.print(p:fails("lookup", "kid"))
    io.print(p:ask("exec", { entry = "app:double_process", args = { 21 } }))
    io.print(p:fails("exec", { entry = "app:child", args = { "fail at once" } }))

    -- Watching and ending.
    child = p:ask("spawn", { entry = "app:child", args = {} })
    p:ask("monitor", child)
    io.print(p:fails("monitor", child))
    p:ask("cancel", child, "enough")
    event = told:receive()
    io.print(event.kind, event.value)
    child = p:ask("spawn", { entry = "app:child", args = {} })
    p:ask("monitor", child)
    p:ask("terminate", child)
    event = told:receive()
    io.print(event.kind, event.value:message())
    child = p:ask("spawn", { entry = "app:child", args = {} })
    p:ask("monitor", child)
    p:ask("unmonitor", child)
    p:ask("link", child)
    p:ask("unlink", child)
    process.terminate(child)

    -- Names, and who is asked to finish.
    io.print(tostring(p:ask("register", "me")), tostring(process.registry.lookup("me") == p.pid))
    process.registry.register("taken")
    io.print(p:fails("register", "taken"))
    io.print(tostring(p:ask("unregister", "me")), tostring(p:ask("unregister", "me")))
    process.cancel(p.pid, "the end")
    event = told:receive()
    io.print(event.kind, tostring(event.who == process.pid()), event.value)

    -- A guest that is linked and fails takes its peer along.
    local q = puppet.start("spawn_monitored")
    local r = puppet.start("spawn_monitored")
    q:ask("link", r.pid)
    process.send(r.pid, "fail", errors.new({ message = "on purpose", kind = "Mine", details = { why = "test" } }))
    local ends = {}
    for _ = 1, 2 do
        local ended = events:receive()
        ends[ended.from] = ended.result.error
    end
    io.print(ends[r.pid]:message(), ends[r.pid]:kind(), ends[r.pid]:details().why)
    io.print(ends[q.pid]:message())
end
