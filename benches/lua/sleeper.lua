local function main(parent, length)
    local start = time.now()
    time.sleep(length)
    process.send(parent, "woken", math.max(time.now():sub(start):nanoseconds() - length, 0))
end

return { main = main }
