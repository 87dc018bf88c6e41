--- case parallel calls, first error wins, with a deadline
--- entry app:main funcs time
local function main()
    local funcs, time = require("funcs"), require("time")
    local function both(one, two, within)
        local a, b = funcs.async(one, 1), funcs.async(two, 2)
        local deadline = time.after(within or "2s")
        local got = {}
        for _ = 1, 2 do
            local cases = { deadline:case_receive() }
            if not got.a then cases[#cases + 1] = a:response():case_receive() end
            if not got.b then cases[#cases + 1] = b:response():case_receive() end
            local r = channel.select(cases)
            if r.channel == deadline then
                a:cancel(); b:cancel()
                return nil, errors.new{ message = "too slow", kind = errors.TIMEOUT }
            end
            local f = r.channel == a:response() and a or b
            local e, failed = f:error()
            if failed then return nil, e end
            got[f == a and "a" or "b"] = r.value:data()
        end
        return got
    end
    local got = assert(both("app:one", "app:two"))
    local _, failed = both("app:one", "app:fails")
    local _, slow = both("app:slow", "app:two", "20ms")
    return table.concat({ got.a, got.b, failed:kind(), failed:message(), slow:kind(), slow:message() }, " ")
end
return { main = main }
--- function app:one
return { main = function(n) return n + 10 end }
--- function app:two time
return { main = function(n) time.sleep("3ms") return n + 20 end }
--- function app:fails
return { main = function() return nil, errors.new{ message = "broken", kind = errors.CONFLICT } end }
--- function app:slow time
return { main = function() time.sleep("1h") end }
--- expect
11 22 Conflict broken Timeout too slow
--- case bounded worker coroutines inside one process
local function main()
    local jobs, done = channel.new(8), channel.new(8)
    for _ = 1, 3 do
        coroutine.spawn(function()
            while true do
                local j, ok = jobs:receive()
                if not ok then return end
                done:send(j * j)
            end
        end)
    end
    for i = 1, 8 do jobs:send(i) end
    jobs:close()
    local sum = 0
    for _ = 1, 8 do sum = sum + done:receive() end
    return tostring(sum)
end
return { main = main }
--- expect
204
--- case what is no function id, and what is not there
--- entry app:main funcs
local out = {}
local function shown(value, err)
    out[#out + 1] = string.format("%s %s %s", err:kind(), tostring(err:retryable()), err:message())
end
return function()
    for _, target in ipairs{ "", "plain", ":name", "app:" } do
        shown(funcs.call(target))
        shown(funcs.async(target))
    end
    local _, err = funcs.call("app:nobody", 1)
    shown(nil, err)
    out[#out + 1] = err:details().target
    local future = assert(funcs.async("app:nobody"))
    local _, failed = future:channel():receive()
    shown(future:result())
    for _, bad in ipairs{ funcs.call, funcs.async } do
        out[#out + 1] = select(2, pcall(bad))
        out[#out + 1] = select(2, pcall(bad, {}))
    end
    return table.concat(out, "\n")
end
--- expect
Invalid false function ID required
Invalid false function ID required
Invalid false namespace required in function ID
Invalid false namespace required in function ID
Invalid false namespace required in function ID
Invalid false namespace required in function ID
Invalid false name required in function ID
Invalid false name required in function ID
NotFound false no handler registered for target
app:nobody
NotFound false no handler registered for target
bad argument #1 to call (string expected, got no value)
bad argument #1 to call (string expected, got table)
bad argument #1 to async (string expected, got no value)
bad argument #1 to async (string expected, got table)
--- case results and arguments are copied, the first result counts
--- entry app:main funcs
return function()
    local t = { n = 1, list = { 1, 2, 3 } }
    t.self = t
    local r = assert(funcs.call("app:echo", t, "x", nil, true))
    local none, err = funcs.call("app:nothing")
    local made = funcs.call("app:makes_error")
    return string.format("%d %d %s %s %s %s %s %s %s", r.n, #r.list, tostring(r.self == r), tostring(r == t), tostring(t.changed),
        tostring(none), tostring(err), type(made), made:kind())
end
--- function app:echo
return { main = function(t, x, none, yes)
    assert(x == "x" and none == nil and yes == true)
    t.changed = "there"
    return t, nil, "dropped"
end }
--- function app:nothing
return { main = function() end }
--- function app:makes_error
return { main = function() return errors.new{ message = "a value", kind = "Mine" } end }
--- expect
1 3 true false nil nil nil userdata Mine
--- case how a callee fails
--- entry app:main funcs
local function shown(_, err)
    local details = err:details()
    return string.format("%s|%s|%s|%s", err:kind(), tostring(err:retryable()), err:message(), details and details.at or "-")
end
return function()
    local out = {}
    for _, how in ipairs{ "object", "plain", "text", "raise", "raise object", "nested" } do
        out[#out + 1] = shown(funcs.call("app:fails", how))
        local future = assert(funcs.async("app:fails", how))
        future:response():receive()
        local again = shown(future:result())
        if again ~= out[#out] then out[#out] = out[#out] .. " but " .. again end
    end
    return table.concat(out, "\n")
end
--- function app:fails funcs
return { main = function(how)
    if how == "object" then
        return nil, errors.new{ message = "m", kind = errors.CONFLICT, retryable = true, details = { at = "home" } }
    elseif how == "plain" then
        return nil, errors.new("no kind")
    elseif how == "text" then
        return nil, "just text"
    elseif how == "raise" then
        error("raised")
    elseif how == "raise object" then
        error(errors.new{ message = "o", kind = errors.NOT_FOUND })
    end
    return funcs.call("app:fails", "object")
end }
--- expect
Conflict|true|m|home
Internal|nil|no kind|-
Internal|nil|just text|-
Internal|nil|app:fails:9: raised|-
NotFound|nil|o|-
Conflict|true|m|home
--- case a call has a pid, an id and what its caller hands down
--- entry app:main funcs ctx
return function()
    local pid = process.pid()
    local exec = funcs.new():with_context{ tenant = "t1", n = 5 }
    local one = assert(exec:call("app:looks"))
    local two = assert(funcs.call("app:looks"))
    return string.format("%s %s %s %s | %s %s", one.id, tostring(one.pid ~= pid and one.pid ~= two.pid), one.tenant, one.deeper,
        tostring(two.tenant), tostring(ctx.get("tenant")))
end
--- function app:looks funcs ctx
return { main = function(deeper)
    local tenant = ctx.get("tenant")
    if deeper then return tenant end
    return { id = process.id(), pid = process.pid(), tenant = tenant, deeper = funcs.call("app:looks", true) }
end }
--- expect
app:looks true t1 t1 | nil nil
--- case executors never change
--- entry app:main funcs ctx
return function()
    local base = funcs.new()
    local a = base:with_context{ a = 1, shared = "a", [3] = "dropped" }
    local b = a:with_context{ b = { deep = { true } }, shared = "b" }
    local c = b:with_options{ one = 1 }:with_options{}
    local out = {}
    for _, exec in ipairs{ base, a, b, c } do
        local future = assert(exec:async("app:all"))
        out[#out + 1] = assert(exec:call("app:all")) .. (future:response():receive():data() == exec:call("app:all") and "" or " differs")
    end
    return table.concat(out, "\n")
end
--- function app:all ctx json
return { main = function()
    local all, err = ctx.all()
    assert(err == nil)
    local keys = {}
    for k in pairs(all) do keys[#keys + 1] = k end
    table.sort(keys)
    for i, k in ipairs(keys) do keys[i] = k .. "=" .. json.encode(all[k]) end
    return "{" .. table.concat(keys, " ") .. "}"
end }
--- expect
{}
{a=1 shared="a"}
{a=1 b={"deep":[true]} shared="b"}
{a=1 b={"deep":[true]} shared="b"}
--- case arguments of executors
--- entry app:main funcs
return function()
    local exec, out = funcs.new(), {}
    local function try(f, ...)
        local ok, err = pcall(f, ...)
        out[#out + 1] = tostring(ok) .. " " .. tostring(err)
    end
    try(exec.with_context, exec, 5)
    try(exec.with_options, exec)
    try(exec.with_actor, exec, nil)
    try(exec.with_actor, exec, {})
    try(exec.with_scope, exec)
    try(exec.with_scope, exec, exec)
    try(exec.call, exec)
    try(exec.call, "app:f")
    out[#out + 1] = type(exec) .. " " .. tostring(exec.nothing)
    return table.concat(out, "\n")
end
--- expect
false bad argument #2 to with_context (table expected, got number)
false bad argument #2 to with_options (table expected, got no value)
false bad argument #2 to with_actor (actor cannot be nil)
false bad argument #2 to with_actor (Actor expected)
false bad argument #2 to with_scope (scope cannot be nil)
false bad argument #2 to with_scope (Scope expected)
false bad argument #2 to call (string expected, got no value)
false bad argument #1 to call (Executor expected)
userdata nil
--- case calls nest
--- entry app:main funcs
return function()
    return tostring(assert(funcs.call("app:count", 60))) .. " " .. tostring(assert(funcs.call("app:fib", 9)))
end
--- function app:count funcs
return { main = function(n)
    if n == 0 then return 0 end
    return 1 + assert(funcs.call("app:count", n - 1))
end }
--- function app:fib funcs
return { main = function(n)
    if n < 2 then return n end
    local a, b = funcs.async("app:fib", n - 1), funcs.async("app:fib", n - 2)
    return a:response():receive():data() + b:response():receive():data()
end }
--- expect
60 34
--- case one instance serves one call at a time
--- entry app:main funcs
return function()
    local futures, sum = {}, 0
    for i = 1, 20 do futures[i] = funcs.async("app:inline", i) end
    for i = 1, 20 do sum = sum + futures[i]:response():receive():data() end
    return tostring(sum)
end
--- function app:inline time pool.type=inline
local inside = 0
return { main = function(n)
    inside = inside + 1
    assert(inside == 1)
    time.sleep("1ms")
    inside = inside - 1
    return n
end }
--- expect
210
--- case the end of a caller ends what it called, and what that called
--- entry app:main time
return function()
    local inbox, events = process.inbox(), process.events()
    local caller = assert(process.spawn_monitored("app:caller", "app:host", process.pid()))
    local outer = inbox:receive():payload():data()
    local inner = inbox:receive():payload():data()
    assert(process.monitor(outer) and process.monitor(inner))
    -- A request to finish is no end.
    assert(process.cancel(caller, "please"))
    time.sleep("2ms")
    assert(process.send(inner, "ping"))
    assert(inbox:receive():topic() == "pong")
    assert(process.terminate(caller))
    local ended = {}
    for _ = 1, 3 do
        local e = events:receive()
        ended[e.from] = tostring(e.result.error)
    end
    return ended[caller] .. ", " .. tostring(ended[outer] ~= nil) .. ", " .. tostring(ended[inner] ~= nil)
end
--- entry app:caller funcs
return function(main) return funcs.call("app:outer", main) end
--- function app:outer funcs
return { main = function(main)
    process.send(main, "at", process.pid())
    return funcs.call("app:inner", main)
end }
--- function app:inner
return { main = function(main)
    local pings = process.listen("ping")
    process.send(main, "at", process.pid())
    while pings:receive() == nil do process.send(main, "pong") end
end }
--- expect
process terminated, true, true
--- case what was begun in the background ends with its caller too
--- entry app:main funcs time
return function()
    local inbox, events = process.inbox(), process.events()
    assert(process.spawn_monitored("app:caller", "app:host", process.pid()))
    local callee = inbox:receive():payload():data()
    assert(process.monitor(callee))
    process.send(callee, "go")
    local first, second = events:receive().from, events:receive().from
    return tostring(first ~= callee and second == callee)
end
--- entry app:caller funcs
return function(main)
    local begun = process.listen("begun")
    funcs.async("app:waits", main, process.pid())
    begun:receive()
    return "ended"
end
--- function app:waits time
return { main = function(main, caller)
    local go = process.listen("go")
    process.send(main, "at", process.pid())
    go:receive()
    process.send(caller, "begun")
    time.sleep("1h")
end }
--- expect
true
--- case a function may be given up at any time
--- entry app:main funcs time
return function()
    for round = 1, 30 do
        local pid = assert(process.spawn_monitored("app:caller", "app:host", round))
        if round % 3 > 0 then time.sleep(round * 10000) end
        process.terminate(pid)
        process.events():receive()
    end
    return tostring(funcs.call("app:works", 1))
end
--- entry app:caller funcs
return function(n)
    local f = funcs.async("app:works", n)
    funcs.call("app:works", n)
    f:response():receive()
end
--- function app:works funcs pool.type=static pool.size=2
return { main = function(n)
    local sum = 0
    for i = 1, n * 100 do sum = sum + i end
    return sum
end }
--- expect
5050
--- case an instance whose call raised serves the next one like a new one
--- entry app:main funcs
return function()
    local out = {}
    for i = 1, 3 do
        local _, err = funcs.call("app:f", i, "raise")
        out[#out + 1] = err:message() .. " " .. tostring(funcs.call("app:f", i))
        out[#out + 1] = tostring(funcs.call("app:f"))
    end
    return table.concat(out, " ")
end
--- function app:f pool.type=inline
return { main = function(n, how, ...)
    assert(select("#", ...) == 0)
    if how then error("raised " .. n, 0) end
    return n
end }
--- expect
raised 1 1 nil raised 2 2 nil raised 3 3 nil
--- case context values by kind
--- entry app:main funcs
return function()
    local exec = funcs.new():with_context{ s = "text", b = false, i = 7, f = 1.5, t = { x = 1 }, l = { 1, "two" } }
    return assert(exec:call("app:looks"))
end
--- function app:looks ctx json
return { main = function()
    local out = {}
    for _, key in ipairs{ "s", "b", "i", "f", "t", "l" } do
        local value, err = ctx.get(key)
        assert(err == nil)
        out[#out + 1] = type(value) .. ":" .. json.encode(value)
    end
    out[#out + 1] = math.type(ctx.get("i"))
    for _, key in ipairs{ "", "unknown" } do
        local value, err = ctx.get(key)
        assert(value == nil)
        out[#out + 1] = err:kind() .. " " .. err:message()
    end
    out[#out + 1] = select(2, pcall(ctx.get))
    return table.concat(out, "\n")
end }
--- expect
string:"text"
boolean:false
number:7
number:1.5
table:{"x":1}
table:[1,"two"]
float
Invalid empty key
NotFound key not found: unknown
bad argument #1 to get (string expected, got no value)
--- case context values go to processes, not with messages
--- entry app:main funcs ctx
return function() return assert(funcs.new():with_context{ who = "me" }:call("app:starts")) end
--- function app:starts
return { main = function()
    local child = assert(process.spawn_monitored("app:child", "app:host"))
    return process.events():receive().result.value
end }
--- entry app:child ctx
return function() return (ctx.get("who")) end
--- expect
me
