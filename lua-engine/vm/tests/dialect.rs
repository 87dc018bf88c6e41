//! The VM dialect (chapter 60, section 13; chapter 10, sections 1.1-1.6): one
//! row a program, with what it returns or the text of its error.

mod support;

use std::ffi::c_int;

use support::{check, own_vm, run};
use wippy_lua_vm::ffi::*;
use wippy_lua_vm::library;

#[test]
fn numbers_as_text() {
    check(&[
        // V1-V5
        ("return 10/2", "5"),
        ("return tostring(10/2), 10/2 .. '', string.format('%s', 6/2), table.concat({4/2, 2.5})", "5 5 3 22.5"),
        (
            "return 1e15, 2^53, -2^63, 2^63",
            "1000000000000000 9007199254740992 -9223372036854775808 9.223372036854776e+18",
        ),
        ("return 0.1 + 0.2, 1/3, 2/3", "0.30000000000000004 0.3333333333333333 0.6666666666666666"),
        ("return 1234567.5, 1700000000.25, 0.00001, 1e20", "1.2345675e+06 1.70000000025e+09 1e-05 1e+20"),
        ("return 123456.5, 0.0001, 1e100, 1.5e-10", "123456.5 0.0001 1e+100 1.5e-10"),
        ("return 1/0, -1/0, 0/0, -(0/0)", "+Inf -Inf NaN NaN"),
        ("return -0.0, 0 * -1.5, 0.0", "0 0 0"),
        ("return math.maxinteger, math.mininteger", "9223372036854775807 -9223372036854775808"),
        ("return 1e15 .. '|' .. 3.0 .. '|' .. -2.50", "1000000000000000|3|-2.5"),
        // V6
        ("return math.huge, math.huge == 1/0, 5 < math.huge", "1.7976931348623157e+308 false true"),
        // V7, V8, V15
        (
            "return math.type(1), math.type(1.0), math.type('1'), math.type(1 + 2), math.type(1 + 2.0)",
            "integer float nil integer float",
        ),
        ("return math.maxinteger + 1 == math.mininteger", "true"),
    ]);
}

#[test]
fn arithmetic() {
    check(&[
        ("return 7 / 2, 2 ^ 10, 7 - 8, 3 * 4", "3.5 1024 -1 12"),
        // V10
        ("return 7 % 3, -7 % 3, 7 % -3, -7 % -3", "1 2 -2 -1"),
        ("return 7.5 % 2, -7.5 % 2, 7.5 % -2", "1.5 0.5 -0.5"),
        ("return 5 % 0, 5 % 0.0, 0 % 0, 5.5 % 0", "NaN NaN NaN NaN"),
        ("local z = 0 return 5 % z, 5.0 % z, (5 % z) == (5 % z)", "NaN NaN false"),
        ("return (2^53 + 1) % 2, 9007199254740993 % 2", "0 1"),
        ("return 5 % (1/0), -5 % (1/0)", "5 +Inf"),
        // V11
        ("return 7 // 2, -7 // 2, 7 // -2, 7.5 // 2, -7.5 // 2, 7 // 2.9", "3 -4 -4 3 -4 3"),
        ("local a, b = 7.5, 2 return a // b, -a // b, a // 2, -7 // b", "3 -4 3 -4"),
        ("return math.type(7.5 // 2), 1e300 // 2 > 1e299", "integer true"),
        ("return 5 // 0.5", "!t:1: attempt to divide by zero"),
        ("return 1 // 0", "!t:1: attempt to divide by zero"),
        ("local z = 0 return 1 // z", "!t:1: attempt to divide by zero"),
        ("local z = 0.0 return 1.5 // z", "!t:1: attempt to divide by zero"),
        ("local z = -0.9\nreturn 1 // z", "!t:2: attempt to divide by zero"),
        ("return '10' // 2", "!t:1: attempt to perform arithmetic on a string value"),
        ("return math.mininteger // -1, math.mininteger % -1", "-9223372036854775808 0"),
        // V19, V20
        ("return 3.7 & 1, 3.0 | 4, ~0, 5 ~ 3", "1 7 -1 6"),
        ("return -8 >> 1, 8 >> 1, -1 >> 63, -1 >> 64, 1 >> 64, -1 >> 100", "-4 4 -1 0 0 0"),
        ("return 1 << 4, 1 << 63, 1 << 64, 16 << -2, -16 << -2, 4 >> -2", "16 -9223372036854775808 0 4 -4 16"),
        ("local a, n = -8, 1 return a >> n, a >> -n, a << -n, a >> 1, a << 1, 1 << n, 1 >> n", "-4 -16 -4 -4 -16 2 0"),
        ("local a = -8 return a >> 1 == -8 >> 1, a >> 64 == -8 >> 64", "true true"),
        ("return '3' & 1", "!t:1: attempt to perform bitwise operation on a string value"),
        ("return nil & 1", "!t:1: attempt to perform bitwise operation on a nil value"),
        ("return 1e300 & 1", "!t:1: number has no integer representation"),
        ("return ~'1'", "!t:1: attempt to perform bitwise operation on a string value"),
        // V21
        ("return '10' + 1, 2 * '3', '7' - '2', '9' / 3, '7' % 4, '2' ^ 3, ' 0x10 ' + 0, -'2'", "11 6 5 3 3 8 16 -2"),
        ("return math.type('10' + 1)", "float"),
        ("return 'a' + 1", "!t:1: cannot perform add operation between string and number"),
        // V23
        ("local n = 0 for i = 1, 10, 3 do n = n + i end for i = 10, 1, -4 do n = n + i end return n", "40"),
        ("local t = {} for i = 1, 2, 0.5 do t[#t+1] = i end return table.concat(t, ' ')", "1 1.5 2"),
        ("for i = 'x', 1 do end", "!t:1: for statement init must be a number"),
        ("for i = 1, {} do end", "!t:1: for statement limit must be a number"),
        ("for i = 1, 2, {} do end", "!t:1: for statement step must be a number"),
        ("local n = 0 for i = math.maxinteger - 1, math.maxinteger do n = n + 1 end return n", "2"),
        // V17-V18: stock (exact)
        ("local t = {} t[1.0] = 'a' t[0.0] = 'b' return t[1], t[0], 1 == 1.0", "a b true"),
    ]);
}

