-- attack: every way out of the sandbox
-- limit: messages
-- ends: value out of 7 none
return function(neighbour)
    local ways = {
        process.send(neighbour, "hello") or false, process.cancel(neighbour, "1s") or false,
        process.terminate(neighbour) or false, process.monitor(neighbour) or false, process.link(neighbour) or false,
        process.spawn("app:wall_climb", "app:neighbours") or false,
        process.registry.register("neighbour", neighbour) or false,
    }
    local open = 0
    for _, way in ipairs(ways) do if way then open = open + 1 end end
    return "out of " .. #ways .. " " .. (open == 0 and "none" or open)
end
