local io, json = require("io"), require("json")
local puppet = require("puppet")

local function same(a, b)
    if type(a) ~= "table" then return a == b and math.type(a) == math.type(b) end
    for k, v in pairs(a) do if not same(v, b[k]) then return false end end
    for k in pairs(b) do if a[k] == nil then return false end end
    return true
end

return function()
    local p = puppet.start()
    local me = p:ask("who")
    io.print(tostring(me[1] == p.pid), me[2])
    local values = {
        true, false, 0, -1, 127, 128, -129, 1 << 62, math.mininteger, 0.5, -0.0, 3.0, 1e300, "", "text", "größer",
        "\xff\x00binary", ("x"):rep(300), { 1, 2, 3 }, { a = 1, b = { c = 2.5 } }, { 1, 2, x = "y" },
        { [1.5] = true, [10] = "ten" }, { { { {} } } },
    }
    for i, value in ipairs(values) do
        assert(same(p:ask("echo", value), value), "value " .. i)
    end
    local three = p:ask("echo_all", 1, "two", { 3 })
    io.print(json.encode(three))
    -- Missing payloads are nil, and nil is no value.
    io.print(tostring(p:ask("echo")))
    local shared = { 7 }
    local twice = p:ask("echo", { shared, shared })
    io.print(twice[1][1], twice[2][1])
    local _, err = p:ask("echo", errors.new({ message = "mine", kind = errors.CONFLICT, retryable = true, details = { n = 1 } }))
    io.print(err:message(), err:kind(), tostring(err:retryable()), err:details().n)
    io.print(p:fails("echo_all_wrong", 1):sub(1, 40))
    io.print(p:fails("sleep", "long"))
    io.print(p:fails("sleep", -1))
    local kept = process.listen("kept")
    p:tell("hold", "kept")
    p:tell("kept", { name = "first" }, 5, { "a", "b", "c" }, "text")
    io.print((json.encode(p:hear())))
    io.print((json.encode(kept:receive())))
end
