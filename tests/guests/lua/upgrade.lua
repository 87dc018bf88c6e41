local io, registry = require("io"), require("registry")
local puppet = require("puppet")

return function()
    local events, said, told = process.events(), process.listen("said"), process.listen("event")
    local p = puppet.start("spawn_monitored")
    process.registry.register("changing", p.pid)

    -- The messages behind the upgrade are for the new code.
    process.send(p.pid, "upgrade", "app:successor", { left = 7 })
    process.send(p.pid, "say", "first")
    process.send(p.pid, "say", "second")
    for _ = 1, 2 do
        local got = said:receive()
        io.print(got.text, got.left, tostring(got.pid == p.pid))
    end
    -- And back, to itself as the registry has it.
    process.send(p.pid, "become", "app:puppet")
    io.print(p:ask("echo", "Rust again"))
    p:tell("upgrade", nil, process.pid())
    io.print(p:hear(), p:ask("who")[2], tostring(process.registry.lookup("changing") == p.pid))

    -- It is told when its entry changes.
    p:ask("options", { trap_links = false, upgradable = true })
    local entry = registry.get("app:puppet")
    entry.meta = { changed = true }
    assert(registry.snapshot():changes():update(entry):apply())
    local event = told:receive()
    io.print(event.kind, event.value[1])

    -- The monitor of the beginning still holds.
    p:tell("exit", "enough")
    local ended = events:receive()
    io.print(tostring(ended.from == p.pid), ended.result.value)

    -- An entry that is none.
    local q = puppet.start("spawn_monitored")
    process.send(q.pid, "upgrade", "app:nothing")
    io.print(events:receive().result.error:message())
end
