local store = require("store")

--- Adds one, and again if another process was faster.
local function add(counts, key)
    while true do
        local entry = counts:entry(key)
        local options = entry and { if_version = entry.version } or { only_if_absent = true }
        if counts:put(key, (entry and entry.value or 0) + 1, options) then return end
    end
end

local function main(key, times)
    local counts = assert(store.get("app:counts"))
    for _ = 1, times do add(counts, key) end
end

return { main = main }
