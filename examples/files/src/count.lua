local io = require("io")
local fs = require("fs")

--- The number of words in one file, read word by word.
local function count(tree, name)
    local file = assert(tree:open(name, "r"))
    local scanner, words = assert(file:scanner("words")), 0
    while scanner:scan() do words = words + 1 end
    file:close()
    return words
end

local function main()
    local words = assert(fs.get("app:words"))
    local scratch = assert(fs.get("app:scratch"))

    -- The report grows in an open file.
    local report = assert(scratch:open("report.txt", "w"))
    for entry in words:readdir("/") do
        report:write(entry.name .. ": " .. count(words, entry.name) .. "\n")
    end
    report:close()
    io.write((scratch:readfile("report.txt")))

    -- An open file can be the source of another one.
    assert(scratch:writefile("copy.txt", assert(words:open("apple.txt", "r"))))
    io.print("copied " .. scratch:stat("copy.txt").size .. " bytes")

    -- Neither the mode nor the walls of a tree can be talked away.
    local _, denied = words:writefile("pear.txt", "no")
    io.print(denied:message())
    local _, outside = scratch:readfile("../../wippy.lock")
    io.print(outside:message())

    for entry in scratch:readdir("/") do assert(scratch:remove(entry.name)) end
end

return { main = main }
