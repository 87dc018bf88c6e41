-- attack: processes that start processes
-- limit: processes
-- ends: value LimitExceeded max processes limit exceeded
return function(_, _, depth)
    while true do
        local pid, err = process.spawn("app:spawn_bomb", "app:tenants", "", "", (depth or 0) + 1)
        if not pid then
            if depth then process.inbox():receive() end
            return err:kind() .. " " .. tostring(err)
        end
    end
end
