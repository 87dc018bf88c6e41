-- Hides the messages behind plain functions. The chunk runs once in the importer's VM,
-- so `last_id` is private to the process that uses the library.
local time = require("time")

local client = {}
local last_id = 0

local function request(op, key, value)
    -- The server may still be starting.
    for _ = 1, 500 do
        if process.registry.lookup("kv") then break end
        time.sleep("10ms")
    end
    last_id = last_id + 1
    local replies = process.listen("kv.reply")
    local sent, err = process.send("kv", "kv.request", { id = last_id, op = op, key = key, value = value })
    if not sent then return nil, err end
    -- The server answers in order and we ask one thing at a time: the next reply is ours.
    local reply = replies:receive()
    if reply.error then return nil, errors.new({ message = reply.error, kind = errors.INVALID }) end
    return reply.value
end

function client.set(key: string, value: any) return request("set", key, value) end
function client.get(key: string) return request("get", key) end
function client.add(key: string, amount: number) return request("add", key, amount) end
function client.keys() return request("keys") end
function client.raw(op: string) return request(op) end

return client
