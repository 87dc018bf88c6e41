--- case others run while a change is under way
--- entry app:main registry
local registry = require("registry")
return function()
    local ticks, stop = 0, false
    coroutine.spawn(function()
        while not stop do ticks = ticks + 1 coroutine.yield() end
    end)
    local done = channel.new(4)
    for i = 1, 4 do
        coroutine.spawn(function()
            local v = assert(registry.snapshot():changes():create({ id = "x:n" .. i, kind = "test.unit", data = {} }):apply())
            done:send(v:id())
        end)
    end
    local sum = 0
    for _ = 1, 4 do sum = sum + done:receive() end
    stop = true
    return sum .. " " .. tostring(ticks > 0) .. " " .. #registry.find{ [".ns"] = "x" } .. " " .. #registry.versions()
end
--- expect
10 true 4 5
--- case many processes change the registry at once
--- entry app:main
return function()
    for i = 1, 20 do assert(process.spawn_monitored("app:writer", "app:host", i)) end
    local events, last = process.events(), 0
    for _ = 1, 20 do
        local e = events:receive()
        assert(e.result.error == nil, e.result.error)
        last = math.max(last, e.result.value)
    end
    return tostring(last)
end
--- entry app:writer registry
local registry = require("registry")
return function(i)
    local v = assert(registry.snapshot():changes():create({ id = "x:n" .. i, kind = "test.unit", data = {} }):apply())
    return v:id()
end
--- expect
20
