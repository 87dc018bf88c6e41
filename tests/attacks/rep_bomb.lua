-- attack: a text of terabytes
-- limit: memory
-- ends: value resulting string too large, true
return function()
    local bomb, why = pcall(string.rep, string.rep("x", 1 << 20), 1 << 20)
    return tostring(why) .. ", " .. tostring(not bomb)
end
