-- A process is a natural owner of state: one message is handled at a time,
-- so there is nothing to lock.
local data = {}

local handlers = {}

function handlers.set(key, value)
    local old = data[key]
    data[key] = value
    return old
end

function handlers.get(key)
    return data[key]
end

-- Atomic for every client, because the server does nothing else meanwhile.
function handlers.add(key, amount)
    data[key] = (data[key] or 0) + amount
    return data[key]
end

function handlers.keys()
    local keys = {}
    for key in pairs(data) do keys[#keys + 1] = key end
    table.sort(keys)
    return keys
end

local function main()
    process.registry.register("kv")
    local requests, events = process.listen("kv.request", { message = true }), process.events()
    while true do
        local got = channel.select({ requests:case_receive(), events:case_receive() })
        if got.channel == events then
            if got.value.kind == process.event.CANCEL then return end
        else
            local request = got.value:payload():data()
            local handler = handlers[request.op]
            local reply = { id = request.id }
            if handler then
                reply.value = handler(request.key, request.value)
            else
                reply.error = "unknown operation: " .. request.op
            end
            process.send(got.value:from(), "kv.reply", reply)
        end
    end
end

return { main = main }
