-- attack: modules that were not asked for
-- limit: capabilities
-- ends: value none
return function()
    local found = {}
    for _, name in ipairs({ "registry", "fs", "exec", "env", "system", "security", "sql", "io", "events", "eval_runner" }) do
        local ok, module = pcall(require, name)
        if ok and module ~= nil then found[#found + 1] = name end
    end
    return #found == 0 and "none" or table.concat(found, " ")
end
