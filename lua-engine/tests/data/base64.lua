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
local base64 = require("base64")
for _, s in ipairs { "", "f", "fo", "foo", "foob", "fooba", "foobar", "\0\255\254" } do
    local e = base64.encode(s)
    show(e, base64.decode(e) == s, select("#", base64.encode(s)), select("#", base64.decode(e)))
end
show(base64.decode("Zm9v\r\nYmFy\n"))
show(base64.decode("Zh=="))
for _, s in ipairs { "a", "ab", "abc", "ab=", "a===", "ab=c", "abcd=", "ab==x", "ab!d", "=", "Zm9v\n!", "YQ==\nYQ==", "-_-_" } do show(base64.decode(s)) end
show(base64.encode()) show(base64.encode(1)) show(base64.decode()) show(base64.decode(5))
