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
local uuid = require("uuid")
show(uuid.v5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"))
show(uuid.v3("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"))
for _, v in ipairs { "v1", "v4", "v7" } do
    local id, err = uuid[v]()
    show(#id, err, uuid.version(id), uuid.variant(id), uuid.validate(id))
end
local p = uuid.parse(uuid.v7())
show(p.version, p.variant, p.timestamp, p.node)
p = uuid.parse(uuid.v1())
show(p.version, p.variant, p.timestamp, #p.node)
p = uuid.parse(uuid.v4())
show(p.version, p.variant, p.timestamp, p.node)
local last = ""
for _ = 1, 5000 do local id = uuid.v7() if id <= last then print("not increasing") end last = id end
show(uuid.v1() ~= uuid.v1(), uuid.v4() ~= uuid.v4())
local id = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
for _, s in ipairs { id, "urn:uuid:" .. id, "{" .. id .. "}", id:gsub("-", ""), "x", "", "6ba7b810-9dad-11d1-80b4-00c04fd430cg" } do
    show(uuid.validate(s)) show(uuid.format(s, "simple"))
end
show(uuid.format(id)) show(uuid.format(id, "standard")) show(uuid.format(id, "urn")) show(uuid.format(id, "x"))
show(uuid.validate(1)) show(uuid.version(1)) show(uuid.version("x")) show(uuid.variant({})) show(uuid.variant("x")) show(uuid.parse()) show(uuid.parse("x")) show(uuid.format(1))
show(uuid.v3("x", "n")) show(uuid.v5("x", "n")) show(uuid.v3()) show(uuid.v5(id)) show(uuid.v5(1, 2))
show(uuid.variant("00000000-0000-0000-0000-000000000000"), uuid.variant("00000000-0000-0000-c000-000000000000"), uuid.variant("00000000-0000-0000-e000-000000000000"))
