--- case hello
return function() return "hello" end
--- expect
hello
--- case ping pong through the inbox
--- entry app:main
local function main()
    local pong = assert(process.spawn("app:pong", "app:host"))
    local inbox = process.inbox()
    local sum = 0
    for i = 1, 100 do
        assert(process.send(pong, "ping", process.pid(), i))
        local msg, ok = inbox:receive()
        assert(ok and msg:topic() == "pong" and msg:from() == pong)
        sum = sum + i
    end
    process.send(pong, "stop")
    return tostring(sum)
end
return { main = main }
--- entry app:pong
return { main = function()
    local ch, stop = process.listen("ping"), process.listen("stop")
    while true do
        local r = channel.select{ ch:case_receive(), stop:case_receive() }
        if r.channel == stop then return end
        process.send(r.value[1], "pong", r.value[2])
    end
end }
--- expect
5050
