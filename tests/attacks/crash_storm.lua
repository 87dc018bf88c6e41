-- attack: processes that fail as fast as they are started
-- limit: nothing: they are cheap
-- ends: terminated
return function(_, _, child)
    if child then error("again") end
    while true do process.spawn_monitored("app:crash_storm", "app:tenants", "", "", true) end
end