#[test]
fn errors_of_the_vm() {
    check(&[
        ("local x\nreturn x.name", "!t:2: attempt to index a non-table object(nil) with key 'name'"),
        ("local x x.name = 1", "!t:1: attempt to index a non-table object(nil) with key 'name'"),
        ("return nothing.name", "!t:1: attempt to index a non-table object(nil) with key 'name'"),
        ("local x return x[1]", "!t:1: attempt to index a non-table object(nil) with key '1'"),
        ("local x, k = 5, 2.5 return x[k]", "!t:1: attempt to index a non-table object(number) with key '2.5'"),
        ("local x = true return x[false]", "!t:1: attempt to index a non-table object(boolean) with key 'false'"),
        ("local x = print return x:go()", "!t:1: attempt to index a non-table object(nil) with key 'go'"),
        ("local x = {} return x.a.b", "!t:1: attempt to index a non-table object(nil) with key 'b'"),
        ("local x x[{}] = 1", "!t:1: attempt to index a non-table object(nil) with key 'table'"),
        ("nothing()", "!t:1: attempt to call a non-function object"),
        ("local t = {} t.x()", "!t:1: attempt to call a non-function object"),
        ("local t = {} t:x()", "!t:1: attempt to call a non-function object"),
        ("('x')()", "!t:1: attempt to call a non-function object"),
        ("return pcall(nil)", "false attempt to call a nil value"),
        ("return pcall({})", "false attempt to call a table value"),
        ("return nil + 1", "!t:1: cannot perform add operation between nil and number"),
        ("return 1 - {}", "!t:1: cannot perform sub operation between number and table"),
        ("return {} * 1", "!t:1: cannot perform mul operation between table and number"),
        ("return 1 / nil", "!t:1: cannot perform div operation between number and nil"),
        ("return true % 1", "!t:1: cannot perform mod operation between boolean and number"),
        ("return {} ^ 1", "!t:1: cannot perform pow operation between table and number"),
        ("return nil // 1", "!t:1: attempt to perform arithmetic on a nil value"),
        ("local x return 1 // x", "!t:1: attempt to perform arithmetic on a nil value"),
        ("return 'a' .. nil", "!t:1: cannot perform concat operation between string and nil"),
        ("return {} .. 'a'", "!t:1: cannot perform concat operation between table and string"),
        ("return 1 < nil", "!t:1: attempt to compare number with nil"),
        ("return 'a' < 1", "!t:1: attempt to compare string with number"),
        ("return #nil", "!t:1: __len undefined"),
        ("return -{}", "!t:1: __unm undefined"),
        ("return -nil", "!t:1: __unm undefined"),
        ("local t = {} t[nil] = 1", "!t:1: table index is nil"),
        (
            "local t = setmetatable({}, {__name = 'Thing'}) return t + 1",
            "!t:1: cannot perform add operation between table and number",
        ),
        (
            "local t = {} for i = 1, 3000 do t = setmetatable({}, {__index = t}) end return t.x",
            "!t:1: too many recursions in gettable",
        ),
        (
            "local t = {} for i = 1, 3000 do t = setmetatable({}, {__newindex = t}) end t.x = 1",
            "!t:1: too many recursions in settable",
        ),
        ("local function f() return 1 + f() end local ok, e = pcall(f) return ok, e", "false t:1: stack overflow"),
        ("local function f(n) return n == 0 and 0 or 1 + f(n - 1) end return f(15000)", "15000"),
        (
            "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end
          local ok, e = pcall(function() return t.x end) return ok, (e:find('stack overflow'))",
            "false 6",
        ),
        ("local s = string.rep('x', 300) .. '(' return select(2, pcall(string.find, s, s))", "unfinished capture"),
        (
            "local s = ('a'):rep(40) return pcall(string.find, s, ('a?'):rep(40) .. ('a'):rep(40) .. 'b')",
            "false pattern too complex",
        ),
        (
            "local s = ('a'):rep(30) local ok, e = pcall(string.find, s, ('a*'):rep(30) .. 'b') return ok, e",
            "false pattern too complex",
        ),
    ]);
}

