local function main(parent, next)
    local send = process.send
    local tokens = process.listen("token")
    next = next or process.listen("next"):receive()
    send(parent, "up")
    while true do
        local hops = tokens:receive()
        if hops == "stop" then
            send(next, "token", hops)
            return
        end
        if hops == 0 then
            send(parent, "done")
            send(next, "token", "stop")
            return
        end
        send(next, "token", hops - 1)
    end
end

return { main = main }
