//! Shared chunks, tables and strings: identity, visibility, lifetime, threads.
//! The tests of this file take turns, since they look at process-wide counts.

mod support;

use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use support::{check, image, libraries, load, run, run_chunk, shared_vm, text};
use wippy_lua_vm::ffi::*;
use wippy_lua_vm::share::{Chunk, Constant, Globals, Image, Shared, Table, shared};
use wippy_lua_vm::{RawVm, sys};

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    libraries();
    turn
}

/// A shared table with the names in `members`, each with its own name as value.
fn table_of(members: &[&str]) -> Table {
    let vm = RawVm::new(usize::MAX).unwrap();
    let l = vm.state();
    // SAFETY: a state of our own that only builds a table.
    unsafe {
        lua_createtable(l, 0, members.len() as c_int);
        for name in members {
            lua_pushlstring(l, name.as_ptr().cast(), name.len());
            lua_pushvalue(l, -1);
            lua_rawset(l, -3);
        }
        Table::of(l, -1).unwrap()
    }
}

#[test]
fn texts_are_one_string_however_they_come_about() {
    let _alone = alone();
    check(&[
        (
            "local t = {order = 1} return t['or' .. 'der'], t[('xorderx'):sub(2, 6)], t[table.concat({'or', 'der'})]",
            "1 1 1",
        ),
        ("local k = 'fl' .. 'oor' return math[k](2.5), math.floor == math[k]", "2 true"),
        ("local t = {} t[('a'):rep(60)] = 1 local k = ('a'):rep(30) return t[k .. k], next(t) == k .. k", "1 true"),
        (
            "local long = 'a text of more than forty bytes, which is not interned' return long == long .. '', #long",
            "true 54",
        ),
        ("local mt = setmetatable({}, {['__in' .. 'dex'] = function(_, k) return k end}) return mt.x", "x"),
        ("local s = 'end' .. '' local t = {['end'] = 1, ['while'] = 2} return t[s], t['whi' .. 'le']", "1 2"),
        ("local e = select(2, pcall(error, 'not enough' .. ' memory')) return e == 'not enough memory'", "true"),
    ]);
}

#[test]
fn globals_are_an_ordinary_table() {
    let _alone = alone();
    check(&[
        ("return type(print), type(string), type(_G), _G == _G._G, _G.string == string", "nil table table true true"),
        ("x = 1 y = 2 x = x + 1 return x, y, _G.x, _G['y'], rawget(_G, 'x')", "2 2 2 2 2"),
        ("return rawget(_G, 'string') == string, rawget(_G, 'nothing'), rawget(_G, 1)", "true nil nil"),
        ("string = 5 return string, _G.string, rawget(_G, 'string'), ('x'):rep(2), type(math)", "5 5 5 xx table"),
        ("string = nil return string, _G.string, rawget(_G, 'string'), type(table)", "nil nil nil table"),
        ("x = 1 string = nil x = nil return x, string, type(table.concat)", "nil nil function"),
        ("rawset(_G, 'string', 7) return string, _G.string, type(table)", "7 7 table"),
        ("rawset(_G, 'string', nil) rawset(_G, 'z', 3) return string, z", "nil 3"),
        ("rawset(_G, 5, 'five') _G[6.5] = 1 return _G[5], _G[6.5], #_G, type(string)", "five 1 0 table"),
        (
            "mine = 1 local n, own, base = 0 for k, v in pairs(_G) do n = n + 1 if k == 'mine' then own = v end
          if k == 'string' then base = v == string end end return n > 20, own, base",
            "true 1 true",
        ),
        (
            "local seen = {} for k in pairs(_G) do assert(not seen[k], k) seen[k] = true end
          return seen._G, seen.string, seen.err, seen.pairs",
            "true true true true",
        ),
        ("local k = next(_G) return k ~= nil, _G[k] ~= nil", "true true"),
        (
            "for k in pairs(_G) do if k ~= 'next' and k ~= '_G' then _G[k] = nil end end
          local n, g = 0, _G for _ in next, g do n = n + 1 end return n, string",
            "2 nil",
        ),
        (
            "setmetatable(_G, {__index = function(_, k) return k .. '!' end}) return foo, type(string), type(_G)",
            "foo! table table",
        ),
        (
            "local log = {} setmetatable(_G, {__newindex = function(t, k, v) log[#log + 1] = k rawset(t, k, v) end})
          fresh = 1 string = 2 fresh = 3 return #log, log[1], fresh, string",
            "1 fresh 3 2",
        ),
        ("return getmetatable(_G)", "nil"),
        (
            "table.freeze(_G) local a = pcall(function() x = 1 end) local b = pcall(function() string = 1 end)
          local c = pcall(rawset, _G, 'string', 1) local n = 0 for k in pairs(_G) do n = n + 1 end
          return a, b, c, x, type(string), n > 20, pcall(rawset, _G, 'x', 1)",
            "false false false nil table true false attempt to modify Immutable table",
        ),
        ("local _ENV = {} return string", "nil"),
        ("local g = _G _G = nil return _G, g.string ~= nil, g._G", "nil true nil"),
        (
            "local function f() local function g() return string, undefined end return g() end return f() == string",
            "true",
        ),
        (
            "local t = setmetatable({}, {__index = _G}) return t.string == string, t._G == _G, t.nothing",
            "true true nil",
        ),
        (
            "local t = setmetatable({}, {__newindex = _G}) t.string = 1 t.fresh = 2 return string, fresh, rawget(t, 'fresh')",
            "1 2 nil",
        ),
        (
            "for i = 1, 200 do _G['v' .. i] = i end local n = 0 for i = 1, 200 do n = n + _G['v' .. i] end return n, type(string)",
            "20100 table",
        ),
    ]);
}

