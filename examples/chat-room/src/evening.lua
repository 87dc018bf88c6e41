local io = require("io")

local script = {
    { "ada", "/join" },
    { "bob", "/join" },
    { "ada", "good evening" },
    { "cleo", "/join" },
    { "bob", "what a view!" },
    { "bob", "/crash" },
    { "cleo", "oh no" },
    { "ada", "/leave" },
}

local function main()
    local heard = process.listen("heard")

    -- with_name registers the child before it runs, so the room can be addressed at once.
    process.with_options({}):with_name("room"):spawn("app:room", "app:processes")

    -- We sit in the room as well, to print what is heard.
    process.send("room", "join", "host")
    io.print((heard:receive()))

    local pids = {}
    for _, step in ipairs(script) do
        local name, line = step[1], step[2]
        if line == "/join" then
            pids[name] = process.spawn("app:member", "app:processes", name)
        else
            process.send(pids[name], "line", line)
        end
        -- Different senders interleave as they like. Waiting for each line to come back
        -- from the room makes this conversation a polite one.
        io.print((heard:receive()))
    end
end

return { main = main }
