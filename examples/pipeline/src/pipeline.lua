local io = require("io")

local text = {
    "The fox and the crow went to the river",
    "A crow of the river is a clever crow",
    "and the fox is a fox",
}

local function main()
    local events = process.events()

    -- Build from the end, so that every stage can be told its successor.
    local counter = process.spawn_monitored("app:counter", "app:processes")
    local filter = process.spawn("app:filter", "app:processes", counter)
    local splitter = process.spawn("app:splitter", "app:processes", filter)

    -- Messages from one sender arrive in order, so "end" cannot overtake a line or a word.
    for _, line in ipairs(text) do
        process.send(splitter, "line", line)
    end
    process.send(splitter, "end")

    local exit = events:receive()
    local counts = exit.result.value

    local words = {}
    for word in pairs(counts) do words[#words + 1] = word end
    table.sort(words, function(a, b)
        if counts[a] ~= counts[b] then return counts[a] > counts[b] end
        return a < b
    end)
    for _, word in ipairs(words) do
        io.print(counts[word] .. " " .. word)
    end
end

return { main = main }