#[test]
fn positions_and_arguments() {
    check(&[
        ("string.rep()", "!t:1: bad argument #1 to rep (string expected, got nil)"),
        ("string.rep('x', {})", "!t:1: bad argument #2 to rep (number expected, got table)"),
        ("('x'):rep({})", "!t:1: bad argument #2 to rep (number expected, got table)"),
        ("local x = 'x' x:rep()", "!t:1: bad argument #2 to rep (number expected, got nil)"),
        ("return pcall(string.rep)", "false bad argument #1 to rep (string expected, got nil)"),
        (
            "return select(2, pcall(string.rep, setmetatable({}, {__name = 'X'}), 1))",
            "bad argument #1 to rep (string expected, got table)",
        ),
        ("setmetatable(1, {})", "!t:1: bad argument #1 to setmetatable (table expected, got number)"),
        ("math.floor('x')", "!t:1: bad argument #1 to floor (number expected, got string)"),
        ("error('boom')", "!t:1: boom"),
        ("error('boom', 0)", "!boom"),
        ("local function f()\n error('boom', 2)\nend\nf()", "!t:4: boom"),
        ("error()", "!t:1: bad argument #1 to error (value expected)"),
        ("local ok, e = pcall(error, nil) return ok, e", "false nil"),
        ("local ok, e = pcall(error, {code = 7}) return e.code", "7"),
        ("local ok, e = pcall(error, err) return e == err", "true"),
        // R4a, V41, V88
        ("return string.find(err, 'full'), string.len(err), string.upper(err)", "6 9 DISK FULL"),
        (
            "return string.match(err, '%w+'), table.concat({'a', err, 1}, ', '), tostring(err)",
            "disk a, disk full, 1 disk full",
        ),
        ("return string.len(12.0), ('x'):rep(2.9), string.sub('hello', 2, 1/0)", "2 xx ello"),
        ("return string.sub('hello', 1, math.huge)", "hello"),
        ("table.concat({1, 2}, 5)", "!t:1: bad argument #2 to concat (string expected, got number)"),
        ("return string.len({})", "!t:1: bad argument #1 to len (string expected, got table)"),
    ]);
    let vm = own_vm();
    let long = "app.services.with.a.rather.long.namespace.for.testing:and_a_name_that_is_long_too";
    let name = std::ffi::CString::new(format!("={long}")).unwrap();
    for chunk in ["local x\nreturn x.y", "local x\nerror('boom')", "x = \n = 1"] {
        // SAFETY: live state, used by this thread.
        let text = unsafe {
            lua_settop(vm.state(), 0);
            if luaL_loadbufferx(vm.state(), chunk.as_ptr().cast(), chunk.len(), name.as_ptr(), c"t".as_ptr()) == LUA_OK
            {
                assert_ne!(lua_pcall(vm.state(), 0, 0, 0), LUA_OK);
            }
            support::text(vm.state(), -1)
        };
        assert!(text.starts_with(&format!("{long}:2: ")), "{text}");
    }
}

