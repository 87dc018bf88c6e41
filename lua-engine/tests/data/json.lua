local json = require("json")
local function show(...)
    local t = {...}
    for i = 1, select("#", ...) do
        local v = t[i]
        t[i] = math.type(v) == "float" and string.format("%.14g", v) or tostring(v)
        if type(v) == "userdata" and v.kind then t[i] = v:kind() .. "/" .. tostring(v:retryable()) .. ": " .. v:message() end
    end
    print(table.concat(t, " | "))
end
local function enc(...) show(json.encode(...)) end
local function dec(s)
    local v, err = json.decode(s)
    if type(v) == "table" then v = json.encode(v) end
    show(v, math.type(v), err)
end

-- scalars
enc() enc(nil) enc(true) enc(false) enc(3) enc(3.0) enc(-7) enc(0.1) enc(1e-7) enc(1e21) enc(1e20) enc(2^53)
enc(0/0) enc(1/0) enc({ 1e-7, 1e21, 0/0, 3.0, 1.5 })
enc(math.maxinteger) enc(print) enc(errors.new("msg"))
-- strings
enc("a\"\\/\n\r\t\b\f\1\127<>&") enc("\226\128\168\226\128\169 \195\164 \240\159\152\128") enc("x\255\254y\195")
-- tables
enc({}) enc({ 1, 2, 3 }) enc({ a = 1 }) enc({ { } }) enc({ x = { } })
enc({ 1, nil, 3 }) enc({ [2] = 1 }) enc({ 1, a = 2 }) enc({ [1.5] = 1 }) enc({ [true] = 1 }) enc({ [0] = 1 }) enc({ [-1] = 1 }) enc({ [{}] = 1 })
local had = { a = 1 } had.a = nil enc(had)
enc(json.decode("{}")) enc(json.decode("[]")) enc({ json.decode("{}"), json.decode("[]") })
local rec = {} rec[1] = rec enc(rec)
local twice = { 1 } enc({ twice, twice })
enc(setmetatable({ 1 }, { __index = { x = 1 } }))
local function nest(n) local t = {} for _ = 2, n do t = { t } end return t end
show(json.encode(nest(129)) == string.rep("[", 129) .. string.rep("]", 129))
enc(nest(130))
enc({ print })
-- decode
for _, s in ipairs { "null", "1", "-0", "1.0", "1e2", "1e400", "-1e400", "9223372036854775807", "9223372036854775808", "-99999999999999999999",
    '"a\\u00e4\\n\\/\\ud83d\\ude00"', "true", "false", "[1,2,3]", "{}", "[]", '{"a":{"b":[]}}', "[null]", "[1,null,3]", "[1,null]", '{"a":null}',
    "1 garbage", "  \n\t 1", "   ", "", "{", "[1,", '"x', '{"a" 1}', '{"a":1,}', "[1 2]", "tru", "nul", "01", "1.", "-", "1e", "'x'", '"\\x"', '"\\ud800"', '"\\ud800\\u0041"',
    '"\\udc00"', '"a\nb"', '{"a":1,"a":2}', '{"a":null,"a":2}', '"\255"', "{1:2}" } do
    dec(s)
end
show(json.decode()) show(json.decode(1)) show(json.decode({}))
show((json.decode(string.rep("[", 129) .. string.rep("]", 129))) ~= nil)
dec(string.rep("[", 130) .. string.rep("]", 130))
local t = json.decode('{"a":[1,2,{"b":"x"}],"c":1.5}')
show(t.a[3].b, t.c, math.type(t.a[1]), #t.a)
-- validate
local S = '{"type":"object","properties":{"n":{"type":"integer","minimum":1}},"required":["n"]}'
show(json.validate(S, { n = 1 })) show(json.validate(S, { n = 3.0 })) show(json.validate(S, { n = 0 })) show(json.validate(S, {}))
show(json.validate({ type = "array", items = { type = "number" } }, { 1, 2 })) show(json.validate('{"type":"object"}', {})) show(json.validate('{"type":"array"}', {}))
show(json.validate(nil, 1)) show(json.validate(1, 1)) show(json.validate(S)) show(json.validate('{"type":"string"}', "x")) show(json.validate('{"type":"string","format":"email"}', "x"))
show(json.validate(S, { 1, nil, 3 }))
show(json.validate('{"pattern":"^a+$"}', "aaa")) show((json.validate('{"type":12}', 1))) show((json.validate("{", 1))) show((json.validate({}, 1)))
show(json.validate_string(S, '{"n":2}')) show(json.validate_string(S, '{"n":')) show(json.validate_string(S, 1)) show(json.validate_string(S, {}))
local names = {} for k in pairs(json) do names[#names + 1] = k end table.sort(names) show(table.unpack(names))
show(pcall(function() json.encode = nil end))
