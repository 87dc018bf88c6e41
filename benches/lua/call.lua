-- Calls a function of two numbers n times, one call after the other: for m = 0 one that only computes, for m = 1 one
-- that changes its state as well.
local function main(n, m)
    local target = m == 0 and "bench:add" or "bench:count"
    local answers = 0
    local start = time.now()
    for i = 1, n do
        if assert(funcs.call(target, i, 1)) > 0 then answers = answers + 1 end
    end
    return { ops = n, ns = time.now():sub(start):nanoseconds(), check = answers }
end

return { main = main }
