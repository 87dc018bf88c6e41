local io = require("io")
local env = require("env")

local function show(name)
    local value, err = env.get(name)
    io.print(name .. " = " .. (value or err:message()))
end

local function set(name, value)
    local ok, err = env.set(name, value)
    io.print("set " .. name .. ": " .. (ok and "ok" or err:message() .. " [" .. err:kind() .. "]"))
end

local function main()
    -- The router finds REGION in its second layer.
    show("REGION")

    -- A variable's default applies while its storage has nothing (or an empty text).
    show("COLOR")
    set("COLOR", "blue")
    show("COLOR")
    set("COLOR", "")
    show("COLOR")

    -- Writing through the router goes to its first layer, which hides the second.
    set("GREETING", "good evening")
    show("GREETING")

    -- Two ways to be refused.
    set("LIMIT", "99")
    set("WIPPY_EXAMPLE_SETTING", "no")

    -- The shell's own variables are visible only where an entry says so.
    show("WIPPY_EXAMPLE_SETTING")
    show("PATH")

    -- A private variable answers to its id; its own namespace may leave that out.
    show("app:secret")
    show("secret")
end

return { main = main }
