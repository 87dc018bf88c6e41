-- One person: joins under a name and does what the script says.
local function main(name)
    process.send("room", "join", name)
    local lines = process.listen("line")
    while true do
        local line = lines:receive()
        if line == "/leave" then
            return
        elseif line == "/crash" then
            error(name .. " leaned out too far")
        end
        process.send("room", "say", line)
    end
end

return { main = main }
