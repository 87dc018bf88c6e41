-- attack: a process that sends itself the next message for ever
-- limit: cpu.share
-- ends: terminated
return function()
    local inbox = process.inbox()
    while true do
        process.send(process.pid(), "again")
        inbox:receive()
    end
end
