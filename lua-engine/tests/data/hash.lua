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
local hash = require("hash")
for _, f in ipairs { "md5", "sha1", "sha256", "sha512" } do
    show(f, hash[f]("hello")) show(hash[f]("")) show(#hash[f]("x", true), #hash[f]("x", false), hash[f](1))
end
show(hash.fnv32("hello")) show(hash.fnv32("hello") == 0xb6fa7167, math.type(hash.fnv32("x"))) show(hash.fnv64("hello")) show(hash.fnv32()) show(hash.fnv64({}))
for _, f in ipairs { "hmac_sha256", "hmac_sha512", "hmac_sha1", "hmac_md5" } do
    show(f, hash[f]("data", "key")) show(hash[f]("", "")) show(#hash[f]("x", "k", true)) show(hash[f](1, "k")) show(hash[f]("d"))
end
