local io = require("io")
local puppet = require("puppet")

return function()
    local events = process.events()
    local function ends(topic, ...)
        local p = puppet.start("spawn_monitored")
        process.send(p.pid, topic, ...)
        local ended = events:receive()
        assert(ended.kind == process.event.EXIT and ended.from == p.pid)
        return ended.result.value, ended.result.error
    end
    io.print(ends("exit", { 1, 2 })[2])
    local _, err = ends("panic", "of all things")
    io.print(err:kind(), (err:message():gsub("%d+", "N")))
    _, err = ends("fail", errors.new({ message = "not now", kind = errors.UNAVAILABLE, retryable = true }))
    io.print(err:kind(), err:message(), tostring(err:retryable()))
    _, err = ends("overflow")
    -- The stack of Rust lies at the beginning of its memory.
    io.print(err:kind(), err:message():match("wasm error: [%a ]+%a"))
    -- A loop without an end holds up nobody, and can be ended.
    local p = puppet.start("spawn_monitored")
    process.send(p.pid, "spin")
    io.print(process.exec("app:double_process", "app:processes", 3))
    process.terminate(p.pid)
    io.print(events:receive().result.error:kind())
    -- What is left is as it was.
    io.print(puppet.start():ask("echo", "alive"))
end