#[test]
fn a_shared_table_refuses_every_write() {
    let _alone = alone();
    for write in [
        "string.x = 1",
        "string.rep = 1",
        "string[1] = 2",
        "string[k] = 2",
        "string['rep'] = nil",
        "rawset(string, 'x', 1)",
        "rawset(string, 'rep', nil)",
        "rawset(string, 1, 1)",
        "setmetatable(string, {})",
        "setmetatable(string, nil)",
        "table.insert(string, 1)",
        "table.insert(string, 1, 1)",
        "table.remove(string)",
        "table.sort(string)",
        "local p = setmetatable({}, {__newindex = string}) p.rep = 5",
        "local p = setmetatable({}, {__newindex = string}) p.new = 5",
        "function string.f() end",
        "function string.rep() end",
        "for n in pairs(string) do string[n] = nil end",
        "local s = string table.freeze(s) s.x = 1",
        "('').x = 1",
    ] {
        let image = image(&format!(
            "local k = 2.5 local ok, e = pcall(function() {write} end)
             local n = 0 for _ in pairs(string) do n = n + 1 end
             return ok, n, ('ab'):rep(2), table.isfrozen(string), #string, e"
        ));
        let names = wippy_lua_vm::library::entries("string").count();
        let result = run_chunk(&shared_vm(&image.unwrap())).unwrap();
        assert!(result.starts_with(&format!("false {names} abab true 0 t:1: attempt to")), "{write}: {result}");
    }
}

#[test]
fn a_shared_table_refuses_writes_of_the_c_api() {
    unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
        // SAFETY: called by Lua with the table at 1 and the case at 2.
        unsafe {
            lua_pushstring(l, c"value".as_ptr());
            match lua_tointeger(l, 2) {
                0 => lua_setfield(l, 1, c"name".as_ptr()),
                1 => lua_setfield(l, 1, c"new".as_ptr()),
                2 => lua_seti(l, 1, 1),
                3 => lua_rawseti(l, 1, 1),
                4 => lua_rawsetp(l, 1, l.cast()),
                5 => {
                    lua_pushvalue(l, -1);
                    lua_rawset(l, 1);
                }
                6 => {
                    lua_pushvalue(l, -1);
                    lua_settable(l, 1);
                }
                7 => {
                    lua_createtable(l, 0, 0);
                    lua_setmetatable(l, 1);
                }
                _ => {
                    lua_createtable(l, 0, 0);
                    sys::wippy_setmetatable(l, 1);
                }
            }
        }
        0
    }
    let _alone = alone();
    let table = table_of(&["name", "other"]);
    for case in 0..9 {
        let image =
            image(&format!("local ok, e = pcall(function() write(shared, {case}) end) return ok, e, shared.name"));
        let vm = shared_vm(&image.unwrap());
        let l = vm.state();
        // SAFETY: live state.
        unsafe {
            lua_register(l, c"write".as_ptr(), write);
            assert!(table.push(l));
            // Neither thaws it, nor writes its flags.
            sys::wippy_thaw(l, -1);
            sys::wippy_markhash(l, -1);
            sys::wippy_freeze(l, -1);
            assert_eq!((sys::wippy_isfrozen(l, -1), sys::wippy_hashash(l, -1)), (1, 1));
            lua_setglobal(l, c"shared".as_ptr());
        }
        assert_eq!(run_chunk(&vm), Ok("false t:1: attempt to modify Immutable table name".into()), "case {case}");
    }
}