#[test]
fn base_functions() {
    check(&[
        // V84
        ("return assert(1, 2, 3)", "1 2 3"),
        ("assert(false)", "!t:1: assertion failed!"),
        ("assert(nil, 'no disk')", "!t:1: no disk"),
        ("assert(nil, err)", "!t:1: bad argument #2 to assert (string expected, got userdata)"),
        ("assert(false, {})", "!t:1: bad argument #2 to assert (string expected, got table)"),
        ("assert(false, 5)", "!t:1: bad argument #2 to assert (string expected, got number)"),
        ("assert()", "!t:1: bad argument #1 to assert (value expected)"),
        ("return pcall(function(...) return ... end, 1, nil, 3)", "true 1 nil 3"),
        ("return pcall(error, 'x', 0)", "false x"),
        ("return xpcall(function(...) return select('#', ...) end, print or tostring, 1, 2)", "true 0"),
        ("return xpcall(function() error('x', 0) end, function(m) return 'H:' .. m end)", "false H:x"),
        (
            "local t = setmetatable({1, 2}, {__index = function() return 9 end}) local n = 0 for i, v in ipairs(t) do n = n + v end return n",
            "3",
        ),
        (
            "local t = setmetatable({1}, {__pairs = function() error('no') end}) for k, v in pairs(t) do return k, v end",
            "1 1",
        ),
        ("ipairs(nil)", "!t:1: bad argument #1 to ipairs (table expected, got nil)"),
        ("pairs(1)", "!t:1: bad argument #1 to pairs (table expected, got number)"),
        ("return next({}), next({5})", "nil 1 5"),
        ("local s = 0 for k, v in next, {1, 2, 3} do s = s + v end return s", "6"),
        ("local s = '' for k, v in pairs({1, 2, x = 3}) do s = s .. k end return s", "12x"),
        ("local t = {1, 2, 3} for k in pairs(t) do t[k] = nil end return next(t)", "nil"),
        // Loops take no call, with the same results.
        (
            "local n = 0 for i, v, a, b in ipairs({5, 6}) do n = n + i + v assert(a == nil and b == nil) end return n",
            "14",
        ),
        ("local n = 0 for i in ipairs({5, 6, nil, 7}) do n = n + i end return n", "3"),
        ("local n = 0 for k, v, a in pairs({5, x = 6}) do n = n + v assert(a == nil) end return n", "11"),
        (
            "local n = 0 for k in pairs({5, x = 6, [2.5] = 1, [true] = 1, [('l'):rep(50)] = 1}) do n = n + 1 end return n",
            "5",
        ),
        (
            "local t = {} for i = 1, 50 do t['k' .. i] = i t[i] = i end local n = 0
             for k in pairs(t) do t[k] = nil local g = ('x'):rep(30000) .. n n = n + 1 end return n, next(t)",
            "100 nil",
        ),
        ("local t = {x = 1, y = 2} for k in pairs(t) do t.x = nil t.y = nil t.z = nil end return next(t)", "nil"),
        ("for k in next, {}, 'gone' do end", "!t:1: invalid key to 'next'"),
        ("local x = tostring(1)\n\nlocal at = 2.0\nfor k in next, {1, 2, 3}, at do end", "!t:4: invalid key to 'next'"),
        ("local t, n = {[2.5] = 1, [-0.5] = 2, [1e300] = 3}, 0 for k, v in pairs(t) do n = n + v end return n", "6"),
        ("for k in next, nil do end", "!t:1: bad argument #1 to for iterator (table expected, got nil)"),
        (
            "local f = ipairs({}) for i in f, {1, 2}, 'x' do end",
            "!t:1: bad argument #2 to for iterator (number expected, got string)",
        ),
        ("local f = ipairs({}) local n = 0 for i, v in f, {1, 2, 3}, 1 do n = n * 10 + v end return n", "23"),
        ("local t = {1, 2, 3} for i in ipairs(t) do t[i + 2] = nil end return #t", "2"),
        ("local n = 0 for k, v in pairs(_G) do n = n + 1 end for k in next, _G do n = n - 1 end return n", "0"),
        ("return getmetatable({}), getmetatable(setmetatable({}, {__metatable = 'locked'}))", "nil locked"),
        ("setmetatable(setmetatable({}, {__metatable = 1}), {})", "!t:1: cannot change a protected metatable"),
        ("setmetatable(nil, {})", "!t:1: cannot set metatable to a nil object."),
        ("setmetatable({}, 1)", "!t:1: bad argument #2 to setmetatable (table expected, got number)"),
        ("return select('#', rawset({}, 1, 2)), rawget({5}, 1), rawequal('a', 'a')", "0 5 true"),
        ("local t = setmetatable({}, {__newindex = error}) rawset(t, 'x', 1) return t.x", "1"),
        ("rawset({}, nil, 1)", "!t:1: table index is nil"),
        ("return select('#'), select('#', 1, nil), select(2, 'a', 'b', 'c'), select(-1, 'a', 'b')", "0 2 b b"),
        ("return select(5, 1, 2)", ""),
        ("select(0)", "!t:1: bad argument #1 to select (index out of range)"),
        (
            "return tonumber('10'), tonumber(' 0x1F '), tonumber('1.5'), tonumber('x'), tonumber('')",
            "10 31 1.5 nil nil",
        ),
        (
            "return tonumber('ff', 16), tonumber('777', 8), tonumber('z', 36), tonumber('9', 8), tonumber('10', nil)",
            "255 511 35 nil 10",
        ),
        ("return tonumber(nil), tonumber(true), tonumber({}), tonumber('1.0e5'), tonumber(5)", "nil nil nil 100000 5"),
        ("return math.type(tonumber('3')), math.type(tonumber('ff', 16)), math.type(tonumber(3))", "float float float"),
        ("return tonumber('9007199254740993')", "9007199254740993"),
        ("tonumber()", "!t:1: bad argument #1 to tonumber (value expected)"),
        ("tonumber('1', 99)", "!t:1: bad argument #2 to tonumber (base out of range)"),
        ("return tostring(nil), tostring(true), tostring(1.5), tostring('x')", "nil true 1.5 x"),
        ("return tostring(setmetatable({}, {__tostring = function() return 'T' end}))", "T"),
        ("return (tostring(setmetatable({}, {__name = 'N'})):match('^%a+'))", "table"),
        (
            "return type(nil), type(1), type('x'), type({}), type(print or type), type(err), type(coroutine.create(function() end))",
            "nil number string table function userdata thread",
        ),
        ("type()", "!t:1: bad argument #1 to type (value expected)"),
        ("return unpack({1, 2, 3})", "1 2 3"),
        ("return unpack({1, 2, 3}, 2), unpack({1, 2, 3}, 2, 3), (table.unpack({7}))", "2 2 7"),
        ("return table.unpack({}, 1, 1e8)", "!t:1: too many results to unpack"),
        ("return _VERSION, _GOPHER_LUA_VERSION", "Lua 5.3 - Wippy Modification GopherLua 0.2 Wippy Edition"),
        (
            "return load, loadstring, loadfile, dofile, collectgarbage, rawlen, getfenv, setfenv, module, newproxy, debug, utf8, io",
            "nil nil nil nil nil nil nil nil nil nil nil nil nil",
        ),
    ]);
}

