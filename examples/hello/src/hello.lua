-- The smallest application: one process that prints and ends.
-- Modules an entry lists under `modules:` are all it can reach; this one asked for `io`.
local io = require("io")

-- Words after the command name arrive as arguments: `wippy run hello Ada`.
local function main(name)
    io.print("Hello, " .. (name or "world") .. "!")
    io.print("This is " .. process.id() .. " speaking.")
    -- The value a command returns decides the exit code: nothing means 0.
end

return { main = main }
