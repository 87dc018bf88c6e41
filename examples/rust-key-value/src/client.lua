-- What other processes know of the store: its name, and its messages.
local client = {}

local function ask(topic, request, reply)
    local replies, errors = process.listen(reply), process.listen("error")
    local sent, err = process.send("store", topic, request)
    if not sent then return nil, err end
    local got = channel.select({ replies:case_receive(), errors:case_receive() })
    if got.channel == errors then return nil, got.value end
    return got.value
end

function client.put(key, value) return ask("put", { key = key, value = value }, "ok") end
function client.get(key) return ask("get", key, "value") end
function client.delete(key) return ask("delete", key, "ok") end
function client.keys(prefix) return ask("keys", { prefix = prefix }, "keys") end

return client