#[test]
fn tables() {
    check(&[
        ("return table.concat({}), table.concat({1, 'b', 2.5}, '-'), table.concat({1, 2, 3}, ',', 2), table.concat({1, 2, 3}, ',', 2, 2)", " 1-b-2.5 2,3 2"),
        ("table.concat({1, {}, 3})", "!t:1: invalid value (table) at index 2 in table for concat"),
        ("table.concat({1, nil, 3})", "!t:1: invalid value (nil) at index 2 in table for concat"),
        ("local t = {} table.insert(t, 'a') table.insert(t, 1, 'b') table.insert(t, 2, 'c') return table.concat(t)", "bca"),
        ("local t = {1} table.insert(t, 5, 'x') table.insert(t, 0, 'z') table.insert(t, -3, 'n') return t[5], t[0], t[-3], #t", "x z n 1"),
        ("table.insert({}, 1, 2, 3)", "!t:1: wrong number of arguments"),
        ("table.insert({})", "!t:1: wrong number of arguments"),
        ("table.insert(nil, 1)", "!t:1: bad argument #1 to insert (table expected, got nil)"),
        ("local t = {1, 2, 3} return table.remove(t), table.remove(t, 1), #t, t[1]", "3 1 1 2"),
        ("return table.remove({}), table.remove({1}, 5), table.remove({1, 2, 3}, 0)", "nil nil 3"),
        ("local t = {3, 1, 2} table.sort(t) return table.concat(t)", "123"),
        ("local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return table.concat(t)", "321"),
        ("local t = {} for i = 1, 200 do t[i] = i % 7 end table.sort(t, function() return true end) return #t", "200"),
        ("local t = {} for i = 1, 200 do t[i] = i % 7 end table.sort(t, function(a, b) return a <= b end) return #t", "200"),
        ("local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 1009 end table.sort(t) for i = 2, 1000 do assert(t[i-1] <= t[i]) end return 'ok'", "ok"),
        ("local t = {} for i = 1, 500 do t[i] = i end local n = 0 table.sort(t, function(a, b) n = n + 1 return n % 3 == 0 end)
          table.sort(t) for i = 1, 500 do assert(t[i] == i) end return 'nothing lost'", "nothing lost"),
        ("table.sort({1, 'x'})", "!t:1: attempt to compare string with number"),
        ("table.sort({1, 2}, 5)", "!t:1: bad argument #2 to sort (function expected, got number)"),
        ("return table.getn({1, 2}), table.maxn({1, [10] = 2, [2.5] = 1}), table.maxn({})", "2 10 0"),
        ("return #table.create(10), next(table.create(0, 5)), #table.create()", "0 nil 0"),
        ("table.create(-1)", "!t:1: bad argument #1 to create (out of range)"),
        ("return table.pack, table.move", "nil nil"),
        // V45
        ("local t = {1} return table.freeze(t) == t, table.isfrozen(t), table.isfrozen({})", "true true false"),
        ("local t = table.freeze({1}) t.x = 1", "!t:1: attempt to modify Immutable table"),
        ("rawset(table.freeze({}), 'x', 1)", "!t:1: attempt to modify Immutable table"),
        ("setmetatable(table.freeze({}), {})", "!t:1: attempt to modify Immutable table"),
        ("table.insert(table.freeze({}), 1)", "!t:1: attempt to insert into Immutable table"),
        ("table.insert(table.freeze({}), 1, 1)", "!t:1: attempt to insert into Immutable table"),
        ("table.remove(table.freeze({1}))", "!t:1: attempt to remove from Immutable table"),
        ("table.remove(table.freeze({}))", "!t:1: attempt to remove from Immutable table"),
        ("table.sort(table.freeze({1}))", "!t:1: attempt to sort Immutable table"),
        ("local t = table.freeze({{}}) t[1].x = 5 return t[1].x", "5"),
        ("local t = setmetatable(table.freeze(setmetatable({}, {__newindex = function() end})), nil)", "!t:1: attempt to modify Immutable table"),
        ("local t = table.freeze(setmetatable({}, {__newindex = function() end})) t.x = 1", "!t:1: attempt to modify Immutable table"),
        ("local base = {} local t = table.freeze(setmetatable({}, {__index = base})) base.x = 4 return t.x, #t", "4 0"),
        ("local t = table.freeze({}) local s = 0 for i = 1, 2 do if not pcall(function() t.a = i end) then s = s + 1 end end return s", "2"),
        ("table.x = 1", "!t:1: attempt to modify Immutable table"),
        ("math.pi = 3", "!t:1: attempt to modify Immutable table"),
        // V46
        ("return #{1, nil, 3}, #{nil, nil, 3}, #{1, 2, nil}, #{nil}, #{1, nil, 3, nil}", "3 3 2 0 3"),
        ("local t = {1, 2, 3, 4, 5} t[5] = nil t[4] = nil return #t", "3"),
        ("local t = {1, 2, 3} t[2] = nil return #t", "3"),
        ("local t = {} for i = 1, 100 do t[#t + 1] = i end for i = 1, 40 do t[#t] = nil end return #t, t[60], t[61]", "60 60 nil"),
        ("local t = {} for i = 1, 300000 do t[i] = i end for i = 300000, 2, -1 do assert(#t == i) t[i] = nil end return #t", "1"),
        // V55-V60
        ("local t = setmetatable({}, {__index = {x = 1}}) return t.x, rawget(t, 'x')", "1 nil"),
        ("local log = {} local t = setmetatable({}, {__newindex = log}) t.a = 1 return log.a, rawget(t, 'a')", "1 nil"),
        ("return setmetatable({}, {__call = function(self, a) return a + 1 end})(4)", "5"),
        ("local mt = {__eq = function() return true end} return setmetatable({}, mt) == setmetatable({}, mt)", "true"),
        ("local mt = {__lt = function() return true end} local a, b = setmetatable({}, mt), setmetatable({}, mt) return a < b, a <= b, a > b", "true false true"),
        ("local mt = {__add = function() return 'add' end, __concat = function() return 'cat' end, __len = function() return 7 end, __unm = function() return 'neg' end}
          local a = setmetatable({}, mt) return a + 1, 'x' .. a, #a, -a", "add cat 7 neg"),
        ("local mt = {__mod = function() return 'mod' end, __idiv = function() return 'idiv' end} local a = setmetatable({}, mt) return a % 2, a // 2", "mod idiv"),
        // V63
        ("local n = 0 for i = 1, 1000 do setmetatable({}, {__gc = function() n = n + 1 end}) end
          for i = 1, 20000 do local x = {i} end return n", "0"),
        ("local n = 0 do local mt = {__gc = 1, __close = 1} setmetatable({}, mt) n = n + mt.__gc end return n", "1"),
        ("local t = setmetatable({}, {__mode = 'v'}) t[1] = {} t.k = {} for i = 1, 20000 do local x = {i} end return type(t[1]), type(t.k)", "table table"),
        ("local n = 0 for i in function(_, i) i = (i or 0) + 1 if i < 4 then return i end end, nil, nil, 'not closable' do n = n + i end return n", "6"),
    ]);
}

#[test]
fn math_functions() {
    check(&[
        ("return math.abs(-5), math.abs(-2.5), math.abs(math.mininteger)", "5 2.5 -9223372036854775808"),
        ("return math.ceil(2.1), math.floor(2.9), math.floor(-2.1), math.ceil(-2.9), math.floor(5)", "3 2 -3 -2 5"),
        (
            "return math.type(math.floor(2.5)), math.type(math.abs(1)), math.type(math.max(1, 2)), math.floor(9007199254740993)",
            "float float float 9007199254740993",
        ),
        ("return math.max(1, 3, 2), math.min(4, 2.5, 9), math.max(-1), math.max('5', 2)", "3 2.5 -1 5"),
        ("math.max()", "!t:1: wrong number of arguments"),
        ("math.min()", "!t:1: wrong number of arguments"),
        ("return math.sqrt(16), math.exp(0), math.pow(2, 10), math.log(1), math.log10(1000)", "4 1 1024 0 3"),
        (
            "return math.sin(0), math.cos(0), math.tan(0), math.asin(0), math.acos(1), math.atan(0), math.atan2(0, 1)",
            "0 1 0 0 0 0 0",
        ),
        (
            "return math.sinh(0), math.cosh(0), math.tanh(0), math.deg(math.pi), math.rad(180) == math.pi",
            "0 1 0 180 true",
        ),
        (
            "return math.fmod(7, 3), math.fmod(-7, 3), math.mod(-7, 3), math.mod(7, 0), math.mod(7.5, 2)",
            "1 -1 2 NaN 1.5",
        ),
        ("return math.modf(3.7), math.modf(-3.25)", "3 -3 -0.25"),
        ("return math.frexp(8), math.ldexp(0.5, 4)", "0.5 8"),
        ("return select(2, math.frexp(8)), math.ldexp(1, 99999)", "4 +Inf"),
        (
            "return math.tointeger(3.0), math.tointeger(3.5), math.tointeger('8'), math.tointeger('x'), math.tointeger({})",
            "3 nil 8 nil nil",
        ),
        (
            "return math.type(math.tointeger(3.0)), math.type(1.5), math.type({}), math.ult(1, -1), math.ult(-1, 1)",
            "integer float nil true false",
        ),
        ("return math.pi", "3.141592653589793"),
        ("for i = 1, 1000 do local x = math.random() assert(x >= 0 and x < 1) end return 'ok'", "ok"),
        (
            "local seen = {} for i = 1, 1000 do local x = math.random(6) assert(x >= 1 and x <= 6 and x % 1 == 0) seen[x] = true end return #seen",
            "6",
        ),
        (
            "for i = 1, 1000 do local x = math.random(-3, 3) assert(x >= -3 and x <= 3) end return math.random(5, 5), math.type(math.random(3))",
            "5 float",
        ),
        ("math.random(0)", "!t:1: bad argument #1 to random (interval is empty)"),
        ("math.random(3, 1)", "!t:1: bad argument #2 to random (interval is empty)"),
        (
            "math.randomseed(5) return select('#', math.randomseed(5)), math.random(math.mininteger, math.maxinteger) ~= nil",
            "0 true",
        ),
    ]);
}

#[test]
fn a_failing_allocation_in_any_library_function_is_clean() {
    let chunk = "local parts = {}
        for i = 1, 30 do
            table.insert(parts, 1, string.format('%5.2f|%q|%-8s', i / 3, ('é'):rep(i % 5), string.upper('ß' .. i)))
        end
        table.sort(parts, function(a, b) return a < b end)
        local text = table.concat(parts, ',')
        local n = 0
        for w in text:gmatch('%d+') do n = n + #w end
        local packed = string.pack('z s4 <d', text, text, 1.5)
        local t = table.freeze({unpack(parts)})
        return n, #packed, #t, (text:gsub('%d', function(d) return d * 2 end)):len()";
    let plain = run(&own_vm(), chunk).unwrap();
    let empty = own_vm().memory().used();
    let (mut failed, mut done) = (0, 0);
    for room in (0..24 << 10).step_by(96) {
        let vm = own_vm();
        vm.memory().set_limit(empty + room);
        match run(&vm, chunk) {
            Ok(result) => {
                assert_eq!(result, plain);
                done += 1;
            }
            Err(text) => {
                assert_eq!(text, "not enough memory");
                failed += 1;
            }
        }
    }
    assert!(failed > 20 && done > 20, "{failed} failed, {done} done");
}

#[test]
fn stack_traces() {
    unsafe extern "C-unwind" fn traceback(l: *mut lua_State) -> c_int {
        // SAFETY: called by Lua.
        unsafe { wippy_lua_vm::sys::wippy_traceback(l, l, 1) };
        1
    }
    for (chunk, expected) in [
        (
            "local function deep()\n return (traceback())\nend\nlocal t = {f = function() return (deep()) end}\nreturn (t.f())",
            "stack traceback:\n\tt:2: in function 'deep'\n\tt:4: in function 'f'\n\tt:5: in main chunk\n\t[G]: ?",
        ),
        (
            "local function f() return (traceback()) end local function g() return f() end return (g())",
            "stack traceback:\n\tt:1: in function <t:1>\n\t(tailcall): ?\n\tt:1: in main chunk\n\t[G]: ?",
        ),
        (
            "local ok, s = pcall(function() return (traceback()) end) return s",
            "stack traceback:\n\tt:1: in function <t:1>\n\t[G]: in function 'pcall'\n\tt:1: in main chunk\n\t[G]: ?",
        ),
        (
            "local function f(n) if n == 0 then local _, lines = traceback():gsub('\\n', '') return (traceback():match('\\n\\t%.%.%.\\n') ~= nil), lines end return f(n - 1) end
             local function g(n) if n == 0 then return f(0) end local a, b = g(n - 1) return a, b end return g(100)",
            "true 18",
        ),
    ] {
        let vm = own_vm();
        // SAFETY: live state.
        unsafe { lua_register(vm.state(), c"traceback".as_ptr(), traceback) };
        assert_eq!(run(&vm, chunk).as_deref(), Ok(expected), "{chunk}");
    }
}

#[test]
fn the_lists_hold_every_name_of_the_reference() {
    for (library, names) in [
        (
            "string",
            "byte char dump find format gfind gmatch gsub len lower match pack packsize rep reverse sub unpack upper",
        ),
        ("table", "concat create freeze getn insert isfrozen maxn remove sort unpack"),
        (
            "math",
            "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max maxinteger min \
             mininteger mod modf pi pow rad random randomseed sin sinh sqrt tan tanh tointeger type ult",
        ),
        (
            "_G",
            "_GOPHER_LUA_VERSION _VERSION assert error getmetatable ipairs next pairs pcall rawequal rawget rawset select \
             setmetatable tonumber tostring type unpack xpcall",
        ),
    ] {
        let mut found: Vec<_> = library::entries(library).map(|(name, _)| name).collect();
        found.sort_unstable();
        assert_eq!(found.join(" "), names, "{library}");
    }
    assert_eq!(library::entries("io").count(), 0);
    assert!(matches!(library::find("math", "pi"), Some(library::Entry::Number(_))));
    assert!(library::find("string", "nothing").is_none());
}
