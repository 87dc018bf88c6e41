-- Sends a hostile guest into the sandbox, one deed at a time, and tells how each ended.
local deeds = {
    "behave", "loop forever", "loop and catch the end", "eat memory",
    "loop in WebAssembly", "eat memory in WebAssembly", "keep a thousand timers", "take all names", "write to the neighbour", "end the neighbour", "leave the sandbox", "multiply",
}

local function tell(deed, value, err)
    io.print(string.format("%-26s %s", deed, tostring(value or err)))
end

return function()
    local inbox = process.inbox()
    local neighbour = assert(process.spawn("app:neighbour", "app:processes", process.pid()))
    for _, deed in ipairs(deeds) do
        tell(deed, process.exec("app:guest", "app:tenants", deed, neighbour))
    end
    tell("read a secret", process.exec("app:thief", "app:tenants"))
    process.send(neighbour, "how are you")
    tell("the neighbour says", inbox:receive():payload():data())
end
