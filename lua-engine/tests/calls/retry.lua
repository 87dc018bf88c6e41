--- case a call is tried again until it works
--- entry app:main funcs time
return function()
    local retry = { max_attempts = 5, initial_delay = 2, jitter = 0 }
    local started = time.now()
    local result = assert(funcs.new():with_options{ retry = retry }:call("app:third", "k"))
    local waited = time.now():sub(started):milliseconds()
    -- The plain first interval is skipped: 4 ms, then 8 ms.
    return string.format("%d %s %d", result.attempts, tostring(waited >= 12), result.pids)
end
--- function app:third pool.type=inline
local attempts, pids = 0, {}
return { main = function(arg)
    assert(arg == "k")
    attempts = attempts + 1
    pids[process.pid()] = true
    if attempts < 3 then return nil, errors.new{ message = "not yet", kind = errors.UNAVAILABLE } end
    local n = 0
    for _ in pairs(pids) do n = n + 1 end
    return { attempts = attempts, pids = n }
end }
--- expect
3 true 3
--- case which errors are tried again, and how often
--- entry app:main funcs
local function attempts(how, retry)
    retry.initial_delay = "100us"
    local _, err = funcs.new():with_options{ retry = retry }:call("app:fails", how)
    local count = assert(funcs.call("app:fails"))
    return string.format("%d %s", count, err:message())
end
return function()
    local out = {}
    local function case(name, how, retry)
        out[#out + 1] = name .. ": " .. attempts(how, retry)
    end
    case("default", { kind = "Unavailable" }, { max_attempts = 3 })
    case("no kind", { kind = "Mine" }, { max_attempts = 2 })
    case("one attempt", { kind = "Unavailable" }, { max_attempts = 1 })
    case("none", { kind = "Unavailable" }, {})
    case("invalid", { kind = "Invalid" }, { max_attempts = 3 })
    case("denied", { kind = "PermissionDenied" }, { max_attempts = 3 })
    case("raised", { raise = true }, { max_attempts = 3 })
    case("raised and listed", { raise = true }, { max_attempts = 3, retry_kinds = { "Internal" } })
    case("not listed", { kind = "Timeout" }, { max_attempts = 3, retry_kinds = { "Internal" } })
    case("skipped", { kind = "Timeout" }, { max_attempts = 3, skip_kinds = { "Timeout" }, retry_kinds = { "Timeout" } })
    case("final", { kind = "Timeout", retryable = false }, { max_attempts = 3 })
    case("said so", { kind = "Timeout", retryable = true }, { max_attempts = 4 })
    return table.concat(out, "\n")
end
--- function app:fails pool.type=inline
local attempts = 0
return { main = function(how)
    if not how then
        local n = attempts
        attempts = 0
        return n
    end
    attempts = attempts + 1
    if how.raise then error("attempt " .. attempts, 0) end
    return nil, errors.new{ message = "attempt " .. attempts, kind = how.kind, retryable = how.retryable }
end }
--- expect
default: 3 attempt 3
no kind: 2 attempt 2
one attempt: 1 attempt 1
none: 1 attempt 1
invalid: 1 attempt 1
denied: 1 attempt 1
raised: 1 attempt 1
raised and listed: 3 attempt 3
not listed: 1 attempt 1
skipped: 1 attempt 1
final: 1 attempt 1
said so: 4 attempt 4
--- case options of the entry, overlaid by those of the call
--- entry app:main funcs
return function()
    local function count() return funcs.call("app:count") end
    funcs.call("app:fails")
    local own = count()
    funcs.new():with_options{ other = 1 }:call("app:fails")
    local with_other = count()
    funcs.new():with_options{ retry = { max_attempts = 0 } }:call("app:fails")
    local overlaid = count()
    local future = funcs.async("app:fails")
    local err = future:response():receive()
    return string.format("%d %d %d %d %s", own, with_other, overlaid, count(), err:message())
end
--- function app:fails funcs pool.type=inline options.retry.max_attempts=3 options.retry.initial_delay=1
return { main = function()
    return nil, errors.new{ message = "attempt " .. funcs.call("app:count", 1), kind = errors.TIMEOUT }
end }
--- function app:count pool.type=inline
local n = 0
return { main = function(add)
    local before = n
    n = add and n + add or 0
    return add and n or before
end }
--- expect
3 3 1 3 attempt 3
--- case a wait between attempts is cancelled with the caller
--- entry app:main funcs time
return function()
    local events = process.events()
    local caller = assert(process.spawn_monitored("app:caller", "app:host", process.pid()))
    process.inbox():receive()
    time.sleep("2ms")
    process.terminate(caller)
    events:receive()
    time.sleep("400ms")
    return tostring(funcs.call("app:fails"))
end
--- entry app:caller funcs
return function(main)
    local retry = { max_attempts = 100, initial_delay = "150ms", jitter = 0 }
    return funcs.new():with_options{ retry = retry }:call("app:fails", main)
end
--- function app:fails pool.type=inline
local attempts = 0
return { main = function(main)
    if not main then return attempts end
    attempts = attempts + 1
    process.send(main, "attempt")
    return nil, errors.new{ message = "x", kind = errors.UNAVAILABLE }
end }
--- expect
1
