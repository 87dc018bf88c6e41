-- A guest that means harm. `deed` is what it is to try; it answers with what came of it.
local deeds = {}

deeds["behave"] = function() return 6 * 7 end

deeds["loop forever"] = function() while true do end end

deeds["loop and catch the end"] = function()
    while true do pcall(function() while true do end end) end
end

deeds["eat memory"] = function()
    local eaten = {}
    local _, err = pcall(function() while true do eaten[#eaten + 1] = string.rep("x", 10000) .. #eaten end end)
    return err
end

deeds["loop in WebAssembly"] = function() return select(2, funcs.call("app:spinner")) end

deeds["eat memory in WebAssembly"] = function()
    local pages, err = funcs.call("app:eater")
    return pages and pages * 64 .. " KiB" or err
end

deeds["keep a thousand timers"] = function()
    for _ = 1, 1000 do
        local timer, err = time.timer("1h")
        if not timer then return err end
    end
end

deeds["take all names"] = function()
    for i = 1, 1000 do
        local ok, err = process.registry.register("service " .. i)
        if not ok then return err end
    end
end

deeds["write to the neighbour"] = function(neighbour) return select(2, process.send(neighbour, "boo")) end

deeds["end the neighbour"] = function(neighbour) return select(2, process.terminate(neighbour)) end

deeds["leave the sandbox"] = function() return select(2, process.spawn("app:guest", "app:processes", "loop forever")) end

deeds["multiply"] = function()
    for n = 1, 1000 do
        local _, err = process.spawn("app:guest", "app:tenants", "wait")
        if err then return string.format("%d of us, then: %s", n, tostring(err)) end
    end
end

deeds["wait"] = function() process.inbox():receive() end

return function(deed, neighbour)
    local answer = deeds[deed](neighbour)
    return tostring(answer)
end
