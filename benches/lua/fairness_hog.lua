local function fib(i)
    if i < 2 then return i end
    return fib(i - 1) + fib(i - 2)
end

local function main(parent, until_ns, yields)
    local count = 0
    repeat
        fib(20)
        count = count + 1
        if yields then coroutine.yield() end
    until time.now():unix_nano() >= until_ns
    process.send(parent, "fibs", count)
end

return { main = main }
