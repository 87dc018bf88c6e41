-- attack: coroutines without end
-- limit: coroutines
-- ends: value LimitExceeded after 99
return function()
    local n = 0
    while true do
        local ok, err = pcall(coroutine.spawn, function() channel.new():receive() end)
        if not ok then return err:kind() .. " after " .. n end
        n = n + 1
    end
end
