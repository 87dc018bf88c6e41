-- attack: guessed pids
-- limit: messages
-- ends: value none
return function()
    local found = 0
    for _, host in ipairs({ "app:neighbours", "node:control", "node:eval", "app:nowhere", "" }) do
        for n = 1, 200 do
            if process.send(string.format("{%s|0x%05x}", host, n), "hello") then found = found + 1 end
        end
    end
    for _, text in ipairs({ "{", "{|}", "{a@b|c}", "{\0|1}", string.rep("{", 10000), "{app:tenants|0x" .. string.rep("f", 1000) .. "}" }) do
        if process.send(text, "hello") then found = found + 1 end
    end
    return found == 0 and "none" or found
end