#[test]
fn only_what_is_constant_can_be_shared() {
    let _alone = alone();
    let vm = shared_vm(&image("return 1").unwrap());
    let l = vm.state();
    for (program, shareable) in [
        ("return {}", true),
        ("return {a = 1, b = 'text', c = 2.5, d = true, e = ('x'):rep(100), f = string}", true),
        ("return {f = pairs}", true),
        ("return {1, 2}", false),
        ("return {[1] = 1}", false),
        ("return {[true] = 1}", false),
        ("return {a = {}}", false),
        ("return {a = function() end}", false),
        ("return {a = coroutine.create(function() end)}", false),
        ("return setmetatable({}, {})", false),
        ("return 5", false),
        ("return function() end", false),
        ("return err", false),
    ] {
        // SAFETY: live state.
        unsafe {
            lua_settop(l, 0);
            load(l, program).unwrap();
            assert_eq!(lua_pcall(l, 0, 1, 0), LUA_OK, "{program}");
            assert_eq!(Globals::of(l, -1).is_some(), shareable, "{program}");
            if !program.contains("('x')") {
                assert_eq!(Table::of(l, -1).is_some(), shareable, "{program}");
            }
        }
    }
}

#[test]
fn a_vm_gets_no_table_younger_than_itself() {
    let _alone = alone();
    let old = shared_vm(&image("local t = ... return t.younger, t['youn' .. 'gest']").unwrap());
    // SAFETY: live state; the old VM has a string of its own with that text.
    unsafe { lua_pushstring(old.state(), c"youngest".as_ptr()) };
    let table = table_of(&["younger", "youngest"]);
    let constant = Constant::new(7u64, table);
    let l = old.state();
    // SAFETY: live states.
    unsafe {
        assert!(!table.fits(l) && !table.push(l) && !constant.push(l) && !table.set_for_strings(l));
        let new = RawVm::new(usize::MAX).unwrap();
        let l = new.state();
        lua_pushstring(l, c"youngest".as_ptr());
        assert!(table.push(l));
        lua_insert(l, -2);
        lua_rawget(l, -2);
        assert_eq!(text(l, -1), "youngest");
        assert!(constant.push(l) && table.set_for_strings(l));
        assert_eq!(*lua_touserdata(l, -1).cast::<u64>(), 7);
        lua_pushstring(l, c"text".as_ptr());
        assert_eq!(lua_getmetatable(l, -1), 1);
        assert_eq!(lua_rawequal(l, -1, 1), 1);
    }
    // Strings that become common do not disturb a VM that has its own.
    assert_eq!(
        run(&old, "local t = {youngest = 1} return t['young' .. 'est'], t[('youngest'):lower()]"),
        Ok("1 1".into())
    );
}

#[test]
fn records_of_one_shape_are_tables_of_their_own() {
    static SHAPE: OnceLock<Table> = OnceLock::new();
    unsafe extern "C-unwind" fn record(l: *mut lua_State) -> c_int {
        let shape = SHAPE.get().expect("the test has made it");
        // SAFETY: called by the VM with its live state; two values are there.
        unsafe {
            lua_settop(l, 2);
            assert!(shape.push_record(l, 2));
            assert_eq!(lua_gettop(l), 1);
        }
        1
    }
    let _alone = alone();
    let old = RawVm::new(usize::MAX).unwrap();
    let maker = RawVm::new(usize::MAX).unwrap();
    // SAFETY: live states.
    unsafe {
        load(maker.state(), "return {kind = 'a kind of record', first = 1, second = 2}").unwrap();
        lua_call(maker.state(), 0, 1);
        SHAPE.get_or_init(|| Table::of(maker.state(), -1).unwrap());
        lua_pushnil(old.state());
        assert!(!SHAPE.get().unwrap().push_record(old.state(), 1) && lua_gettop(old.state()) == 1);
    }
    let vm = shared_vm(&image("").unwrap());
    // SAFETY: live state.
    unsafe { lua_register(vm.state(), c"record".as_ptr(), record) };
    for (program, expected) in [
        (
            "local r = record(7, 'x') return r.kind, r.first, r.second, #r, table.isfrozen(r)",
            "a kind of record 7 x 0 false",
        ),
        (
            "local a, b = record(1, 2), record(3, 4) a.kind = 5 return a.kind, b.kind, a.first, b.first, a == b",
            "5 a kind of record 1 3 false",
        ),
        ("local n, r = 0, record({}, nil) for k, v in pairs(r) do n = n + 1 end return n, r.second", "2 nil"),
        // Grown, emptied and filled again.
        (
            "local r = record(1, 2) for i = 1, 100 do r[i] = i r['k' .. i] = i end
          r.kind, r.first, r.second = nil, nil, 3 local n = 0 for k in pairs(r) do n = n + 1 end return n, r.k77, #r",
            "201 77 100",
        ),
        // Kept and dropped while the collector runs; what is in a record stays with it.
        (
            "local kept = {} for i = 1, 20000 do kept[i % 100] = record({i}, tostring(i)) end
          local sum = 0 for _, r in pairs(kept) do sum = sum + r.first[1] - tonumber(r.second) end return sum, #kept",
            "0 99",
        ),
    ] {
        assert_eq!(run(&vm, program), Ok(expected.into()), "{program}");
    }
}

