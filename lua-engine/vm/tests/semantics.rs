//! Spot checks of what the dialect keeps of Lua 5.4, with code of its own and shared.

mod support;

use support::check;

#[test]
fn closures_and_upvalues() {
    check(&[
        ("local function counter() local n = 0 return function() n = n + 1 return n end end
          local a, b = counter(), counter() return a(), a(), b(), a()", "1 2 1 3"),
        ("local fs = {} for i = 1, 3 do fs[i] = function() i = i + 10 return i end end return fs[1](), fs[1](), fs[2](), fs[3]()", "11 21 12 13"),
        ("local x = 1 local function set(v) x = v end local function get() return x end set(5) return get(), x", "5 5"),
        ("local fs = {} local i = 1 while i <= 3 do local j = i fs[i] = function() return j end i = i + 1 end return fs[1](), fs[2](), fs[3]()", "1 2 3"),
        ("local function outer() local a = 1 return function() local b = 2 return function() a = a + b return a end end end
          local f = outer()() return f(), f()", "3 5"),
        ("local a = {} do local x = 0 a.inc = function() x = x + 1 return x end a.get = function() return x end end a.inc() return a.inc(), a.get()", "2 2"),
        ("local fs = {} for _, v in ipairs({'a', 'b'}) do fs[#fs + 1] = function() return v end end return fs[1](), fs[2]()", "a b"),
        ("local function f(...) local args = {...} return function() return unpack(args) end end return f(1, 2, 3)()", "1 2 3"),
        ("local f do local x = 5 f = function() return x end end return f()", "5"),
        ("local r = {} do local k = 0 ::again:: local c = k r[#r + 1] = function() c = c + 1 return c end k = k + 10 if k < 30 then goto again end end
          return r[1](), r[2](), r[3](), r[1]()", "1 11 21 2"),
    ]);
}

#[test]
fn control_flow() {
    check(&[
        ("local n = 0 for i = 1, 10 do if i % 2 == 0 then goto continue end n = n + i ::continue:: end return n", "25"),
        ("local i = 0 ::top:: i = i + 1 if i < 5 then goto top end return i", "5"),
        ("for i = 1, 3 do for j = 1, 3 do if j == 2 then goto out end end end ::out:: return 'out'", "out"),
        ("local n = 0 for i = 3, 1 do n = n + 1 end for i = 3, 1, -1 do n = n + i end return n", "6"),
        ("local t = {} for i = 1, 2, 0.5 do t[#t + 1] = i end return table.concat(t, ' ')", "1 1.5 2"),
        (
            "local n = 0 for i = math.maxinteger - 1, math.maxinteger do n = n + 1 if n > 5 then break end end return n",
            "2",
        ),
        ("local i = 10 repeat local done = i < 8 i = i - 1 until done return i", "6"),
        ("local n = 0 while true do n = n + 1 if n > 3 then break end end return n", "4"),
        ("do local x = 1 do local x = 2 end return x end", "1"),
        (
            "local a, b, c = (function() return 1, 2, 3 end)() local d, e = ((function() return 1, 2 end)()) return a, b, c, d, e",
            "1 2 3 1 nil",
        ),
        ("local a, b = 1, 2 a, b = b, a return a, b", "2 1"),
        ("local t = {} local i = 1 i, t[i] = i + 1, 20 return i, t[1], t[2]", "2 20 nil"),
        ("return nil and 1, false or 'x', 1 and 2, nil or false, not nil == true", "nil x 2 false true"),
        ("local function f(n) if n == 0 then return 'done' end return f(n - 1) end return f(100000)", "done"),
        ("local t = {n = 0} function t:add(x) self.n = self.n + x return self end return t:add(1):add(2).n", "3"),
        ("local s = 0 for k, v in pairs({10, 20, x = 30}) do s = s + v end return s", "60"),
    ]);
}

#[test]
fn arithmetic_and_comparison() {
    check(&[
        ("return 7 // 2, -7 // 2, 7 // -2, 7 % 3, -7 % 3, 7 % -3, 2^10, 7 / 2", "3 -4 -4 1 2 -2 1024 3.5"),
        (
            "return 1 == 1.0, '1' == 1, 0.1 + 0.2 == 0.3, math.maxinteger + 1 == math.mininteger",
            "true false false true",
        ),
        ("return 5 & 3, 5 | 3, 5 ~ 3, ~0, 1 << 4, 256 >> 4", "1 7 6 -1 16 16"),
        (
            "return 1 < 2, 1 < 1.5, 'a' < 'b', 'a' < 'B', 'Z' < 'a', '' < 'a', not (2 <= 1)",
            "true true true false true true true",
        ),
        ("return 10 .. 20, 1.5 .. '', -0.0 .. '', 2^53 .. '', 1e100 .. ''", "1020 1.5 0 9007199254740992 1e+100"),
        ("return '10' + 5, '3' * '4', 10 .. '', -'2', '0x10' + 0", "15 12 10 -2 16"),
        ("return 2^-1, 2^0.5 == math.sqrt(2), -2^2, (2^3)^2, 2^3^2", "0.5 true -4 64 512"),
        ("return 1 .. 2 == '12', #'abc' + 1, -3 % math.huge > 0", "true 4 true"),
        ("local nan = 0/0 return nan == nan, nan ~= nan, nan < 1, 1 < nan", "false true false false"),
        ("local a <const> = 5 return a", "5"),
        ("return math.type(1), math.type(1.0), math.type('1'), 3 | 0, 3.0 | 0", "integer float nil 3 3"),
    ]);
}

#[test]
fn metamethods() {
    check(&[
        ("local mt = {} for _, op in ipairs({'add', 'sub', 'mul', 'div', 'mod', 'pow', 'concat'}) do mt['__' .. op] = function(a, b) return op end end
          local t = setmetatable({}, mt) return t + 1, 1 - t, t * t, t / 2, 2 % t, t ^ 2, t .. 'x', 'x' .. t, 1 .. t", "add sub mul div mod pow concat concat concat"),
        ("local t = setmetatable({}, {__index = function(t, k) return k * 2 end}) return t[21], rawget(t, 21)", "42 nil"),
        ("local base = {greet = function(self) return 'hi ' .. self.name end} base.__index = base
          local sub = setmetatable({}, base) sub.__index = sub return setmetatable({name = 'x'}, sub):greet()", "hi x"),
        ("local log = {} local t = setmetatable({}, {__newindex = function(t, k, v) log[#log + 1] = k rawset(t, k, v) end})
          t.a = 1 t.a = 2 t.b = 3 return table.concat(log, ','), t.a, t.b", "a,b 2 3"),
        ("local t = setmetatable({}, {__call = function(self, a, b) return a + b end}) return t(1, 2), pcall(t, 3, 4)", "3 true 7"),
        ("local mt = {__eq = function() return true end} local a, b = setmetatable({}, mt), setmetatable({}, mt) return a == b, a ~= b, rawequal(a, b)", "true false false"),
        ("local mt = {__lt = function(a, b) return a.v < b.v end, __le = function(a, b) return a.v <= b.v end}
          local a, b = setmetatable({v = 1}, mt), setmetatable({v = 2}, mt) return a < b, a > b, a <= b, a >= b", "true false true false"),
        ("local t = setmetatable({}, {__len = function() return 9 end, __unm = function() return 'neg' end, __tostring = function() return 'me' end})
          return #t, -t, tostring(t)", "9 neg me"),
        ("return getmetatable(setmetatable({}, {__metatable = 'locked'})), pcall(setmetatable, setmetatable({}, {__metatable = 1}), {})",
         "locked false cannot change a protected metatable"),
        ("local t = setmetatable({}, {__index = function(_, k) error('no ' .. k, 0) end}) return pcall(function() return t.field end)", "false no field"),
        ("return ('x').rep == string.rep, ('%d'):format(3), ('abc').len('abcd')", "true 3 4"),
        ("local t = setmetatable({}, {}) getmetatable(t).__index = {late = 1} return t.late", "1"),
        ("local mt = {} local t = setmetatable({}, mt) local a = t.x mt.__index = function() return 'now' end return a, t.x", "nil now"),
    ]);
}

#[test]
fn functions_and_errors() {
    check(&[
        ("local function f(...) return select('#', ...), ... end return f(nil, nil), (f(1, 2))", "2 2"),
        ("local function f(a, b, ...) return a, b, select('#', ...) end return f(1), f(1, 2, 3, nil)", "1 1 2 2"),
        (
            "return pcall(error, {code = 1}) == false, select(2, pcall(error, 'x', 0)), select('#', pcall(error, nil))",
            "true x 2",
        ),
        ("local ok, e = pcall(function() error({code = 42}) end) return ok, e.code", "false 42"),
        (
            "local ok, e = pcall(function() local ok2, e2 = pcall(error, 'inner', 0) error('outer ' .. e2, 0) end) return ok, e",
            "false outer inner",
        ),
        (
            "return xpcall(function() error('boom', 0) end, function(m) return 'handled ' .. m end)",
            "false handled boom",
        ),
        ("local ok, e = pcall(function() error('here') end) return e", "t:1: here"),
        ("local ok, e = pcall(function() local function lvl() error('up', 2) end\n lvl() end) return e", "t:2: up"),
        (
            "local function f() return f() + 1 end local ok, e = pcall(f) return ok, e:find('stack overflow', 1, true) ~= nil",
            "false true",
        ),
        ("return (function(...) return ... end)(1, 2, 3)", "1 2 3"),
        ("local t = {(function() return 1, 2 end)(), (function() return 3, 4 end)()} return #t", "3"),
        ("return pcall(function() return 1 end, 2), (pcall(function() error() end))", "true false"),
        (
            "local co = coroutine.wrap(function() local ok, v = pcall(function() return coroutine.yield(1) + 1 end) return ok, v end) return co(), co(41)",
            "1 true 42",
        ),
        (
            "local co = coroutine.create(function() error('in co', 0) end) local ok, e = coroutine.resume(co) return ok, e, coroutine.status(co)",
            "false in co dead",
        ),
        (
            "local co = coroutine.wrap(function(...) local n = select('#', ...) while true do n = n + select('#', coroutine.yield(n)) end end) return co(1, 2), co(), co(1)",
            "2 2 3",
        ),
    ]);
}

#[test]
fn tables_and_strings() {
    check(&[
        ("local t = {1, 2, 3, nil, 5} return #{1, 2, 3}, #{}, #{n = 1}, t[5]", "3 0 0 5"),
        ("local t = {} for i = 1, 100 do t[i] = i end for i = 100, 51, -1 do t[i] = nil end return #t", "50"),
        (
            "local t = {3, 1, 2} table.sort(t) local a = table.concat(t, ',') table.sort(t, function(x, y) return x > y end) return a, table.concat(t, ',')",
            "1,2,3 3,2,1",
        ),
        ("local t = {} t[1.0] = 'a' t[2^53] = 'b' return t[1], t[2^53], next(t)", "a b 1 a"),
        ("local t = {a = 1, b = 2, c = 3} for k in pairs(t) do t[k] = nil end return next(t)", "nil"),
        (
            "return ('hello world'):find('o w'), ('hello'):match('(h)(.)'), ('key=val'):match('(%w+)=(%w+)')",
            "5 h key val",
        ),
        (
            "return ('abc'):gsub('%w', '%0%0'), ('hello'):gsub('l', {l = 'L'}), ('abc'):gsub('', '-')",
            "aabbcc heLLo -a-b-c- 4",
        ),
        (
            "local r = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do r[#r + 1] = k .. v end return table.concat(r, ' ')",
            "a1 b2",
        ),
        (
            "return ('x'):byte(), string.char(72, 105), ('abc'):reverse(), ('abc'):upper(), ('a,b'):len()",
            "120 Hi cba ABC 3",
        ),
        ("return ('abcdef'):sub(2, 4), ('abc'):sub(-2), ('abc'):sub(0), ('abc'):sub(5)", "bcd bc abc "),
        ("return '\\65\\066\\n' == 'AB\\n', [[long\nstring]] == 'long\\nstring', [==[]]]==]", "true true ]]"),
        ("return #'\\0a', ('a\\0b'):len(), ('a\\0b') == 'a\\0b', ('a\\0b') == 'a\\0c'", "2 3 true false"),
        (
            "return tostring(nil), tostring(true), tonumber('0x1p4') or 'none', tonumber('z', 36), tonumber('8', 8) or 'none'",
            "nil true 16 35 none",
        ),
    ]);
}
