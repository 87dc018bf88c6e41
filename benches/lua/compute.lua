-- Calls the function `target` with n; gives how long that took and the answer.
local function main(target, n)
    local start = time.now()
    local answer, err = funcs.call(target, n)
    if err then error(err) end
    return { ns = time.now():sub(start):nanoseconds(), check = answer }
end

return { main = main }
