local io = require("io")
local registry = require("registry")
local funcs = require("funcs")

-- A function entry as a table: the same fields a YAML file would have, under `data`.
local function greeter(template)
    return {
        id = "app:greet",
        kind = "function.lua",
        meta = { comment = "made while running" },
        data = {
            method = "run",
            source = "return { run = function(name) return '" .. template .. "' .. name end }",
        },
    }
end

local function main()
    -- Search by kind and metadata. The order is unspecified, so sort.
    local languages = registry.find({ [".kind"] = "registry.entry", ["meta.type"] = "language" })
    table.sort(languages, function(a, b) return a.id < b.id end)
    for _, entry in ipairs(languages) do
        io.print(entry.id .. " says " .. entry.data.hello)
    end

    -- Changes are collected and applied as one: all of them or none.
    local first = assert(registry.snapshot():changes():create(greeter("Hello ")):apply())
    io.print("created: " .. funcs.call("app:greet", "Ada"))

    local changes = registry.snapshot():changes()
    changes:update(greeter("Good evening "))
    changes:create({ id = "app:spanish", kind = "registry.entry", meta = { type = "language" }, data = { hello = "Hola" } })
    assert(changes:apply())
    io.print("updated: " .. funcs.call("app:greet", "Ada"))

    -- Every apply made a version, and any version can be returned to.
    assert(registry.apply_version(first))
    io.print("rolled back: " .. funcs.call("app:greet", "Ada"))
    local _, err = registry.get("app:spanish")
    io.print("spanish: " .. err:message())

    -- A bad change is refused and leaves everything as it was.
    local broken = greeter("")
    broken.data.source = "return { run = function( end }"
    local _, refused = registry.snapshot():changes():update(broken):apply()
    io.print("broken code refused: " .. tostring(refused ~= nil))
    io.print("still there: " .. funcs.call("app:greet", "Ada"))
end

return { main = main }
