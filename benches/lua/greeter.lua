local function main(parent)
    process.inbox():receive()
    process.send(parent, "received", time.now():unix_nano())
end

return { main = main }
