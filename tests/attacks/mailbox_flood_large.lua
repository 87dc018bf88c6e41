-- attack: large messages to oneself
-- limit: mailbox
-- ends: value LimitExceeded
return function()
    local text = string.rep("x", 1 << 19)
    while true do
        local ok, err = process.send(process.pid(), "flood", text)
        if not ok then return err:kind() end
    end
end
