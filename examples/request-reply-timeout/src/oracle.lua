-- Answers each question in a coroutine of its own, so that a slow one holds up nobody.
local time = require("time")

local function main()
    local questions = process.listen("ask", { message = true })
    while true do
        local message = questions:receive()
        coroutine.spawn(function()
            local question = message:payload():data()
            if question.delay then time.sleep(question.delay) end
            process.send(message:from(), "answer", { id = question.id, text = "because of " .. question.about })
        end)
    end
end

return { main = main }
