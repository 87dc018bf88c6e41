--- case a process joins, is found, and leaves as often as it joined
--- entry app:main pg
return function()
    local pg = require("pg")
    local g = assert(pg.open("app:groups"))
    local me = process.pid()
    assert(g:join("a"))
    assert(g:join({ "a", "b" }))
    local out = { #g:get_members("a"), #g:get_local_members("b"), g:get_members("b")[1] == me and "me" or "who" }
    out[#out + 1] = table.concat(g:which_groups(), "+")
    assert(g:leave("a"))
    out[#out + 1] = #g:get_members("a")
    -- Of several groups it is enough to be in one.
    assert(g:leave({ "a", "none" }))
    local ok, err = g:leave("a")
    out[#out + 1] = tostring(ok) .. " " .. err:kind() .. " " .. err:message()
    out[#out + 1] = #g:get_members("never")
    assert(g:leave("b"))
    out[#out + 1] = #g:which_local_groups()
    return table.concat(out, ", ")
end
--- expect
2, 1, me, a+b, 1, nil NotFound pg: process not joined in group, 0, 0
--- case wrong arguments
--- entry app:main pg
return function()
    local pg = require("pg")
    local g = assert(pg.open("app:groups"))
    local out = {}
    local function note(...)
        local n = select("#", ...)
        local err = select(n, ...)
        out[#out + 1] = n .. " " .. err:kind() .. ": " .. err:message()
    end
    note(pg.open())
    note(pg.open(""))
    note(pg.open("app:nowhere"))
    note(g:join())
    note(g:join(7))
    note(g:join(""))
    note(g:join({}))
    note(g:join({ "a", 5 }))
    note(g:leave({ "" }))
    note(g:get_members())
    note(g:broadcast(""))
    note(g:broadcast("a"))
    note(g:broadcast_local("a", ""))
    note(g:monitor())
    note(assert(pg.open("app:stopped")):join("a"))
    local stopped = pg.open("app:stopped")
    note(stopped:get_members("a"))
    note(stopped:which_groups())
    note(stopped:broadcast("a", "t"))
    note(stopped:monitor("a"))
    note(stopped:events())
    out[#out + 1] = tostring(g)
    assert(g:release() and g:release())
    out[#out + 1] = tostring(g)
    note(g:join("a"))
    note(g:which_groups())
    note(g:get_members("a"))
    note(g:events())
    out[#out + 1] = tostring(select(2, pcall(g.join, "no instance")))
    return table.concat(out, "\n")
end
--- expect
2 Invalid: resource id is required
2 Invalid: resource id is required
2 Internal: failed to acquire pg scope: resource not found
2 Invalid: group name (string) or groups table required
2 Invalid: group name (string) or groups table required
2 Invalid: group name is required
2 Invalid: groups table must not be empty
2 Invalid: group name is required
2 Invalid: group name is required
2 Invalid: group name is required
2 Invalid: group name is required
2 Invalid: topic is required
2 Invalid: topic is required
3 Invalid: group name is required
2 Unavailable: pg: service stopped
2 Unavailable: pg: service stopped
2 Unavailable: pg: service stopped
2 Unavailable: pg: service stopped
3 Unavailable: pg: service stopped
3 Unavailable: pg: service stopped
pg.Instance{app:groups}
pg.Instance{app:groups, released}
2 Invalid: pg instance is released
2 Invalid: pg instance is released
2 Invalid: pg instance is released
3 Invalid: pg instance is released
bad argument #1 to join (pg.Instance expected)
--- case limits hold for all groups of a call
--- entry app:main pg
return function()
    local pg = require("pg")
    local g = assert(pg.open("app:small"))
    local out = {}
    local function note(ok, err)
        out[#out + 1] = ok and "ok" or err:kind() .. "/" .. tostring(err:retryable()) .. ": " .. err:message()
    end
    note(g:join({ "a", "b", "c" }))
    out[#out + 1] = #g:which_groups() .. " groups"
    note(g:join({ "a", "b" }))
    note(g:join("c"))
    note(g:join({ "a", "a", "a" }))
    note(g:join({ "a", "a" }))
    note(g:join("a"))
    assert(g:leave("b"))
    note(g:join("c"))
    return table.concat(out, "\n")
end
--- expect
RateLimited/true: pg: maximum number of groups reached
0 groups
ok
RateLimited/true: pg: maximum number of groups reached
RateLimited/true: pg: maximum members per group reached
ok
RateLimited/true: pg: maximum members per group reached
ok
--- case who ends is out of its groups before anybody hears of its end
--- entry app:main pg
return function()
    local g = assert(require("pg").open("app:groups"))
    local events = process.events()
    local inbox = process.inbox()
    for _, how in ipairs({ "return", "fail", "kill" }) do
        local child = assert(process.spawn_monitored("app:child", "app:host", process.pid(), how))
        inbox:receive()
        if #g:get_members("a") ~= 3 or #g:get_members("b") ~= 1 then return "not joined" end
        process.send(child, "go")
        if how == "kill" then process.terminate(child) end
        local e = events:receive()
        if e.kind ~= process.event.EXIT or #g:which_groups() ~= 0 then return how .. ": still there" end
    end
    return "gone"
end
--- entry app:child pg
return function(parent, how)
    local g = assert(require("pg").open("app:groups"))
    g:join({ "a", "b", "a", "a" })
    process.send(parent, "joined")
    process.listen("go"):receive()
    if how == "fail" then error("as asked") end
    if how == "kill" then process.listen("never"):receive() end
end
--- expect
gone
--- case a broadcast reaches every membership, and keeps the order of its sender
--- entry app:main pg
return function()
    local g = assert(require("pg").open("app:groups"))
    local inbox = process.inbox()
    for i = 1, 5 do assert(process.spawn("app:member", "app:host", process.pid(), i)) end
    for _ = 1, 5 do inbox:receive() end
    assert(g:join("all"))
    local mine = process.listen("news", { message = true })
    assert(g:broadcast("nobody", "news", 0))
    for n = 1, 3 do assert(g:broadcast(n == 2 and "all" or "all", "news", n, { x = n })) end
    assert(g:broadcast_local("all", "@stop"))
    local own = {}
    for _ = 1, 3 do
        local m = mine:receive()
        own[#own + 1] = (m:from() == process.pid()) and m:payload()[1]:data() or "?"
    end
    local out = {}
    for _ = 1, 5 do
        local text = inbox:receive():payload():data()
        out[#out + 1] = text
    end
    table.sort(out)
    return table.concat(own, " ") .. "\n" .. table.concat(out, "\n")
end
--- entry app:member pg
return function(parent, i)
    local g = assert(require("pg").open("app:groups"))
    for _ = 1, i > 3 and 2 or 1 do assert(g:join("all")) end
    local news, stop = process.listen("news"), channel.new(2)
    subscribe("@stop", stop)
    process.send(parent, "ready")
    stop:receive()
    local got = {}
    for _ = 1, i > 3 and 6 or 3 do
        local v = news:receive()
        got[#got + 1] = v[1] + v[2].x
    end
    process.send(parent, "got", i .. ": " .. table.concat(got, " "))
end
--- expect
1 2 3
1: 2 4 6
2: 2 4 6
3: 2 4 6
4: 2 2 4 4 6 6
5: 2 2 4 4 6 6
--- case a broadcast to many is done before the sender goes on
--- entry app:main pg
return function()
    local g = assert(require("pg").open("app:groups"))
    local names = {}
    for i = 1, 3000 do names[i] = "all" end
    assert(g:join(names))
    local inbox = process.inbox()
    assert(g:broadcast("all", "news"))
    process.send(process.pid(), "after")
    local news = 0
    while inbox:receive():topic() == "news" do news = news + 1 end
    return news
end
--- expect
Int(3000)
--- case a monitor gives the members as they were and then every change
--- entry app:main pg
local function shown(e, names)
    local who = {}
    for i, pid in ipairs(e.data.PIDs) do who[i] = names[pid] or "?" end
    return e.system .. " " .. e.kind .. " " .. e.path .. "/" .. e.data.Group .. " " .. table.concat(who, "+")
end
return function()
    local g = assert(require("pg").open("app:groups"))
    local names = { [process.pid()] = "me" }
    assert(g:join("a"))
    local sub, members, err = g:monitor("a")
    local out = { #members .. " " .. tostring(members[1] == process.pid()) .. " " .. tostring(err) }
    local inbox = process.inbox()
    local child = assert(process.spawn("app:child", "app:host", process.pid()))
    names[child] = "child"
    inbox:receive()
    assert(g:leave("a"))
    process.send(child, "end")
    local ch = sub:channel()
    for _ = 1, 4 do out[#out + 1] = shown(ch:receive(), names) end
    assert(sub:close() and sub:close())
    g:join("a")
    local _, ok = ch:receive()
    out[#out + 1] = "open: " .. tostring(ok)
    return table.concat(out, "\n")
end
--- entry app:child pg
return function(parent)
    local g = assert(require("pg").open("app:groups"))
    g:join({ "b", "a", "a" })
    process.send(parent, "joined")
    process.listen("end"):receive()
end
--- expect
1 true nil
pg member.joined a/a child
pg member.joined a/a child
pg member.left a/a me
pg member.left a/a child+child
open: false
--- case events tell of all groups, and a flushed subscription forgets what waits
--- entry app:main pg
return function()
    local g = assert(require("pg").open("app:groups"))
    assert(g:join({ "x", "y", "x" }))
    local sub, groups, err = g:events()
    local out = { #groups.x .. " " .. #groups.y .. " " .. tostring(groups.z) .. " " .. tostring(err) }
    g:join("z")
    g:leave({ "x", "y" })
    local ch = sub:channel()
    for _ = 1, 2 do
        local e = ch:receive()
        out[#out + 1] = e.kind .. " " .. e.path
    end
    process.send(process.pid(), "pause")
    process.listen("pause"):receive()
    assert(sub:close({ flush = true }))
    out[#out + 1] = tostring(select(2, ch:receive()))
    -- Without a flush what waits in the channel stays.
    local other = g:events()
    g:join("w")
    process.send(process.pid(), "pause")
    process.listen("pause"):receive()
    other:close()
    out[#out + 1] = other:channel():receive().path .. " " .. tostring(select(2, other:channel():receive()))
    return table.concat(out, "\n")
end
--- expect
2 1 nil nil
member.joined z
member.left x
false
w false
--- case a slow subscriber loses what its buffer cannot hold
--- entry app:main pg
return function()
    local g = assert(require("pg").open("app:small"))
    local sub = g:monitor("a")
    for _ = 1, 20 do
        g:join("a")
        g:leave("a")
    end
    local ch, got = sub:channel(), {}
    got[1] = ch:receive().kind
    sub:close()
    for e in function() return (ch:receive()) end do got[#got + 1] = e.kind end
    -- Four on the way, and four in the channel if there was a pause between.
    local first = table.concat(got, " ", 1, 4)
    return first .. (#got <= 9 and "" or ", and " .. #got .. " in all")
end
--- expect
member.joined member.left member.joined member.left
--- case a subscription nobody holds any more ends
--- entry app:main pg
return function()
    local g = assert(require("pg").open("app:groups"))
    for _ = 1, 100 do
        local sub = g:monitor("a")
        local again = sub:channel()
    end
    local function collect()
        for i = 1, 200000 do local garbage = { i } end
        process.send(process.pid(), "pause")
        process.listen("pause"):receive()
    end
    collect()
    local ch = g:monitor("a"):channel()
    collect()
    g:join("a")
    return ch:receive().kind
end
--- expect
member.joined
--- case groups stay through an upgrade, subscriptions do not
--- entry app:main pg
return function()
    local g = assert(require("pg").open("app:groups"))
    local child = assert(process.spawn("app:old", "app:host", process.pid()))
    local inbox = process.inbox()
    local out = {}
    for _ = 1, 2 do out[#out + 1] = inbox:receive():topic() end
    out[#out + 1] = tostring(g:get_members("a")[1] == child)
    g:join("a")
    process.send(child, "check")
    local m = inbox:receive()
    out[#out + 1] = m:payload():data()
    return table.concat(out, " ")
end
--- entry app:old pg
return function(parent)
    local g = assert(require("pg").open("app:groups"))
    g:join("a")
    local sub = g:monitor("a")
    process.send(parent, "old")
    process.upgrade("app:new", parent)
end
--- entry app:new pg
return function(parent)
    process.send(parent, "new")
    local check = process.listen("check")
    check:receive()
    local g = assert(require("pg").open("app:groups"))
    process.send(parent, "seen", #g:get_members("a"))
end
--- expect
old new true 2
