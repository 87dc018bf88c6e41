local function main(sink, n)
    local send = process.send
    for i = 1, n do send(sink, "number", i) end
end

return { main = main }
