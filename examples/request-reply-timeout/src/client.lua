-- Request and reply with a deadline. Replies carry the number of their request: an answer
-- that comes after we gave up must not be taken for the answer to the next question.
local time = require("time")

local client = { discarded = 0 }
local last_id = 0

function client.ask(server, about, timeout, delay)
    last_id = last_id + 1
    local answers = process.listen("answer")
    local sent, err = process.send(server, "ask", { id = last_id, about = about, delay = delay })
    if not sent then return nil, err end

    local deadline = time.after(timeout)
    while true do
        local got = channel.select({ answers:case_receive(), deadline:case_receive() })
        if got.channel == deadline then
            return nil, errors.new({
                message = "no answer about " .. about .. " within " .. timeout,
                kind = errors.TIMEOUT,
                retryable = true,
            })
        elseif got.value.id == last_id then
            return got.value.text
        end
        client.discarded = client.discarded + 1 -- late; keep waiting for ours
    end
end

return client
