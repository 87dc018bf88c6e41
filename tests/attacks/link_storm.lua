-- attack: everybody linked to everybody, then one fails
-- limit: processes
-- ends: Internal
return function(_, _, all)
    if all then
        for _, pid in ipairs(all) do process.link(pid) end
        process.inbox():receive()
        return
    end
    local pids = {}
    for i = 1, 40 do
        local pid = process.spawn_linked("app:link_storm", "app:tenants", "", "", pids)
        if pid then pids[#pids + 1] = pid end
    end
    error("down with all")
end
