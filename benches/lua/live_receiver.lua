local function main(parent)
    local wake = process.listen("wake")
    process.send(parent, "up")
    wake:receive()
    process.send(parent, "woken")
end

return { main = main }
