//! Fuel, read-only tables, the hash-part bit and the memory limit.

mod support;

use std::cell::Cell;
use std::ffi::c_int;

use support::{load, run, text};
use wippy_lua_vm::ffi::*;
use wippy_lua_vm::{RawVm, sys};

fn vm_with_libs(limit: usize) -> RawVm {
    let vm = RawVm::new(usize::MAX).unwrap();
    // SAFETY: fresh state, no limit yet, so nothing can raise.
    unsafe {
        luaL_openlibs(vm.state());
        lua_register(vm.state(), c"freeze".as_ptr(), freeze);
    }
    vm.memory().set_limit(limit);
    vm
}

unsafe extern "C-unwind" fn freeze(l: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with a live state.
    unsafe {
        sys::wippy_freeze(l, 1);
        assert_eq!(sys::wippy_isfrozen(l, 1), 1);
        lua_settop(l, 1);
    }
    1
}

thread_local! {
    static SLICES: Cell<u32> = const { Cell::new(0) };
    static DEFERRED: Cell<u32> = const { Cell::new(0) };
    static SLICE: Cell<c_int> = const { Cell::new(100) };
}

unsafe extern "C-unwind" fn preempt(l: *mut lua_State, yieldable: c_int) -> c_int {
    // SAFETY: called by the VM with its live state.
    unsafe { sys::wippy_setfuel(l, SLICE.get()) };
    let counter = if yieldable != 0 { &SLICES } else { &DEFERRED };
    counter.with(|c| c.set(c.get() + 1));
    1
}

#[test]
fn preemption_changes_no_result() {
    let programs = [
        "local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end return fib(20)",
        "local x = 0 for i = 1, 5000 do x = x + i % 7 end return x",
        "local x = 0 for i = 1.0, 500 do x = x + i end return math.tointeger(x)",
        "local i, s = 0, 0 while i < 3000 do i = i + 1 s = s + i end return s",
        "local i = 0 repeat i = i + 1 until i >= 3000 return i",
        "local i = 0 ::top:: i = i + 1 if i < 3000 then goto top end return i",
        "local n = 0 local t = {} for i = 1, 300 do t[i] = i end for k, v in pairs(t) do n = n + v end return n",
        "local ok, v = pcall(function() local x = 0 for i = 1, 3000 do x = x + 1 end return x end) return ok, v",
        "local ok, e = xpcall(function() for i = 1, 3000 do end error('boom', 0) end, function(m) return 'H' .. m end) return ok, e",
        "local mt = {__add = function(a, b) local x = 0 for i = 1, 3000 do x = x + 1 end return x end,
            __index = function(t, k) for i = 1, 3000 do end return k end}
         local t = setmetatable({}, mt) return t + 1, t.foo",
        "local function gen() local i = 0 return function() for j = 1, 300 do end i = i + 1 if i < 20 then return i end end end
         local n = 0 for i in gen() do n = n + i end return n",
        "local function v(...) local n = 0 for i = 1, select('#', ...) do n = n + select(i, ...) end return n, ... end
         local s = 0 for i = 1, 200 do s = s + select('#', v(1, 2, 3, (v(4, 5)))) end return s",
        "local t = {} for i = 1, 500 do t[i] = (i * 7919) % 503 end table.sort(t, function(a, b) return a < b end)
         for i = 2, #t do assert(t[i-1] <= t[i]) end return 'sorted'",
        "local n = 0 local s = ('x'):rep(200):gsub('x', function() for i = 1, 10 do n = n + 1 end end) return n",
        "local function loop(n, a) if n == 0 then return a end return loop(n - 1, a + 1) end return loop(5000, 0)",
        "local t = setmetatable({}, {__concat = function(a, b) for i = 1, 300 do end return 'c' end}) return 'a' .. 'b' .. t .. 'd'",
        "local t = setmetatable({}, {__lt = function() for i = 1, 300 do end return true end}) return t < t, t > t",
    ];
    for program in programs {
        let plain = run(&vm_with_libs(usize::MAX), program);
        for slice in [1, 2, 3, 7, 100] {
            let vm = vm_with_libs(usize::MAX);
            SLICE.set(slice);
            SLICES.set(0);
            DEFERRED.set(0);
            // SAFETY: live state.
            unsafe {
                sys::wippy_setpreempt(vm.state(), Some(preempt));
                sys::wippy_setfuel(vm.state(), slice);
            }
            assert_eq!(run(&vm, program), plain, "slice {slice}: {program}");
            assert!(SLICES.get() + DEFERRED.get() > 0, "never preempted: {program}");
        }
    }
}

