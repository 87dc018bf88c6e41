--- case coroutines that only compute do not see each other halfway
--- entry app:main
return function()
    local n, done = 0, channel.new(2)
    for _ = 1, 2 do
        coroutine.spawn(function()
            for _ = 1, 300000 do
                local before = n
                n = before + 1
            end
            done:send(n)
        end)
    end
    local first = done:receive()
    return first .. " " .. done:receive()
end
--- expect
300000 600000
--- case what arrives during a computation is there afterwards, in order
--- entry app:main
return function()
    local numbers, inbox = process.listen("n"), process.inbox()
    assert(process.spawn("app:sender", "app:host", process.pid()))
    inbox:receive()
    local sum = 0
    for round = 1, 20 do
        for i = 1, 20000 do sum = (sum + i) % 7 end
    end
    for i = 1, 500 do
        local n = numbers:receive()
        if n ~= i then return i .. " is " .. tostring(n) end
    end
    return "all"
end
--- entry app:sender
return function(main)
    process.send(main, "ready")
    for i = 1, 500 do process.send(main, "n", i) end
end
--- expect
all
