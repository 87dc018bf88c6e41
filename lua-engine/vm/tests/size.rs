//! What a VM costs, and what one that waits gives back.

mod support;

use std::ffi::c_int;

use support::{image, load, shared_vm, text};
use wippy_lua_vm::ffi::*;
use wippy_lua_vm::{RawVm, sys};

/// Bytes of a fresh stack: 40 slots, and 5 for metamethods.
const STACK: usize = 45 * 16;

#[test]
fn a_new_vm_is_small() {
    let parts = [("states", 512), ("stack", STACK), ("registry", 56 + 3 * 16), ("globals", 56)];
    let planned: usize = parts.iter().map(|(_, bytes)| bytes).sum();
    let own = RawVm::new(usize::MAX).unwrap();
    let shared = RawVm::of(image("return 1").unwrap(), usize::MAX).unwrap();
    for vm in [own, shared] {
        assert!(vm.memory().used() <= planned, "{} bytes, at most {planned} are planned", vm.memory().used());
    }
}

#[test]
fn strings_are_found_however_many_there_are() {
    let vm = RawVm::new(usize::MAX).unwrap();
    let l = vm.state();
    let push = |i: usize| {
        let text = format!("own string {i}");
        // SAFETY: a live state with room.
        unsafe {
            lua_checkstack(l, 4);
            lua_pushlstring(l, text.as_ptr().cast(), text.len());
        }
    };
    // From the chain in the state to a block, and back to a small one.
    for count in [1, 2, 3, 100, 5, 1] {
        for i in 0..count {
            push(i);
        }
        for i in 0..count {
            push(i);
            // SAFETY: as above.
            unsafe {
                assert_eq!(lua_topointer(l, -1), lua_topointer(l, i as c_int + 1), "{i} of {count}");
                lua_settop(l, -2);
            }
        }
        // SAFETY: as above.
        unsafe {
            lua_settop(l, 0);
            for _ in 0..4 {
                lua_gc(l, LUA_GCCOLLECT);
            }
        }
    }
}

#[test]
fn a_basic_type_gets_a_metatable_of_this_vm_alone() {
    let (one, other) = (RawVm::new(usize::MAX).unwrap(), shared_vm(&image("return 1").unwrap()));
    // SAFETY: live states with room.
    unsafe {
        for vm in [&one, &other] {
            let l = vm.state();
            lua_pushinteger(l, 1);
            lua_createtable(l, 0, 1);
            lua_pushinteger(l, 7);
            lua_setfield(l, -2, c"__index".as_ptr());
            lua_setmetatable(l, -2);
            lua_gc(l, LUA_GCCOLLECT);
            assert_eq!(lua_getmetatable(l, -1), 1);
            lua_getfield(l, -1, c"__index".as_ptr());
            assert_eq!(text(l, -1), "7");
        }
        let (l, third) = (other.state(), shared_vm(&image("return 1").unwrap()));
        lua_pushstring(l, c"text".as_ptr());
        assert_eq!(lua_getmetatable(l, -1), 1, "the one of strings stays");
        lua_pushinteger(third.state(), 1);
        assert_eq!(lua_getmetatable(third.state(), -1), 0);
    }
}

#[test]
fn the_collector_stays_incremental() {
    let vm = RawVm::new(usize::MAX).unwrap();
    // SAFETY: a live state.
    unsafe {
        lua_gc(vm.state(), LUA_GCGEN, 0, 0);
        assert_eq!(lua_gc(vm.state(), LUA_GCINC, 0, 0, 0), LUA_GCINC);
    }
}

unsafe extern "C-unwind" fn wait(l: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with a live state, as its last deed.
    unsafe { lua_yield(l, 0) }
}

/// As `wait`, with a continuation that uses all the slots a C function is promised.
unsafe extern "C-unwind" fn wait_and_work(l: *mut lua_State) -> c_int {
    unsafe extern "C-unwind" fn work(l: *mut lua_State, _: c_int, _: isize) -> c_int {
        // SAFETY: 20 slots are promised, and tests check it.
        unsafe {
            for i in 0..20 - lua_gettop(l) {
                lua_pushinteger(l, i64::from(i));
            }
            lua_settop(l, 0);
            lua_pushinteger(l, 1);
        }
        1
    }
    // SAFETY: as above.
    unsafe { lua_yieldk(l, 0, 0, Some(work)) }
}

#[test]
fn a_vm_that_waits_gives_back_its_stack() {
    let programs = [
        ("local a, b = 1, 'x' local c = wait() return a .. b .. c", "1x1"),
        ("local function f(n) if n == 0 then return wait() end local r = f(n - 1) return r + 1 end return f(50)", "51"),
        ("local n = 5 local function up() n = n + 1 return n end local r = wait() return n + up() + r", "13"),
        ("local function g(...) local r = wait(...) return r, ... end return select('#', g(1, 2, 3, nil, 5))", "6"),
        ("local ok, r = pcall(function() return wait() + wait() end) return tostring(ok) .. r", "true2"),
        ("local ok = pcall(function() wait() error('x') end) return tostring(ok)", "false"),
        ("local t = setmetatable({}, { __add = function(a, b) return wait() + b end }) return t + 4", "5"),
        ("local n = 0 for _ = 1, 3 do n = n + wait() end return n", "3"),
    ];
    for (program, result) in programs {
        for waits in [wait as lua_CFunction, wait_and_work] {
            let vm = RawVm::new(usize::MAX).unwrap();
            let l = vm.state();
            // SAFETY: a live state; what is trimmed is restored before it goes on.
            unsafe {
                luaL_openlibs(l);
                lua_settop(l, 0);
                lua_register(l, c"wait".as_ptr(), waits);
                load(l, program).unwrap();
                let mut results = 0;
                let mut status = lua_resume(l, std::ptr::null_mut(), 0, &mut results);
                while status == LUA_YIELD {
                    lua_gc(l, LUA_GCCOLLECT);
                    let before = vm.memory().used();
                    sys::wippy_trimstack(l);
                    assert!(vm.memory().used() < before, "{program}");
                    assert_eq!(sys::wippy_restorestack(l), 1);
                    lua_gc(l, LUA_GCCOLLECT);
                    lua_pushinteger(l, 1);
                    status = lua_resume(l, std::ptr::null_mut(), 1, &mut results);
                }
                assert_eq!((status, text(l, -1).as_str()), (LUA_OK, result), "{program}");
            }
        }
    }
}

#[test]
fn a_vm_with_a_trimmed_stack_can_be_closed() {
    let vm = RawVm::new(usize::MAX).unwrap();
    let l = vm.state();
    // SAFETY: a live state.
    unsafe {
        luaL_openlibs(l);
        lua_settop(l, 0);
        lua_register(l, c"wait".as_ptr(), wait);
        load(l, "local n = 1 f = function() return n end setmetatable({}, { __gc = function() n = 2 end }) wait()")
            .unwrap();
        let mut results = 0;
        assert_eq!(lua_resume(l, std::ptr::null_mut(), 0, &mut results), LUA_YIELD);
        sys::wippy_trimstack(l);
    }
}

#[test]
fn only_a_vm_that_waits_is_trimmed() {
    let vm = RawVm::new(usize::MAX).unwrap();
    let before = vm.memory().used();
    // SAFETY: a live state.
    unsafe { sys::wippy_trimstack(vm.state()) };
    assert_eq!(vm.memory().used(), before);
}