#[test]
fn preemption_of_a_coroutine_reaches_whoever_resumed_it() {
    let vm = vm_with_libs(usize::MAX);
    let l = vm.state();
    // SAFETY: live state.
    unsafe {
        let co = lua_newthread(l);
        load(co, "for i = 1, 1000 do end coroutine.yield('own') for i = 1, 1000 do end return 'end'").unwrap();
        sys::wippy_setpreempt(l, Some(preempt));
        SLICE.set(100);
        sys::wippy_setfuel(l, 100);
        let (mut preempted, mut own, mut results) = (0, 0, 0);
        loop {
            match lua_resume(co, l, 0, &mut results) {
                LUA_YIELD if sys::wippy_ispreempted(co) == 1 => preempted += 1,
                LUA_YIELD => {
                    own += 1;
                    assert_eq!(text(co, -1), "own");
                    lua_settop(co, -results - 1);
                }
                rc => {
                    assert_eq!((rc, text(co, -1)), (LUA_OK, "end".to_owned()));
                    break;
                }
            }
        }
        assert!(preempted >= 18 && own == 1, "{preempted} {own}");
        sys::wippy_setfuel(l, 0);
        assert_eq!(sys::wippy_getfuel(l), 1, "a coroutine always moves");
    }
}

#[test]
fn results_survive_a_collector_that_never_rests() {
    let program = "local t = {} for i = 1, 300 do
            local s = string.format('%d:%s', i, ('x'):rep(i % 7)) t[s] = {i, s, function() return i end}
            t[#t + 1] = coroutine.wrap(function(a) local b = coroutine.yield(a .. s) return b, s end)
        end
        local n = 0
        for i = 1, #t do assert(t[i]('a'):sub(1, 1) == 'a') local b, s = t[i](i) n = n + b + #s end
        for k, v in pairs(t) do if type(v) == 'table' then assert(v[2] == k and v[3]() == v[1]) n = n + v[1] end end
        return n";
    let plain = run(&vm_with_libs(usize::MAX), program);
    for mode in ["collectgarbage('incremental', 10, 1000) ", "collectgarbage('incremental', 200, 100, 4) "] {
        for slice in [1, 50] {
            let vm = vm_with_libs(usize::MAX);
            // SAFETY: live state.
            unsafe {
                // Coroutines of the stock library would see the preemption.
                sys::wippy_setpreempt(vm.state(), Some(refuel));
                sys::wippy_setfuel(vm.state(), slice);
            }
            assert_eq!(run(&vm, &format!("{mode}{program}")), plain, "{mode}");
        }
    }

    unsafe extern "C-unwind" fn refuel(l: *mut lua_State, _yieldable: c_int) -> c_int {
        // SAFETY: called by the VM with its live state.
        unsafe {
            lua_gc(l, LUA_GCSTEP, 1);
            sys::wippy_setfuel(l, 5);
        }
        0
    }
}

#[test]
fn many_vms_run_on_many_threads() {
    let expected = "500500";
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                for _ in 0..50 {
                    let vm = vm_with_libs(1 << 20);
                    let chunk = "local t = {} for i = 1, 1000 do t['k' .. i] = i end local n = 0 for _, v in pairs(t) do n = n + v end return n";
                    assert_eq!(run(&vm, chunk).as_deref(), Ok(expected));
                }
            });
        }
    });
}

