return function(child)
    local args = process.listen("args")
    process.send(child, "ask")
    local got = args:receive()
    return got[1] .. " " .. got[2]
end
