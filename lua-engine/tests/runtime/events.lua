--- case what is sent arrives, in order
--- entry app:main events
local events = require("events")
return function()
    local sub = assert(events.subscribe("shop"))
    local ch = sub:channel()
    assert(ch == sub:channel() and tostring(sub) == "events.Subscription{}")
    for i = 1, 200 do assert(events.send("shop", "order.placed", "order/" .. i, { n = i })) end
    for i = 1, 200 do
        local e, ok = ch:receive()
        assert(ok and e.data.n == i and e.path == "order/" .. i and math.type(e.data.n) == "integer")
    end
    assert(events.send("shop", "k", "p"))
    local e, n = ch:receive(), 0
    for _ in pairs(e) do n = n + 1 end
    return e.system .. " " .. e.kind .. " " .. e.path .. " " .. n
end
--- expect
shop k p 3
--- case patterns
--- entry app:main events
local events = require("events")
return function()
    local function matched(system, kind)
        local sub = assert(events.subscribe(system, kind))
        local end_marker = assert(events.subscribe("end"))
        for _, e in ipairs{ { "shop", "order.placed" }, { "shop.eu", "order.paid" }, { "bank", "loan" } } do
            assert(events.send(e[1], e[2], "p"))
        end
        assert(events.send("end", "k", "p"))
        end_marker:channel():receive()
        sub:close() end_marker:close()
        local out = {}
        while true do
            local e, ok = sub:channel():receive()
            if not ok then break end
            if e.system ~= "end" then out[#out + 1] = e.system .. "/" .. e.kind end
        end
        return table.concat(out, " ")
    end
    return table.concat({
        matched("*"), matched("shop"), matched("shop*"), matched("shop.*"), matched("*", "order.*"), matched("*", "ord*"),
        matched("bank", ""), matched("bank", "*"), matched("bank", nil), matched("**", "loan"), matched("(shop|bank)"), matched("no"),
    }, "\n")
end
--- expect
shop/order.placed shop.eu/order.paid bank/loan
shop/order.placed
shop/order.placed shop.eu/order.paid
shop.eu/order.paid
shop/order.placed shop.eu/order.paid
shop/order.placed shop.eu/order.paid
bank/loan
bank/loan
bank/loan
bank/loan
shop/order.placed bank/loan

--- case errors
--- deny events.subscribe secret
--- deny events.send secret
--- entry app:main events
local events = require("events")
return function()
    local out = {}
    local function note(v, e) out[#out + 1] = tostring(v) .. " " .. e:kind() .. " " .. e:message() end
    note(events.subscribe("")) note(events.subscribe("secret"))
    note(events.send("", "k", "p")) note(events.send("s", "", "p")) note(events.send("s", "k", "")) note(events.send("secret", "k", "p"))
    local deep = {}
    local inner = deep
    for _ = 1, 127 do inner.x = {} inner = inner.x end
    note(events.send("s", "k", "p", deep))
    out[#out + 1] = select(2, pcall(events.subscribe))
    out[#out + 1] = select(2, pcall(events.send, "s", {}))
    return table.concat(out, "\n")
end
--- expect
nil Invalid system pattern is required
nil Invalid not allowed to subscribe to events from system: secret
nil Invalid system is required
nil Invalid kind is required
nil Invalid path is required
nil Invalid not allowed to send events to system: secret
nil Invalid data is nested deeper than 127 levels
bad argument #1 to subscribe (string expected, got no value)
bad argument #2 to send (string expected, got table)
--- case the deepest data that passes
--- entry app:main events
local events = require("events")
return function()
    local sub = assert(events.subscribe("s"))
    local deep = {}
    local inner = deep
    for _ = 1, 126 do inner.x = {} inner = inner.x end
    inner.x = "bottom"
    assert(events.send("s", "k", "p", deep))
    local at = sub:channel():receive().data
    for _ = 1, 126 do at = at.x end
    return at.x
end
--- expect
bottom
--- case data becomes plain
--- entry app:main events
local events = require("events")
return function()
    local ch = assert(events.subscribe("s")):channel()
    events.send("s", "k", "p", { f = print, e = errors.new("oops"), l = { 1, 2.5, "x", false }, c = ch })
    local d = ch:receive().data
    return type(d.f) .. " " .. type(d.e) .. " " .. d.e .. " " .. #d.l .. " " .. math.type(d.l[1]) .. " " .. type(d.c)
end
--- expect
string string oops 4 integer string
--- case close
--- entry app:main events
local events = require("events")
return function()
    local sub = assert(events.subscribe("s"))
    for i = 1, 70 do events.send("s", "k", "p", i) end
    -- the events are in the mailbox once this one, sent last, was received elsewhere
    local other = assert(events.subscribe("t"))
    events.send("t", "k", "p")
    other:channel():receive()
    assert(sub:close() == true and sub:close() == true)
    events.send("s", "k", "p", "late")
    local n, ch = 0, sub:channel()
    while true do
        local e, ok = ch:receive()
        if not ok then break end
        n = n + 1
        assert(e.data == n)
    end
    return n
end
--- expect
Int(64)
--- case a slow reader misses nothing and holds up nobody
--- entry app:main events time
local events, time = require("events"), require("time")
return function()
    local slow, quick = assert(events.subscribe("s")), assert(events.subscribe("s"))
    for i = 1, 1000 do events.send("s", "k", "p", i) end
    for i = 1, 1000 do assert(quick:channel():receive().data == i) end
    time.sleep("1ms")
    for i = 1, 1000 do assert(slow:channel():receive().data == i) end
    return "all"
end
--- expect
all
--- case events of another process
--- entry app:main events
local events = require("events")
return function()
    local sub = assert(events.subscribe("s", "n.*"))
    for i = 1, 3 do assert(process.spawn("app:sender", "app:host", "s" .. i)) end
    local next = { s1 = 1, s2 = 1, s3 = 1 }
    for _ = 1, 150 do
        local e = sub:channel():receive()
        assert(e.data == next[e.path])
        next[e.path] = e.data + 1
    end
    return next.s1 + next.s2 + next.s3
end
--- entry app:sender events
local events = require("events")
return function(name)
    for i = 1, 50 do assert(events.send("s", "n.x", name, i)) end
end
--- expect
Int(153)
--- case a subscription ends with its process
--- entry app:main events
local events = require("events")
return function()
    local pid = assert(process.spawn_monitored("app:listener", "app:host"))
    local gone = process.events():receive()
    assert(gone.from == pid and gone.result.error == nil)
    return events.send("s", "k", "p")
end
--- entry app:listener events
local events = require("events")
return function()
    for _ = 1, 10 do assert(events.subscribe("s")) end
end
--- expect
Bool(true)
--- case news of the registry
--- entry app:main events registry
local events, registry = require("events"), require("registry")
return function()
    local sub = assert(events.subscribe("registry", "entry.*"))
    assert(registry.snapshot():changes():create({ id = "u:a", kind = "test.unit", data = { n = 1 } }):apply())
    local created, accepted = sub:channel():receive(), sub:channel():receive()
    return created.kind .. " " .. created.path .. " " .. created.data.data.n .. " " .. accepted.kind .. " " .. accepted.path
end
--- expect
entry.create u:a 1 entry.accept u:a
--- case an upgrade ends subscriptions
--- entry app:main events
local events = require("events")
return function()
    local sub = assert(events.subscribe("s"))
    for i = 1, 3 do events.send("s", "k", "p", "old") end
    process.upgrade("app:next")
end
--- entry app:next events
local events = require("events")
return function()
    local sub = assert(events.subscribe("s"))
    events.send("s", "k", "p", "new")
    return sub:channel():receive().data
end
--- expect
new
--- case a channel that the program closes
--- entry app:main events
local events = require("events")
return function()
    local sub = assert(events.subscribe("s"))
    sub:channel():close()
    events.send("s", "k", "p", 1)
    coroutine.yield()
    return tostring(select(2, sub:channel():receive())) .. " " .. tostring(sub:close())
end
--- expect
false true
