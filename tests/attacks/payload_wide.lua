-- attack: a message beyond the limit
-- limit: message
-- ends: value LimitExceeded
return function()
    local wide = {}
    for i = 1, 20000 do wide[i] = string.rep("x", 100) end
    local _, err = process.send(process.pid(), "wide", wide)
    return err:kind()
end
