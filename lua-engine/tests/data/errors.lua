local function show(...)
    local t = {...}
    for i = 1, select("#", ...) do t[i] = tostring(t[i]) end
    print(table.concat(t, " "))
end
local function try(f, ...) show(select(2, pcall(f, ...))) end

for _, k in ipairs { "UNKNOWN", "NOT_FOUND", "ALREADY_EXISTS", "INVALID", "PERMISSION_DENIED", "UNAVAILABLE",
    "INTERNAL", "CANCELED", "CONFLICT", "TIMEOUT", "RATE_LIMITED" } do
    show(k, errors[k])
end

local e = errors.new("boom")
show(type(e), e:message(), e:kind() == "", e:retryable(), e:details())
show(tostring(e), "a " .. e, e .. " b", e .. e, 1 .. e)
show(e.unknown, e == e, e == errors.new("boom"))
show(#e:stack() > 0)

local d = errors.new { message = "m", kind = errors.NOT_FOUND, retryable = true, details = { a = 1, b = { c = "x" } } }
show(d:kind(), d:retryable(), d:details().a, d:details().b.c, d:details() == d:details())
show(errors.new { message = "m", retryable = false }:retryable(), errors.new { message = "m", details = {} }:details())
local list = errors.new { message = "m", details = { 1, 2, 3 } }:details()
show(#list, list[3])
show(errors.new { message = "m", details = { l = { "a", "b" } } }:details().l[2])
show(errors.new("KIND", "msg"):message())

try(errors.new)
try(errors.new, 1)
try(errors.new, {})
try(errors.new, { message = 1 })
try(errors.wrap)
try(errors.wrap, {}, "x")
try(errors.wrap, e)

local w1 = errors.wrap(d, "first")
local w2 = errors.wrap(w1, "second")
local w3 = errors.wrap(w2, "third")
show(w1:message(), w1:kind(), w1:retryable(), w1:details().a)
show(w2:message())
show(w3)
show(w3:stack():match("^third: second: first: m") ~= nil)
show(errors.wrap("text", "ctx"):message(), errors.wrap(errors.wrap("text", "ctx"), e):message())
show(errors.wrap(errors.wrap("text", errors.new("inner")), "x"))

show(errors.is(d, errors.NOT_FOUND), errors.is(d, "Invalid"), errors.is("x", "Invalid"), errors.is(w3, "NotFound"))

local function deep() return errors.new("here") end
local cs = errors.call_stack(deep())
show(cs.thread, #cs.frames >= 2, cs.frames[1].source, cs.frames[1].line, cs.frames[1].name, cs.frames[1].type)
show(cs.frames[2].line, cs.frames[2].level)
show(errors.call_stack("x"), errors.call_stack())

local ok, raised = pcall(error, e)
show(ok, raised == e)
try(e.message, "not an error")
try(e.kind)
show(string.find(e, "oo")) show(string.len(e), string.match(e, "b(.*)"), table.concat({ e, "x" }))
show(pcall(function() errors.new = 1 end))
show(pcall(function() errors.xyz = 1 end))
show(pcall(rawset, errors, "a", 1))
local n = 0
for k in pairs(errors) do n = n + 1 end
show(n, errors.nothing, getmetatable(errors), getmetatable(e))
show(require("errors") == errors, pcall(require, "nothing"))
show(_VERSION, _GOPHER_LUA_VERSION, load, dofile, debug, utf8, io, collectgarbage)
print("a", 1, 1.5, true, nil, e, {}, "z")
return 1, nil, e
