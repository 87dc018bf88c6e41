local F = payload.format
local function dump(v)
    if type(v) ~= "table" then return tostring(v) end
    if #v > 0 then
        local out = {}
        for i, x in ipairs(v) do out[i] = dump(x) end
        return "[" .. table.concat(out, " ") .. "]"
    end
    local keys = {}
    for k in pairs(v) do keys[#keys + 1] = k end
    table.sort(keys)
    for i, k in ipairs(keys) do keys[i] = k .. "=" .. dump(v[k]) end
    return "{" .. table.concat(keys, " ") .. "}"
end
local function show(p, err)
    if err then print("nil | " .. err:kind() .. ": " .. err:message()) return end
    local d, derr = p:data()
    if derr then print(p:get_format() .. " | nil | " .. derr:kind() .. ": " .. derr:message()) return end
    print(tostring(p) .. " | " .. type(d) .. " | " .. dump(d))
end

-- same format, new objects
show(payload.new("x"):transcode(F.LUA))
show(payload.new(nil))
show(payload.new(errors.new("boom")))
show(payload.new(errors.new("boom")):transcode(F.JSON))
show(payload.new(1):transcode("text/csv"))
show(payload.new(1):transcode(F.ERROR))

-- every path there and back
local value = { name = "Ada", n = 3, f = 1.5, list = { 1, 2, 3 }, flag = true }
for _, format in ipairs{ F.JSON, F.YAML, F.MSGPACK, F.GOLANG } do
    local p = assert(payload.new(value):transcode(format))
    show(p)
    for _, other in ipairs{ F.JSON, F.YAML, F.MSGPACK, F.LUA } do show(p:transcode(other)) end
end

-- integers: kept by Lua <-> JSON and MessagePack, floats by way of JSON and plain data
print(math.type(payload.new(7):transcode(F.JSON):data()))
print(math.type(payload.new(7):transcode(F.MSGPACK):data()))
print(math.type(payload.new(7):transcode(F.JSON):transcode(F.MSGPACK):data()))

-- texts are values, not documents
show(payload.new('{"a":1}'):transcode(F.STRING):transcode(F.JSON))
show(payload.new("a: 1"):transcode(F.STRING):transcode(F.YAML))
show(payload.new("a"):transcode(F.STRING):transcode(F.BYTES))
for _, v in ipairs{ 1, 1.5, 1e21, true, "s", { 1, 2, { x = 1 } }, { b = 2, a = 1 } } do
    print(payload.new(v):transcode(F.STRING):data())
end
print("[" .. payload.new(nil):transcode(F.BYTES):data() .. "]")

-- plain data into JSON: sorted, safe inside HTML
print(payload.new({ b = "<&>", a = 1 }):transcode(F.GOLANG):transcode(F.JSON):transcode(F.STRING):data())

-- failures
show(payload.new({ 1, a = 2 }):transcode(F.JSON))
show(payload.new({ 1, a = 2 }):transcode(F.YAML))
local loop = {} loop.x = loop
show(payload.new(loop):transcode(F.YAML))
print(pcall(payload.new))
print(pcall(payload.new(1).data, 5))
