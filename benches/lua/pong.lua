local function main(ping)
    local send = process.send
    local numbers = process.listen("number")
    while true do
        local i = numbers:receive()
        if i == "stop" then return end
        send(ping, "number", i)
    end
end

return { main = main }
