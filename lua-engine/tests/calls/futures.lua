--- case a future from beginning to end
--- entry app:main funcs time
return function()
    local out = {}
    local f = assert(funcs.async("app:answers", 42))
    local function state()
        local value, err = f:result()
        local failure, failed = f:error()
        local shown = value and value:data() or value
        out[#out + 1] = string.format("%s %s %s %s %s %s", tostring(f:is_complete()), tostring(f:is_canceled()), tostring(shown),
            tostring(err), tostring(failure), tostring(failed))
    end
    state()
    while not f:is_complete() do time.sleep("1ms") end
    state()
    local payload, ok = f:channel():receive()
    out[#out + 1] = string.format("%s %s %s %s", type(payload), tostring(payload), tostring(payload:data()), tostring(ok))
    out[#out + 1] = string.format("%s %s", f:response():receive())
    out[#out + 1] = string.format("%s %s", tostring(f:response() == f:channel()), type(f))
    out[#out + 1] = string.format("%s %s", f:cancel())
    state()
    return table.concat(out, "\n")
end
--- function app:answers
return { main = function(n) return n end }
--- expect
false false nil nil nil false
true false 42 nil nil false
userdata payload{format=lua/any} 42 true
nil false
true userdata
true nil
true false 42 nil nil false
--- case a failed future
--- entry app:main funcs
return function()
    local f = assert(funcs.async("app:fails"))
    local e, ok = f:response():receive()
    local value, err = f:result()
    local failure, failed = f:error()
    return string.format("%s %s %s %s | %s %s | %s %s | %s", type(e), e:kind(), e:message(), tostring(ok), tostring(value), tostring(err == e),
        tostring(failure == e), tostring(failed), tostring(f:is_complete()))
end
--- function app:fails
return { main = function() return nil, errors.new{ message = "no", kind = errors.RATE_LIMITED } end }
--- expect
userdata RateLimited no true | nil true | true true | true
--- case nothing is a payload too
--- entry app:main funcs
return function()
    local f = assert(funcs.async("app:nothing"))
    local p, ok = f:response():receive()
    return tostring(p) .. " " .. tostring(p:data()) .. " " .. tostring(ok) .. " " .. tostring((f:result()) == p)
end
--- function app:nothing
return { main = function() end }
--- expect
payload{format=lua/any} nil true true
--- case a loop that only polls never sees the end
--- entry app:main funcs time
return function()
    local f = assert(funcs.async("app:quick"))
    for _ = 1, 50000 do
        if f:is_complete() or f:result() ~= nil then return "seen" end
    end
    local before, naps = f:is_complete(), 0
    while not f:is_complete() and naps < 5000 do
        time.sleep("1ms")
        naps = naps + 1
    end
    return tostring(before) .. " " .. tostring(f:is_complete())
end
--- function app:quick
return { main = function() return 1 end }
--- expect
false true
--- case a cancelled future
--- entry app:main funcs time
return function()
    local inbox = process.inbox()
    local f = assert(funcs.async("app:slow", process.pid()))
    local waits = channel.new(1)
    coroutine.spawn(function()
        local value, ok = f:response():receive()
        waits:send(tostring(value) .. " " .. tostring(ok))
    end)
    local first, second = f:cancel(), f:cancel()
    local value, err = f:result()
    local failure, failed = f:error()
    -- The callee goes on all the same, and its result is dropped.
    local message = inbox:receive():payload():data()
    time.sleep("5ms")
    return string.format("%s %s | %s | %s %s %s %s | %s %s | %s %s | %s | %s", tostring(first), tostring(second), waits:receive(), tostring(value), err:kind(),
        err:message(), tostring(err:retryable()), failure:kind(), tostring(failed), tostring(f:is_complete()), tostring(f:is_canceled()), message, tostring(f:response():receive()))
end
--- function app:slow time
return { main = function(main) time.sleep("2ms") process.send(main, "done", "worked") return 1 end }
--- expect
true true | nil false | nil Canceled canceled false | Canceled true | false true | worked | nil
--- case a future or its channel may be dropped
--- entry app:main funcs time
return function()
    local inbox = process.inbox()
    funcs.async("app:tells", process.pid(), "both")
    local ch = funcs.async("app:tells", process.pid(), "future"):response()
    local garbage
    for i = 1, 50000 do garbage = { i, garbage and garbage[1] } end
    local said = { inbox:receive():payload():data(), inbox:receive():payload():data() }
    table.sort(said)
    return table.concat(said, " ") .. " " .. ch:receive():data()
end
--- function app:tells time
return { main = function(main, what) time.sleep("2ms") process.send(main, "said", what) return "from " .. what end }
--- expect
both future from future
--- case many futures at once
--- entry app:main funcs
return function()
    local futures, cases = {}, {}
    for i = 1, 200 do futures[i] = assert(funcs.async("app:double", i)) end
    local sum, left = 0, 200
    while left > 0 do
        local cases = {}
        for i, f in pairs(futures) do cases[#cases + 1] = f:response():case_receive() end
        local r = channel.select(cases)
        for i, f in pairs(futures) do
            if f:response() == r.channel then futures[i] = nil end
        end
        sum, left = sum + r.value:data(), left - 1
    end
    return tostring(sum)
end
--- function app:double pool.type=adaptive pool.max_size=4
return { main = function(n) return 2 * n end }
--- expect
40200
--- case no method for something else
--- entry app:main funcs
return function()
    local f = funcs.async("app:x")
    local ok, err = pcall(f.result, 5)
    return err .. " " .. tostring(f.nothing)
end
--- expect
bad argument #1 to result (Future expected) nil
