-- attack: messages to somebody who never receives
-- limit: mailbox
-- ends: value LimitExceeded after 10000
return function(_, sink)
    local n = 0
    while true do
        local ok, err = process.send(sink, "flood", n)
        if not ok then return err:kind() .. " after " .. n end
        n = n + 1
    end
end
