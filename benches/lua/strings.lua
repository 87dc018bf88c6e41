-- Builds n texts, counts their lengths in a table of 1000 keys, joins every 1000 of them.
local function main(n)
    local start = time.now()
    local list, lengths, total = {}, {}, 0
    for i = 1, n do
        local s = "item-" .. i .. ":" .. i * 7 % 1000
        local key = "k" .. i % 1000
        lengths[key] = (lengths[key] or 0) + #s
        list[#list + 1] = s
        if i % 1000 == 0 then
            total = total + #table.concat(list, ",")
            list = {}
        end
    end
    for _, length in pairs(lengths) do total = total + length end
    return { ops = n, ns = time.now():sub(start):nanoseconds(), check = total }
end

return { main = main }
