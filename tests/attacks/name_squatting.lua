-- attack: all the names there are
-- limit: handles
-- ends: value LimitExceeded after 32
return function()
    local n = 0
    while true do
        local ok, err = process.registry.register("name " .. n)
        if not ok then return err:kind() .. " after " .. n end
        n = n + 1
    end
end
