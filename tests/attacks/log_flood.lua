-- attack: log lines without end
-- limit: cpu.call
-- modules: logger
-- ends: Timeout cpu limit exceeded (200ms)
local log = require("logger")
return function()
    while true do log:debug("flood", { line = string.rep("x", 100) }) end
end
