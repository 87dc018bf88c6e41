local count = 0

local function main(a, b)
    count = count + 1
    return count
end

return { main = main }
