--- case an order, as the reference has it
type Line = {sku: string @pattern("^[A-Z]+$"), qty: integer @min(1)}
type Order = {id: string, lines: {Line}, meta?: {[string]: any}}
return function()
    local ok, err = Order:is({id = "a", lines = {{sku = "AB", qty = 1}, {sku = "ab", qty = 0}}})
    assert(ok == nil and err:kind() == "Invalid" and err:retryable() == nil)
    local d = err:details()
    local made = {id = "b", lines = {}}
    local o = Order(made)
    assert(o == made)
    local good, msg = pcall(function() return Order({id = 1, lines = {}}) end)
    local out = {err:message(), d.field, d.constraint, d.got, d.expected, tostring(good), msg}
    for name, t in Order:fields() do out[#out + 1] = name .. "=" .. t:kind() end
    out[#out + 1] = Order:name() .. " " .. type(Order) .. " " .. tostring(Order)
    return table.concat(out, "\n")
end
--- expect
lines[2].qty: value below minimum
lines[2].qty
min
0
1
false
app:main:10: expected Order, got table
id=string
lines=array
meta=map
Order type Order
--- case what each type accepts
type Nil = nil
type Bool = boolean
type Num = number
type Int = integer
type Str = string
type Any = any
type Unknown = unknown
type Never = never
type Opt = string?
type Union = string | integer | {a: number}
type Both = {a: number} & {b: string}
type Lit = "a" | 5 | 2.5 | true
type Arr = {integer}
type Map = {[string]: integer}
type Seq = {[integer]: string}
type Rec = {a: number, b?: string, c: any, d: nil | boolean}
type Fun = (number) -> string
type Tab = table
type Read = readonly {a: number}
interface Shape
    function area(): number
end
return function()
    local types = {
        {"Nil", Nil}, {"Bool", Bool}, {"Num", Num}, {"Int", Int}, {"Str", Str}, {"Any", Any}, {"Unknown", Unknown},
        {"Never", Never}, {"Opt", Opt}, {"Union", Union}, {"Both", Both}, {"Lit", Lit}, {"Arr", Arr}, {"Map", Map},
        {"Seq", Seq}, {"Rec", Rec}, {"Fun", Fun}, {"Tab", Tab}, {"Read", Read}, {"Shape", Shape},
    }
    local values = {
        {"nil", nil}, {"false", false}, {"true", true}, {"1", 1}, {"5", 5}, {"5.0", 5.0}, {"2.5", 2.5}, {"'a'", "a"}, {"''", ""},
        {"{}", {}}, {"{1}", {1}}, {"{'x'}", {"x"}}, {"{a=1}", {a = 1}}, {"{a=1,b='x'}", {a = 1, b = "x"}},
        {"{a=1,b=2}", {a = 1, b = 2}}, {"print", print}, {"function", function() end},
        {"{1,nil,3}", {1, nil, 3}}, {"{[2.5]=1}", {[2.5] = 1}}, {"type", Any},
    }
    local out = {}
    for _, t in ipairs(types) do
        local names = {}
        for _, v in ipairs(values) do
            local value, err = t[2]:is(v[2])
            if err == nil then
                assert(rawequal(value, v[2]))
                names[#names + 1] = v[1]
            else
                assert(value == nil)
            end
        end
        out[#out + 1] = t[1] .. ": " .. table.concat(names, " ")
    end
    return table.concat(out, "\n")
end
--- expect
Nil: nil
Bool: false true
Num: 1 5 5.0 2.5
Int: 1 5 5.0
Str: 'a' ''
Any: nil false true 1 5 5.0 2.5 'a' '' {} {1} {'x'} {a=1} {a=1,b='x'} {a=1,b=2} print function {1,nil,3} {[2.5]=1} type
Unknown: nil false true 1 5 5.0 2.5 'a' '' {} {1} {'x'} {a=1} {a=1,b='x'} {a=1,b=2} print function {1,nil,3} {[2.5]=1} type
Never: 
Opt: nil 'a' ''
Union: 1 5 5.0 'a' '' {a=1} {a=1,b='x'} {a=1,b=2}
Both: {a=1,b='x'}
Lit: true 5 5.0 2.5 'a'
Arr: {} {1} {a=1} {a=1,b='x'} {a=1,b=2} {1,nil,3} {[2.5]=1}
Map: {} {1} {'x'} {a=1} {a=1,b=2} {1,nil,3}
Seq: {} {'x'} {a=1} {a=1,b='x'} {a=1,b=2}
Rec: {a=1} {a=1,b='x'}
Fun: print function
Tab: {} {1} {'x'} {a=1} {a=1,b='x'} {a=1,b=2} {1,nil,3} {[2.5]=1}
Read: {a=1} {a=1,b='x'} {a=1,b=2}
Shape: {} {1} {'x'} {a=1} {a=1,b='x'} {a=1,b=2} {1,nil,3} {[2.5]=1}
--- case where a value goes wrong
type Inner = {price: number}
type T = {items: {Inner}, map: {[string]: {integer}}, any: {[any]: boolean}, opt?: Inner, u: string | {x: number}}
return function()
    local function why(patch)
        local v = {items = {}, map = {}, any = {}, u = "x"}
        for k, p in pairs(patch) do v[k] = p end
        local _, err = T:is(v)
        return err and tostring(err) or "fine"
    end
    local missing = {items = {}, map = {}, u = ""}
    local out = {
        why{}, why{items = 5}, why{items = {{price = 1}, {price = "x"}}}, why{items = {{}}}, why{map = {k = {1, 2.5}}},
        why{map = {k = 1}}, why{any = {[true] = 1}}, why{any = {[2.5] = 1}}, why{opt = {price = {}}}, why{opt = 1},
        why{u = {x = "y"}}, why{u = 5}, tostring(select(2, T:is(missing))), tostring(select(2, T:is(5))),
        tostring(select(2, T:is())),
    }
    return table.concat(out, "\n")
end
--- expect
fine
items: expected Inner[], got number
items[2].price: expected number, got string
items[1].price: required field missing
map.k[2]: expected integer, got number
map.k: expected integer[], got number
any[true]: expected boolean, got number
any[2.5]: expected boolean, got number
opt.price: expected number, got table
opt: expected Inner, got number
u: expected string | {x: number}, got table
u: expected string | {x: number}, got number
any: required field missing
expected T, got number
expected T, got nil
--- case annotations
type Age = integer @min(0) @max(150)
type Code = string @min_len(2) @max_len(4)
type Codes = {Code} @max_len(2)
type P = {age: Age, code?: Code, rate: number @min(-0.5) | string @min_len(1), tags?: Codes, half: number @max(0.5)}
type Bad = string @pattern("(")
type Bad2 = string @pattern(5)
type Other = string @nonsense(5) @min_len(-1)
type Keys = {[string @pattern("^k")]: integer}
return function()
    local function why(t, v)
        local _, err = t:is(v)
        if not err then return "fine" end
        local d = err:details()
        return tostring(err) .. " | " .. tostring(d.constraint) .. " " .. d.got .. " " .. d.expected
    end
    local function p(patch)
        local v = {age = 1, rate = 0, half = 0}
        for k, x in pairs(patch) do v[k] = x end
        return why(P, v)
    end
    local out = {
        p{}, p{age = -1}, p{age = 151}, p{age = 1.5}, p{code = "a"}, p{code = "abcde"}, p{rate = -1}, p{rate = ""},
        p{tags = {"ab", "c"}}, p{tags = {"ab", "cd", "ef"}}, p{half = 0.75}, why(Bad, "x"), why(Bad2, "x"),
        why(Bad, 5), why(Other, ""), why(Keys, {kx = 1}), why(Keys, {x = 1}), why(Code, "ab"), why(Age, 200),
    }
    return table.concat(out, "\n")
end
--- expect
fine
age: value below minimum | min -1 0
age: value above maximum | max 151 150
age: expected integer, got number | nil number integer
code: length below minimum | min_len a 2
code: length above maximum | max_len abcde 4
rate: expected number | string, got number | nil number number | string
rate: expected number | string, got string | nil string number | string
tags[2]: length below minimum | min_len c 2
tags: length above maximum | max_len table 2
half: value above maximum | max 0.75 0.5
invalid regex | pattern x (
invalid pattern argument | pattern x 5
expected string, got number | nil number string
fine
fine
[key]: pattern mismatch | pattern x ^k
fine
value above maximum | max 200 150
--- case calling a type
type User = {name: string}
type Box<T> = {value: T}
type Pair<A, B> = {a: A, b: B}
return function()
    local function try(f, ...)
        local good, v = pcall(f, ...)
        return (good and "" or "raised ") .. tostring(v)
    end
    local out = {
        try(function() return User() end),
        try(function() return User({}, {}) end),
        try(function() return User(5) end),
        try(function() return User({name = "x"}).name end),
        try(function() return User(User) end),
        try(function() return Box(User, 5) end),
        try(function() return Box(User, User) end),
        try(function() return Box(5) end),
        try(function() return Pair(User, Box(User)) end),
        try(function() return Box(User)({value = {name = "y"}}).value.name end),
        try(function() return Box(User)({value = 5}) end),
        try(function() return string(5) end),
        try(function() return string("x") end),
        try(function() return integer("5") end),
        try(function() return number(3) end),
        try(function() return boolean(nil) end),
        try(function() return any(nil) end),
        try(function() return never(1) end),
        try(function() return integer(3.0) end),
        try(function(...) return User(...).name end, {name = "z"}),
        try(User, 7),
    }
    return table.concat(out, "\n")
end
--- expect
raised app:main:10: type User expects at least 1 argument
raised app:main:11: type User validation expects 1 value, got 2
raised app:main:12: expected User, got number
x
raised app:main:14: type User is not generic
raised app:main:15: type Box does not accept mixed type/value arguments
raised app:main:16: generic Box expects 1 type arguments, got 2
raised app:main:17: expected Box, got number
Pair<User, Box<User>>
y
raised app:main:20: expected Box<User>, got table
raised app:main:21: expected string, got number
x
raised app:main:23: expected integer, got string
3
raised app:main:25: expected boolean, got nil
nil
raised app:main:27: expected never, got number
3
z
raised expected User, got number
--- case is, with a colon and with a dot
type T = {a: integer}?
return function()
    local t = T
    local function shown(...)
        local v, err = ...
        return tostring(v ~= nil and (type(v) == "table" and "table" or v)) .. " " .. tostring(err)
    end
    local lib = {T = T}
    return table.concat({
        shown(T:is({a = 1})), shown(T.is({a = 1})), shown(T.is(T, {a = 1})), shown(T.is(nil)), shown(T:is(nil)),
        shown(T["is"]({a = "x"})), shown(T.is({a = "x"})), shown(t:is(5)), shown(t.is(5)), shown(lib.T:is(5)),
        shown(lib.T.is(5)), shown(boolean:is(false)), shown(integer:is(2.5)), shown(string:is("x")),
        shown(string.is(5)), string.kind(), string.upper("up"), tostring(string.is == nil), number:kind(),
    }, "\n")
end
--- expect
table nil
table nil
table nil
false nil
false nil
false a: expected integer, got string
false a: expected integer, got string
false expected {a: integer}, got number
false expected {a: integer}, got number
false expected {a: integer}, got number
false expected {a: integer}, got number
false nil
false expected integer, got number
x nil
false expected string, got number
string
UP
true
number
--- case looking into types
type Point = {x: number, y?: number}
type Box<T, U: Point> = {value: T, other: U}
type F = (a: Point, b: string?) -> (number, string?)
type One = (integer) -> integer
type Arr = {Point}
type M = {[string]: Point}
type Opt = Point?
type Nilable = Point | nil
type U = "b" | "a" | integer
type I = Box<string, Point>
type Both = Arr & M
type Note = string @min_len(1)
interface S
    function f(): number
end
return function()
    local out = {}
    local function say(...)
        local t = {...}
        for i = 1, select("#", ...) do t[i] = tostring(t[i]) end
        out[#out + 1] = table.concat(t, " ")
    end
    local all = {Point, Box, F, Arr, M, Opt, Nilable, U, I, Both, Note, S}
    local kinds = {}
    for i, t in ipairs(all) do kinds[i] = t:kind() end
    say(table.concat(kinds, " "))
    say(any:kind(), unknown:kind(), never:kind(), boolean:kind(), string:kind(), integer:kind())
    say(Point:name(), Arr:elem():name(), Arr:elem():kind(), M:key(), M:val(), Opt:inner(), string:name())
    say(Arr:key(), Arr:inner(), Point:elem(), Point:variants(), Opt:variants(), Point:params(), Point:tparams(), F:elem())
    for name, t in Point:fields() do say(name, t, t:name(), t:kind()) end
    for t in F:params() do say("param", t) end
    say(F:ret(), F:ret():kind(), One:ret(), Point:ret())
    for t in U:variants() do say("variant", t) end
    for name, bound in Box:tparams() do say(name, bound) end
    local next_field = Point:fields()
    next_field() next_field()
    say(next_field(), next_field())
    say(Point.x, Point.nothing, Arr.x)
    say(I, I:name(), Both)
    return table.concat(out, "\n")
end
--- expect
record generic function array map optional optional union instantiated intersection unknown unknown
any unknown never boolean string integer
Point Point record string Point Point string
nil nil nil nil nil nil nil nil
x number number number
y number number number
param Point
param string?
(number, string?) tuple integer nil
variant integer
variant "a"
variant "b"
T nil
U Point
nil nil
number nil nil
I I Both
--- case types compare
type A = {x: number}
type B = {x: number}
type C = {x: number, y: string}
type D = A
type L = {v: integer, next: L?}
type L2 = {v: integer, next: L2?}
type G<T> = {v: T}
type R = "a"
return function()
    local keys = {}
    keys[A] = "a"
    local function sub(a, b) return (a <= b and "<=" or "-") .. (a < b and "<" or "-") .. (a == b and "=" or "~") end
    return table.concat({
        sub(A, B), sub(A, C), sub(C, A), sub(A, D), sub(L, L2), sub(G(A), G(B)), sub(G(A), G(C)), sub(G, G), sub(G, A),
        tostring(keys[A]), tostring(keys[B]), tostring(A == 5), tostring(rawequal(A, A)),
        tostring(select(2, pcall(function() return A < 5 end))),
    }, "\n")
end
--- expect
<=-=
--~
<=<~
<=-=
<=-=
<=-=
--~
<=-=
--~
a
nil
false
true
app:main:16: attempt to compare type with number
--- case names, globals and locals
type User = {name: string}
type print = {x: number}
type Local = string
local function before() return Local end
local Local = {is = function() return "mine" end}
User2 = User
return function()
    local out = {}
    out[1] = tostring(type(print)) -- a global that exists stays
    out[2] = tostring(select(2, print:is(5))) -- but the call form means the type
    out[3] = Local.is()
    out[4] = tostring(before())
    out[5] = tostring(User2 == User) .. tostring(rawequal(User2, User))
    out[6] = tostring(_G.User) .. tostring(number) .. type(string)
    User = {is = function() return "other" end}
    out[7] = type(User)
    out[8] = tostring(User:is({name = "x"}).name)
    local function f(User) return User:is(1) end
    out[9] = f({is = function(_, v) return v end})
    do
        type Inner = string
        out[10] = tostring(Inner)
    end
    return table.concat(out, "\n")
end
--- expect
function
expected print, got number
mine
Local
truetrue
Userniltable
table
x
1
nil
--- case deep and endless values
type Node = {next: Node?, kids?: {Node}}
type Any = {[any]: Any} | string
type Poly<T> = {v: T, next: Poly<{T}>?}
type Bare = {x: NoSuch}
type E = {e: error?}
type Limits = typeof(limits)
local limits: {max: number} = {max = 5}
type Max = typeof(limits)
return function()
    local deep = {}
    for i = 1, 50 do deep = {next = deep} end
    local deeper = {}
    for i = 1, 70 do deeper = {next = deeper} end
    local round = {}
    round.next = round
    local function why(t, v) local _, err = t:is(v) return tostring(err):sub(-60) end
    return table.concat({
        why(Node, deep), why(Node, deeper), why(Node, round), why(Any, {a = {b = "x"}}), why(Poly(string), {v = "x"}),
        why(Poly(string), {v = "x", next = {v = {"y"}}}), why(Poly(string), {v = "x", next = {v = "y"}}),
        why(Bare, {x = 1}), why(Bare, {}), why(E, {e = errors.new("x")}), why(E, {e = "x"}), why(Max, {max = "5"}), why(Max, {max = 5}),
    }, "\n")
end
--- expect
nil
.next.next.next: expected type, got recursion limit exceeded
.next.next.next: expected type, got recursion limit exceeded
nil
nil
nil
next.v: expected string[], got string
x: unresolved type NoSuch
x: unresolved type NoSuch
nil
e: expected error, got string
max: expected number, got string
nil
--- case a program without types has none
return function()
    return tostring(User) .. " " .. tostring(select(2, pcall(function() return User:is(1) end)))
end
--- expect
nil app:main:2: attempt to index a non-table object(nil) with key 'is'
--- case types travel
--- entry app:main json
type Named = {string}
local M = {Named = Named}
local function check(t, v) return t:is(v) end
return function()
    local json = require("json")
    local co = coroutine.wrap(function(t) local v = coroutine.yield(t:kind()) return t(v)[1] end)
    local parts = {check(M.Named, {"x"})[1], tostring(select(2, check(M.Named, {1}))), co(M.Named), co({"in coroutine"}), json.encode({t = Named})}
    return table.concat(parts, "\n")
end
--- expect
x
[1]: expected string, got number
array
in coroutine
{"t":"Named"}
--- case types are sent
--- entry app:main
type Named = {string}
type Box<T> = {value: T}
return function()
    local inbox = process.inbox()
    local peer = assert(process.spawn("app:peer", "app:host"))
    local made = Box(Named)
    process.send(peer, "types", {t = Named, again = {Named}, made = made, me = process.pid(), [Named] = 1})
    local msg = inbox:receive()
    local v = msg:payload():data()
    return table.concat({v.text, tostring(v.back == Named), tostring(rawequal(v.back, Named)), v.keys, tostring(v.made == made)}, "\n")
end
--- entry app:peer
return function()
    local msg = process.inbox():receive()
    local v = msg:payload():data()
    local text = type(v.t) .. " " .. tostring(v.t) .. " " .. tostring(select(2, v.t:is({1}))) .. " " .. tostring(select(2, v.made:is({value = {2}})))
    local keys = 0
    for k in pairs(v) do keys = keys + 1 end
    process.send(v.me, "back", {text = text, back = v.t, made = v.made, keys = tostring(rawequal(v.t, v.again[1])) .. keys})
end
--- expect
type Named [1]: expected string, got number value[1]: expected string, got number
true
true
true4
true