#[test]
fn a_string_of_code_that_becomes_common_stays_the_same() {
    let _alone = alone();
    let before =
        image("local t = {later_common = 1} return t['later_' .. 'common'], t[given], given == 'later_common'")
            .unwrap();
    let vm = shared_vm(&before);
    let table = table_of(&["later_common"]);
    for vm in [vm, shared_vm(&before)] {
        // SAFETY: live state.
        unsafe {
            lua_pushstring(vm.state(), c"later_common".as_ptr());
            lua_setglobal(vm.state(), c"given".as_ptr());
        }
        assert_eq!(run_chunk(&vm), Ok("1 1 true".into()));
    }
    let after = image("return (...).later_common, (...)['later_' .. 'common']").unwrap();
    let vm = shared_vm(&after);
    let l = vm.state();
    // SAFETY: live state.
    unsafe {
        assert!(vm.push_chunk(l, 0) && !vm.push_chunk(l, 1));
        assert!(table.push(l));
        assert_eq!(lua_pcall(l, 1, 2, 0), LUA_OK);
        assert_eq!((text(l, -1), text(l, -2)), ("later_common".into(), "later_common".into()));
    }
}

/// Counts of what can be freed.
fn held(s: &Shared) -> (usize, usize, usize, usize, usize) {
    (s.bytes, s.strings, s.chunks, s.globals, s.sets)
}

#[test]
fn code_is_freed_with_the_last_that_holds_it() {
    let _alone = alone();
    let before = held(&shared());
    let chunk = |text: &str| Arc::new(Chunk::compile("t", text.as_bytes()).unwrap());
    let (a, b) =
        (chunk("local one, both = 'only a', 'both' return one .. both"), chunk("return 'both', ('b'):rep(99)"));
    let after_chunks = shared();
    assert_eq!((after_chunks.chunks, after_chunks.globals), (before.2 + 2, before.3));
    let image = Arc::new(Image::new(vec![a.clone(), b.clone()], Some(libraries().globals.clone())));
    drop(a);
    drop(b);
    let vm = RawVm::of(image.clone(), usize::MAX).unwrap();
    let other = RawVm::of(image, usize::MAX).unwrap();
    assert_eq!(run_chunk(&vm), Ok("only aboth".into()));
    drop(vm);
    assert_eq!(shared().chunks, before.2 + 2);
    assert_eq!(run_chunk(&other), Ok("only aboth".into()));
    drop(other);
    assert_eq!(held(&shared()), before);
    // Globals of one program, with names of its own.
    let vm = shared_vm(&self::image("return 1").unwrap());
    // SAFETY: live state.
    unsafe {
        lua_createtable(vm.state(), 0, 2);
        lua_pushinteger(vm.state(), 1);
        lua_setfield(vm.state(), -2, c"an alias of this program".as_ptr());
        let globals = Globals::of(vm.state(), -1).unwrap();
        assert_eq!(shared().globals, before.3 + 1);
        drop(globals);
    }
    drop(vm);
    assert_eq!(held(&shared()), before);
    assert!(matches!(Chunk::compile("t", b"return return"), Err(e) if e.0.starts_with("t:1: ")));
    assert!(Chunk::compile("a\0b", b"return 1").is_err());
    assert_eq!(held(&shared()), before);
}

