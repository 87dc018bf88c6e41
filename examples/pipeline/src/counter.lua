-- Stage 3: counts, and hands the counts over as the result of the process.
local function main()
    local counts = {}
    local inbox = process.inbox()
    while true do
        local message = inbox:receive()
        if message:topic() == "end" then
            return counts -- whoever monitors this process finds it in the EXIT event
        end
        local word = message:payload():data()
        counts[word] = (counts[word] or 0) + 1
    end
end

return { main = main }
