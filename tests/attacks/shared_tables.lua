-- attack: changing what all processes share
-- limit: the engine
-- ends: value nothing
return function()
    local changed = {}
    local function try(what, f) if pcall(f) then changed[#changed + 1] = what end end
    try("string", function() string.upper = nil end)
    try("rawset", function() rawset(string, "upper", false) end)
    try("of texts", function() getmetatable("").__index = {} end)
    try("of table", function() setmetatable(table, { __index = {} }) end)
    try("of process", function() process.send = nil end)
    try("of errors", function() getmetatable(errors.new("x")).__index = {} end)
    return #changed == 0 and ("x"):upper() == "X" and "nothing" or table.concat(changed, " ")
end
