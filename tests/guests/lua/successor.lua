return function(state)
    local inbox = process.inbox()
    while true do
        local message = inbox:receive()
        if message:topic() == "become" then process.upgrade(message:payload():data()) end
        process.send(message:from(), "said", { text = message:payload():data(), left = state.left, pid = process.pid() })
    end
end
