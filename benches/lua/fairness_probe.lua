local SLEEP = time.MILLISECOND

local function main(parent, start, length)
    local late, since = {}, start
    repeat
        time.sleep(SLEEP)
        local now = time.now():unix_nano()
        late[#late + 1] = math.max(now - since - SLEEP, 0)
        since = now
    until now >= start + length
    process.send(parent, "late", late)
end

return { main = main }
