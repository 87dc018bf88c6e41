local function main(parent, n)
    local numbers = process.listen("number")
    local sum = 0
    for _ = 1, n do
        local i = numbers:receive()
        sum = sum + i
    end
    process.send(parent, "sum", sum)
end

return { main = main }
