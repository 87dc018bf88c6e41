-- attack: a function that calls itself
-- limit: processes
-- modules: funcs
-- ends: value LimitExceeded
local funcs = require("funcs")
return function()
    local value, err = funcs.call("app:calls_itself")
    return value or err:kind()
end
