-- attack: timers without end
-- limit: timers
-- modules: time
-- ends: value LimitExceeded after 100
return function()
    local all = {}
    while true do
        local timer, err = time.timer("1h")
        if not timer then return err:kind() .. " after " .. #all end
        all[#all + 1] = timer
    end
end
