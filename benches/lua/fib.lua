-- Naive recursive fib(30), n times, in one process.
local CALLS = 2692537

local function fib(i)
    if i < 2 then return i end
    return fib(i - 1) + fib(i - 2)
end

local function main(n)
    local start = time.now()
    local sum = 0
    for _ = 1, n do sum = sum + fib(30) end
    return { ops = n * CALLS, ns = time.now():sub(start):nanoseconds(), check = sum }
end

return { main = main }
