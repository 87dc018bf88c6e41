-- Stage 1: lines in, words out. A stage knows only who comes next.
local function main(next_stage)
    local inbox = process.inbox()
    while true do
        local message = inbox:receive()
        if message:topic() == "end" then
            process.send(next_stage, "end")
            return
        end
        for word in message:payload():data():gmatch("%a+") do
            process.send(next_stage, "word", word:lower())
        end
    end
end

return { main = main }
