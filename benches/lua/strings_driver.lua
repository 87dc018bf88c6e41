-- `strings`, done by a function in WebAssembly.
local function main(n)
    local start = time.now()
    local total, err = funcs.call("bench:strings_guest", n)
    if err then error(err) end
    return { ops = n, ns = time.now():sub(start):nanoseconds(), check = total }
end

return { main = main }
