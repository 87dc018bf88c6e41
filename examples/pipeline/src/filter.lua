-- Stage 2: drops the words that say little.
local dull = { the = true, a = true, of = true, ["and"] = true, to = true }

local function main(next_stage)
    local inbox = process.inbox()
    while true do
        local message = inbox:receive()
        if message:topic() == "end" then
            process.send(next_stage, "end")
            return
        end
        local word = message:payload():data()
        if not dull[word] then
            process.send(next_stage, "word", word)
        end
    end
end

return { main = main }
