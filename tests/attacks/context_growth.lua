-- attack: children that each hand down half a megabyte more than they got
-- limit: context values of a process
-- ends: value context values may have 1048576 bytes together
return function(_, _, depth)
    depth = depth or 0
    local ok, spawner = pcall(process.with_context, { ["level" .. depth] = string.rep("x", 500000) })
    if not ok then return (tostring(spawner):gsub("^.-:%d+: ", "")) end
    return spawner:exec("app:context_growth", "app:tenants", "", "", depth + 1)
end