#[test]
fn a_thousand_reloads_leave_nothing_behind() {
    let _alone = alone();
    let source = |version: usize| {
        format!(
            "local version, name_{version} = 'v{version}', 'a longer text that belongs to version {version} of this code'
             local M = {{}} function M.method_{version}(x) local inner_{version} = x return function() return inner_{version} end end
             return M.method_{version}(#version)()"
        )
    };
    let mut cached = image(&source(0)).unwrap();
    let mut running = vec![shared_vm(&cached)];
    let base = held(&shared());
    let mut peak = 0;
    for version in 1..=1000 {
        cached = image(&source(version)).unwrap();
        // One process of the version before is still there while the new one runs.
        let vm = shared_vm(&cached);
        assert_eq!(run_chunk(&vm), Ok(format!("{}", format!("v{version}").len())));
        running.push(vm);
        running.remove(0);
        peak = peak.max(shared().bytes);
    }
    let now = held(&shared());
    assert!(peak < base.0 + 16384, "{} bytes, at most {peak}", base.0);
    // The last version is there instead of the first; its texts are a few digits longer.
    assert!(now.0 < base.0 + 512, "{base:?} became {now:?}");
    assert_eq!((now.1, now.2, now.3, now.4), (base.1, base.2, base.3, base.4));
}

const STRESS: &str = "local t = {}
    for i = 1, 600 do t['k' .. i] = {order = 'order.create', n = i, s = ('x'):rep(i % 50)} end
    for i = 1, 600, 3 do t['k' .. i] = nil end
    local c = 0
    for k, v in pairs(t) do c = c + v.n assert(v.order == ('order.' .. 'create') and k == 'k' .. v.n and #v.s == v.n % 50) end
    local m = setmetatable({}, {__index = function(_, k) return k .. '!' end, __add = function() return 7 end})
    assert(m.foo == 'foo!' and m + 1 == 7)
    local ok, e = pcall(function() local x = nil return x.y end)
    assert(not ok and e:find(\"with key 'y'\", 1, true))
    local co = coroutine.wrap(function(a) local b = coroutine.yield(a .. 'order') return string.format('%s|%d', b, 5) end)
    assert(co('re') == 'reorder' and co('b') == 'b|5')
    local fs = {} for i = 1, 50 do fs[i] = function() i = i + 1 return i end end
    for i = 1, 50 do assert(fs[i]() == i + 1 and fs[i]() == i + 2) end
    local plain = setmetatable({}, math) plain.x = 1 assert(plain.y == nil and #plain == 0 and plain ~= setmetatable({}, math))
    own_global = c string_copy = string
    return c, own_global";

fn stress_result() -> String {
    let c: i64 = (1..=600).filter(|i| i % 3 != 1).sum();
    format!("{c} {c}")
}

#[test]
fn collectors_leave_shared_objects_alone() {
    unsafe extern "C-unwind" fn step(l: *mut lua_State, _yieldable: c_int) -> c_int {
        // SAFETY: called by the VM with its live state.
        unsafe {
            lua_gc(l, LUA_GCSTEP, 1);
            sys::wippy_setfuel(l, 5);
        }
        0
    }
    let _alone = alone();
    let image = image(STRESS).unwrap();
    for (pause, speed, step_size) in [(10, 1000, 5), (200, 100, 13)] {
        for limit in [usize::MAX, 400 << 10] {
            let vm = shared_vm(&image);
            vm.memory().set_limit(limit);
            // SAFETY: live state.
            unsafe {
                lua_gc(vm.state(), LUA_GCINC, pause, speed, step_size);
                sys::wippy_setpreempt(vm.state(), Some(step));
                sys::wippy_setfuel(vm.state(), 5);
            }
            for _ in 0..3 {
                assert_eq!(run_chunk(&vm), Ok(stress_result()));
                let _unlimited = vm.memory().suspend();
                // SAFETY: live state.
                unsafe { lua_gc(vm.state(), LUA_GCCOLLECT) };
            }
        }
    }
    check(&[
        // Weak tables keep what is shared.
        ("local w = setmetatable({}, table.freeze({__mode = 'k'})) w[string] = 1 w.math = 2 w[{}] = 3 w['t' .. 'able'] = 4
          for i = 1, 2000 do local x = {i, i .. ''} end
          for i = 1, 20 do local big = ('x'):rep(100000) end
          local n = 0 for k in pairs(w) do if type(k) == 'table' and k ~= string then else n = n + 1 end end return n, w[string], w.table",
         "3 1 4"),
        ("local w = setmetatable({}, table.freeze({__mode = 'v'})) w[1] = string w[2] = {} w[3] = 'text' w[4] = math.floor
          for i = 1, 20 do local big = ('x'):rep(100000) end return w[1] == string, w[3], w[4] == math.floor", "true text true"),
        ("local ids = {} for i = 1, 10 do ids[tostring(string)] = true ids[tostring(table)] = true end
          local n = 0 for _ in pairs(ids) do n = n + 1 end return n, string == string, rawequal(string, table)", "2 true false"),
    ]);
}

#[test]
fn a_failing_allocation_in_a_vm_of_shared_code_is_clean() {
    let _alone = alone();
    let before = held(&shared());
    let (mut failed, mut done) = (0, 0);
    {
        let image = image(
            "local t = {} for i = 1, 20 do t[i] = {name = 'n' .. i, f = function() return i end} end
            local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(('x'):rep(i * 10)) end end)
            co() co() string = 5 local n = 0 for k in pairs(_G) do n = n + 1 end
            return #table.concat({co(), ('%5d|%s'):format(3, 'abc'):upper()}), n > 20",
        )
        .unwrap();
        let empty = shared_vm(&image).memory().used();
        for room in (0..20 << 10).step_by(16) {
            let vm = shared_vm(&image);
            vm.memory().set_limit(empty + room);
            match run_chunk(&vm) {
                Ok(text) => {
                    assert_eq!(text, "39 true");
                    done += 1;
                }
                Err(e) => {
                    assert_eq!(e, "not enough memory");
                    failed += 1;
                }
            }
        }
        for limit in (0..4000).step_by(16) {
            let _ = RawVm::of(image.clone(), limit);
        }
    }
    assert!(failed > 20 && done > 20, "{failed} failed, {done} done");
    assert_eq!(held(&shared()), before);
}

#[test]
fn threads_run_collect_and_kill_vms_while_code_is_reloaded() {
    let _alone = alone();
    let before = held(&shared());
    let programs = 5;
    let source = |program: usize, version: usize| {
        format!("local v_{program}_{version} = 'p{program}v{version}' {STRESS}, v_{program}_{version}")
    };
    let current: Vec<_> = (0..programs).map(|p| RwLock::new(image(&source(p, 0)).unwrap())).collect();
    let (published, runs) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (current, published, runs) = (&current, &published, &runs);
            scope.spawn(move || {
                let mut kept = Vec::new();
                for round in 0..25 {
                    let program = (thread + round) % programs;
                    if round % 4 == thread % 4 {
                        // Reload, and publish a table with names that programs use, too.
                        *current[program].write().unwrap() = image(&source(program, thread * 100 + round)).unwrap();
                        let n = published.fetch_add(1, Ordering::Relaxed) % 40;
                        table_of(&[&format!("k{n}"), "order", &format!("p{program}v{n}"), "own_global"]);
                    }
                    let image = current[program].read().unwrap().clone();
                    let vm = shared_vm(&image);
                    drop(image);
                    if round % 2 == 0 {
                        // SAFETY: live state.
                        unsafe { lua_gc(vm.state(), LUA_GCINC, 10, 1000, 5) };
                    }
                    match round % 5 {
                        // Killed in the middle by its limit.
                        0 => {
                            vm.memory().set_limit(vm.memory().used() + 40_000);
                            assert_eq!(run_chunk(&vm), Err("not enough memory".into()));
                        }
                        // Kept for a while, with its code.
                        1 => kept.push(vm),
                        _ => {
                            let result = run_chunk(&vm).unwrap();
                            assert!(result.starts_with(&stress_result()), "{result}");
                            runs.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    if kept.len() > 3 {
                        let old: RawVm = kept.remove(0);
                        assert!(run_chunk(&old).unwrap().starts_with(&stress_result()));
                    }
                }
            });
        }
    });
    assert_eq!(runs.load(Ordering::Relaxed), 8 * 15);
    drop(current);
    // The tables stay, and with them the strings that became common; everything of the code is gone.
    let now = shared();
    assert_eq!((now.chunks, now.globals, now.sets), (before.2, before.3, before.4));
    assert!(now.strings <= before.1 + 40 + 2 + 200, "{} strings became {}", before.1, now.strings);
}