#[test]
fn mlua_runs_on_this_build() {
    let lua = mlua::Lua::new();
    let text: String = lua.load("return string.format('%s %d', 10 / 2, 3) .. table.concat({1, 2})").eval().unwrap();
    assert_eq!(text, "5 312");
    let error = lua.load("local x return x.y").exec().unwrap_err();
    assert!(error.to_string().contains("non-table object(nil) with key 'y'"), "{error}");
}

#[test]
fn an_endless_loop_of_any_shape_is_preempted() {
    for program in [
        "while true do end",
        "repeat until false",
        "local i = 0 repeat i = i + 1 until i < 0",
        "::a:: goto a",
        "for i = 1, math.maxinteger do end",
        "for i = 1.0, math.huge do end",
        "for _ in function() return 1 end do end",
        "local function f() return f() end f()",
        "local f = function() end while true do f() end",
        "while true do pcall(error) end",
    ] {
        let vm = vm_with_libs(usize::MAX);
        let l = vm.state();
        SLICE.set(10_000);
        // SAFETY: live state.
        unsafe {
            sys::wippy_setpreempt(l, Some(preempt));
            sys::wippy_setfuel(l, 10_000);
            load(l, program).unwrap();
            let mut results = 0;
            for _ in 0..5 {
                assert_eq!(lua_resume(l, std::ptr::null_mut(), 0, &mut results), LUA_YIELD, "{program}");
                assert_eq!(sys::wippy_ispreempted(l), 1);
            }
        }
    }
}

#[test]
fn the_preemption_function_may_raise() {
    unsafe extern "C-unwind" fn kill(l: *mut lua_State, _yieldable: c_int) -> c_int {
        // SAFETY: called by the VM with room for a value.
        unsafe {
            sys::wippy_setfuel(l, 10);
            lua_pushstring(l, c"killed".as_ptr());
            lua_error(l)
        }
    }
    let vm = vm_with_libs(usize::MAX);
    // SAFETY: live state.
    unsafe {
        sys::wippy_setpreempt(vm.state(), Some(kill));
        sys::wippy_setfuel(vm.state(), 10);
    }
    assert_eq!(run(&vm, "while true do end"), Err("killed".into()));
    // SAFETY: live state.
    unsafe { sys::wippy_setpreempt(vm.state(), None) };
    assert_eq!(run(&vm, "for i = 1, 1000 do end return 'again'"), Ok("again".into()));
}

#[test]
fn a_frozen_table_refuses_every_write() {
    for write in [
        "t.x = 1",
        "t.new = 1",
        "t[1] = 2",
        "t[10] = 2",
        "t[k] = 2",
        "t['x'] = nil",
        "rawset(t, 'x', 1)",
        "rawset(t, 1, 1)",
        "setmetatable(t, {})",
        "setmetatable(t, nil)",
        "table.insert(t, 1)",
        "table.remove(t)",
        "table.sort(t, function(a, b) return a < b end)",
        "u.x = 1",
        "local p = setmetatable({}, {__newindex = t}) p.x = 5",
        "local p = setmetatable({}, {__newindex = t}) p.new = 5",
        "function t.f() end",
        "_G.x = 1 _G = t x = 1 t.x = 1",
    ] {
        let vm = vm_with_libs(usize::MAX);
        let program = format!(
            "k = 2.5 local t = freeze({{x = 0, 7, 5, 3, [2.5] = 1}}) local k = 2.5 u = t
             local ok, e = pcall(function() {write} end)
             local n = 0 for _ in pairs(t) do n = n + 1 end
             return ok, e, t.x, t[1], t[2], t[3], n"
        );
        let result = run(&vm, &program).unwrap();
        assert!(
            result.starts_with("false t:") && result.contains("attempt to modify Immutable table"),
            "{write}: {result}"
        );
        assert!(result.ends_with(" 0 7 5 3 5"), "{write}: {result}");
    }
}

