-- Calls the function `target` with n, `times` times; gives the shortest call and the answer.
local function main(target, n, times)
    local best, answer
    for _ = 1, times do
        local start = time.now()
        local err
        answer, err = funcs.call(target, n)
        if err then error(err) end
        local ns = time.now():sub(start):nanoseconds()
        if not best or ns < best then best = ns end
    end
    return { ns = best, check = answer }
end

return { main = main }
