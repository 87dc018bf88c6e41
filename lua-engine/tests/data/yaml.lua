local function text(v)
    if math.type(v) == "float" then return string.format("%.14g", v) end
    if type(v) == "userdata" and v.kind and v.retryable then return v:kind() .. "/" .. tostring(v:retryable()) .. ": " .. v:message() end
    return tostring(v)
end
local function show(...)
    local t = {...}
    for i = 1, select("#", ...) do t[i] = text(t[i]) end
    print(table.concat(t, " | "))
end
local function try(f, ...) show(select(2, pcall(f, ...))) end
local yaml, json = require("yaml"), require("json")
show(yaml.encode({ name = "x", list = { 1, 2, { a = true } }, n = 1.5, empty = {}, s = "true", t = "yes", m = "a\nb\n" }))
show(yaml.encode({ b = 1, a = 2, c = { z = 1, b = 2 } }, { field_order = { "c", "b" } }))
show(yaml.encode({ b = 1, a = 2 }, { sort_unordered = true }))
show(yaml.encode({})) show(yaml.encode({ 1, nil, 3 })) show(yaml.encode({ 1, 2, x = 3 }))
show(yaml.encode("x")) show(yaml.encode()) show(yaml.decode()) show(yaml.decode(1)) show(yaml.decode(""))
local function dec(s) local v, e = yaml.decode(s) if type(v) == "table" then v = yaml.encode(v) end show(v, math.type(v), e) end
dec("a: 1\nb: [x, yes, 010, 0x1f, 1_000, 2.5]\nc: ~\n") dec("2024-01-02") dec("# only a comment") dec("x: 9223372036854775808") dec("a: 1\na: 2") dec("a: [1") dec("{1: a, true: b}")
dec("base: &b {x: 1}\nd:\n  <<: *b\n  y: 2") dec("!!binary aGk=") dec("- 1\n- ~\n---\n- 2")
local loop = {} loop.x = loop show(yaml.encode(loop))
show(yaml.encode(yaml.decode("[]")))