#[test]
fn a_frozen_table_refuses_writes_of_the_c_api() {
    unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
        // SAFETY: called by Lua with the table at 1 and the case at 2.
        unsafe {
            lua_pushinteger(l, 9);
            match lua_tointeger(l, 2) {
                0 => lua_setfield(l, 1, c"x".as_ptr()),
                1 => lua_setfield(l, 1, c"y".as_ptr()),
                2 => lua_seti(l, 1, 1),
                3 => lua_seti(l, 1, 100),
                4 => {
                    lua_pushinteger(l, 9);
                    lua_settable(l, 1);
                }
                5 => lua_rawseti(l, 1, 1),
                6 => lua_rawsetp(l, 1, l.cast()),
                7 => {
                    lua_pushinteger(l, 9);
                    lua_rawset(l, 1);
                }
                _ => {
                    lua_createtable(l, 0, 0);
                    lua_setmetatable(l, 1);
                }
            }
        }
        0
    }
    let vm = vm_with_libs(usize::MAX);
    // SAFETY: live state.
    unsafe { lua_register(vm.state(), c"write".as_ptr(), write) };
    for case in 0..9 {
        let program = format!("local t = freeze({{1, x = 1}}) return pcall(write, t, {case}), #t, t.x");
        assert_eq!(run(&vm, &program), Ok("false 1 1".into()), "case {case}");
        let program =
            format!("local t = freeze({{1, x = 1}}) return select(2, pcall(function() write(t, {case}) end))");
        assert_eq!(run(&vm, &program), Ok("t:1: attempt to modify Immutable table".into()), "case {case}");
    }
}

#[test]
fn freezing_survives_collection() {
    let vm = vm_with_libs(usize::MAX);
    let program = "local t = freeze({1})
         for i = 1, 20 do for j = 1, 500 do local x = {j} end collectgarbage(i % 2 == 0 and 'step' or 'collect') end
         return pcall(function() t[1] = 2 end)";
    assert!(run(&vm, program).unwrap().starts_with("false"));
}

#[test]
fn a_table_knows_whether_it_ever_had_a_hash_part() {
    unsafe extern "C-unwind" fn hashash(l: *mut lua_State) -> c_int {
        // SAFETY: called by Lua with an argument.
        unsafe { lua_pushboolean(l, sys::wippy_hashash(l, 1)) };
        1
    }
    let vm = vm_with_libs(usize::MAX);
    let l = vm.state();
    // SAFETY: live state.
    unsafe {
        lua_register(l, c"hashash".as_ptr(), hashash);
        lua_createtable(l, 0, 1);
        lua_setglobal(l, c"record".as_ptr());
        lua_createtable(l, 4, 0);
        lua_setglobal(l, c"list".as_ptr());
    }
    for (program, expected) in [
        ("return hashash({})", "false"),
        ("return hashash({1, 2, 3})", "false"),
        ("return hashash({x = 1})", "true"),
        ("local t = {} t.x = 1 t.x = nil return hashash(t)", "true"),
        ("local t = {} t.x = 1 t.x = nil for i = 1, 100 do t[i] = i end return hashash(t)", "true"),
        ("local t = {} for i = 1, 100 do t[i] = i end return hashash(t)", "false"),
        (
            "local t = {} for i = 1, 100 do t[#t + 1] = i end for i = 1, 100 do t[#t] = nil end return hashash(t)",
            "false",
        ),
        ("local t = {} table.insert(t, 1) table.remove(t) return hashash(t)", "false"),
        ("return hashash(record), hashash(list)", "true false"),
        ("return hashash(1), hashash(nil)", "false false"),
    ] {
        assert_eq!(run(&vm, program), Ok(expected.into()), "{program}");
    }
}

