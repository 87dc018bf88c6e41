--- case a process is callable by its id
--- entry app:main funcs ctx
return function()
    local out = {}
    local function shown(value, err)
        out[#out + 1] = err and err:kind() .. " " .. err:message() or tostring(value)
    end
    shown(funcs.call("app:worker", "add", 1, 2))
    shown(funcs.new():with_context{ who = "me" }:call("app:worker", "who"))
    shown(funcs.call("app:worker", "fail"))
    shown(funcs.call("app:worker", "nothing"))
    shown(funcs.async("app:in_options", "x"):response():receive():data())
    shown(funcs.call("app:unplaced"))
    local value, err = funcs.call("app:misplaced")
    shown(value, err)
    out[#out + 1] = err:details().cause
    local value, err = funcs.call("app:broken")
    shown(value, err)
    return table.concat(out, "\n")
end
--- entry app:worker ctx default_host=app:host
return function(what, a, b)
    if what == "add" then return a + b end
    if what == "who" then return (ctx.get("who")) end
    if what == "fail" then return nil, errors.new{ message = "no", kind = errors.CONFLICT } end
end
--- entry app:in_options options.default_host=app:host
return function(x) return x .. " from " .. process.id() end
--- entry app:unplaced
return function() end
--- entry app:misplaced default_host=app:nowhere
return function() end
--- entry app:broken default_host=app:host
error("cannot start")
--- expect
3
me
Conflict no
nil
x from app:in_options
NotFound no handler registered for target
Internal failed to start process: host not found
host not found
Internal failed to start process: failed to execute script: app:broken:1: cannot start
--- case a process whose caller has ended is asked to finish
--- entry app:main
return function()
    local inbox, events = process.inbox(), process.events()
    local caller = assert(process.spawn_monitored("app:caller", "app:host", process.pid()))
    local worker = inbox:receive():payload():data()
    process.monitor(worker)
    process.terminate(caller)
    local said = inbox:receive():payload():data()
    local ended = {}
    for _ = 1, 2 do
        local e = events:receive()
        ended[e.from] = e.result.value or tostring(e.result.error)
    end
    return said .. " | " .. ended[caller] .. " | " .. ended[worker]
end
--- entry app:caller funcs
return function(main) return funcs.call("app:worker", main) end
--- entry app:worker default_host=app:host
return function(main)
    process.send(main, "at", process.pid())
    local e = process.events():receive()
    process.send(main, "said", e.kind .. " " .. e.reason)
    return "tidied up"
end
--- expect
pid.cancel caller context canceled | process terminated | tidied up
--- case a process may be tried again
--- entry app:main funcs
return function() return assert(funcs.call("app:flaky")) .. " " .. tostring(funcs.call("app:count")) end
--- entry app:flaky funcs default_host=app:host options.retry.max_attempts=4 options.retry.initial_delay=1
return function()
    local n = assert(funcs.call("app:count", 1))
    if n < 3 then return nil, errors.new{ message = "not yet", kind = errors.UNAVAILABLE } end
    return process.id() .. " " .. n
end
--- function app:count pool.type=inline
local n = 0
return { main = function(add)
    n = n + (add or 0)
    return n
end }
--- expect
app:flaky 3 3