#[test]
fn the_memory_limit_is_a_clean_error() {
    let programs = [
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local s = 'x' while true do s = s .. s end",
        "return string.rep('x', 1 << 30)",
        "local t = {} for i = 1, 1e9 do t[i] = {i} end",
        "local t = {} for i = 1, 1e9 do t[i] = function() return i end end",
        "local t = {} for i = 1, 30000 do t[i] = ('x'):rep(1000) end return table.concat(t)",
        "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(print) end",
        "local t = {} for i = 1, 1e9 do t['k' .. i] = i end",
    ];
    for program in programs {
        for limit in [256 << 10, 4 << 20] {
            let vm = vm_with_libs(limit);
            assert_eq!(run(&vm, program), Err("not enough memory".into()), "{program}");
            assert_eq!(vm.memory_errors(), 1, "{program}");
            assert!(vm.memory().peak() <= limit);
            // The VM is usable afterwards.
            // SAFETY: live state, not running.
            unsafe { lua_gc(vm.state(), LUA_GCCOLLECT) };
            assert_eq!(run(&vm, "local t = {} for i = 1, 100 do t[i] = ('x'):rep(i) end return #t"), Ok("100".into()));
            assert_eq!(vm.memory_errors(), 1);
        }
    }
    let vm = vm_with_libs(256 << 10);
    assert_eq!(run(&vm, "for i = 1, 100000 do local t = {i, i, i} end return 'fine'"), Ok("fine".into()));
    assert_eq!(vm.memory_errors(), 0, "garbage is collected before an error is raised");
    let caught = run(&vm, "local ok, e = pcall(string.rep, 'x', 1 << 30) return ok, e");
    assert_eq!(caught, Ok("false not enough memory".into()));
    assert_eq!(vm.memory_errors(), 1, "the host sees it even when the program caught it");
}

#[test]
fn a_suspended_limit_refuses_nothing_but_is_seen() {
    let vm = vm_with_libs(64 << 10);
    {
        let _unlimited = vm.memory().suspend();
        // SAFETY: live state.
        unsafe {
            lua_createtable(vm.state(), 100_000, 0);
            lua_setglobal(vm.state(), c"big".as_ptr());
        }
    }
    assert!(vm.memory().is_over());
}

#[test]
fn a_failing_allocation_anywhere_leaks_nothing() {
    let program = "local t = {} for i = 1, 20 do t[i] = {name = 'n' .. i, f = function() return i end} end
        local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(('x'):rep(i * 10)) end end)
        co() co() return #table.concat({co(), string.format('%5d|%s', 3, 'abc'):upper()})";
    let (mut failed, mut done) = (0, 0);
    for limit in (16 << 10..48 << 10).step_by(64) {
        let vm = vm_with_libs(limit);
        match run(&vm, program) {
            Ok(_) => done += 1,
            Err(e) => {
                assert_eq!(e, "not enough memory");
                failed += 1;
            }
        }
    }
    assert!(failed > 10 && done > 10, "{failed} failed, {done} done");
    for limit in (0..8000).step_by(40) {
        let _ = RawVm::new(limit);
    }
}

#[test]
fn the_main_thread_yields_and_resumes_again_and_again() {
    let vm = vm_with_libs(usize::MAX);
    let l = vm.state();
    // SAFETY: live state.
    unsafe {
        for round in 0..3 {
            lua_settop(l, 0);
            load(l, "local a, b = ... local c = coroutine.yield(a + b) return c * 2").unwrap();
            lua_pushinteger(l, 3);
            lua_pushinteger(l, round);
            let mut results = 0;
            assert_eq!(lua_resume(l, std::ptr::null_mut(), 2, &mut results), LUA_YIELD);
            assert_eq!((results, text(l, -1)), (1, (3 + round).to_string()));
            assert_eq!(sys::wippy_ispreempted(l), 0);
            lua_settop(l, -2);
            lua_pushinteger(l, 21);
            assert_eq!(lua_resume(l, std::ptr::null_mut(), 1, &mut results), LUA_OK);
            assert_eq!((results, text(l, -1)), (1, "42".into()));
        }
    }
}
