//! Runs Lua text in a raw VM and gives back what it returned as text.

#![allow(dead_code)] // each test binary uses its part

use std::ffi::{CString, c_int};
use std::ptr;
use std::sync::{Arc, OnceLock};

use wippy_lua_vm::ffi::*;
use wippy_lua_vm::share::{Chunk, Globals, Image, Table};
use wippy_lua_vm::{RawVm, library, sys};

/// The text `tostring` gives for the value at `idx`.
pub fn text(l: *mut lua_State, idx: c_int) -> String {
    // SAFETY: the test's live state; the string is copied before it is popped.
    unsafe {
        let mut len = 0;
        lua_checkstack(l, 8); // after an error the stack is full to its top
        let s = luaL_tolstring(l, idx, &mut len);
        let text = String::from_utf8_lossy(std::slice::from_raw_parts(s.cast(), len)).into_owned();
        lua_settop(l, -2);
        text
    }
}

/// Loads `chunk` on top of the stack, as the chunk `t`.
pub fn load(l: *mut lua_State, chunk: &str) -> Result<(), String> {
    // SAFETY: live state, the buffer outlives the call.
    unsafe {
        let rc = luaL_loadbufferx(l, chunk.as_ptr().cast(), chunk.len(), c"=t".as_ptr(), c"t".as_ptr());
        if rc == LUA_OK { Ok(()) } else { Err(text(l, -1)) }
    }
}

/// Runs `chunk` on the main thread until it ends, resuming it whenever it is
/// preempted. Results joined by one space, or the text of the error.
pub fn run(vm: &RawVm, chunk: &str) -> Result<String, String> {
    let l = vm.state();
    // SAFETY: live state used by this thread only.
    unsafe { lua_settop(l, 0) };
    load(l, chunk)?;
    drive(vm)
}

/// Runs the first chunk of the image of `vm`, as [`run`].
pub fn run_chunk(vm: &RawVm) -> Result<String, String> {
    let l = vm.state();
    let _unlimited = vm.memory().suspend();
    // SAFETY: live state used by this thread only, which cannot raise now.
    unsafe {
        lua_settop(l, 0);
        assert!(vm.push_chunk(l, 0));
    }
    drop(_unlimited);
    drive(vm)
}

/// Runs the function on the stack.
fn drive(vm: &RawVm) -> Result<String, String> {
    let l = vm.state();
    // SAFETY: live state used by this thread only.
    unsafe {
        let mut results = 0;
        let mut rc = lua_resume(l, ptr::null_mut(), 0, &mut results);
        while rc == LUA_YIELD {
            assert_eq!(sys::wippy_ispreempted(l), 1, "it yielded by itself");
            assert_eq!(results, 0);
            rc = lua_resume(l, ptr::null_mut(), 0, &mut results);
        }
        if rc != LUA_OK {
            let message = text(l, -1);
            sys::lua_closethread(l, ptr::null_mut());
            return Err(message);
        }
        let out: Vec<String> = (1..=results).map(|i| text(l, lua_gettop(l) - results + i)).collect();
        lua_settop(l, 0);
        Ok(out.join(" "))
    }
}

/// Pushes a table with a library of the dialect, or the stock `coroutine`.
///
/// # Safety
/// A live state without limit.
unsafe fn push_library(l: *mut lua_State, name: &str) {
    // SAFETY: by contract.
    unsafe {
        if name == "coroutine" {
            luaopen_coroutine(l);
        } else {
            lua_createtable(l, 0, 32);
            library::open(l, name);
        }
    }
}

const LIBRARIES: [&str; 4] = ["string", "table", "math", "coroutine"];

/// A VM with the dialect's libraries of its own, `string` as metatable of
/// strings, and an Error object `err` as the engine makes them.
pub fn own_vm() -> RawVm {
    let vm = RawVm::new(usize::MAX).unwrap();
    let l = vm.state();
    // SAFETY: fresh state without limit.
    unsafe {
        lua_pushglobaltable(l);
        library::open(l, "_G");
        lua_pushvalue(l, -1);
        lua_setglobal(l, c"_G".as_ptr());
        for name in LIBRARIES {
            push_library(l, name);
            lua_pushvalue(l, -1);
            let key = CString::new(name).unwrap();
            lua_setfield(l, -3, key.as_ptr());
            if name == "string" {
                lua_pushstring(l, c"".as_ptr());
                lua_createtable(l, 0, 1);
                lua_pushvalue(l, -3);
                lua_setfield(l, -2, c"__index".as_ptr());
                lua_setmetatable(l, -2);
                lua_settop(l, -2);
            }
            sys::wippy_freeze(l, -1);
            lua_settop(l, -2);
        }
        set_error(l);
    }
    vm
}

/// # Safety
/// A live state without limit and with the globals table at 1.
unsafe fn set_error(l: *mut lua_State) {
    unsafe extern "C-unwind" fn message(l: *mut lua_State) -> c_int {
        // SAFETY: called by Lua.
        unsafe { lua_pushstring(l, c"disk full".as_ptr()) };
        1
    }
    // SAFETY: by contract.
    unsafe {
        lua_newuserdatauv(l, 1, 0);
        lua_createtable(l, 0, 3);
        lua_pushboolean(l, 1);
        lua_setfield(l, -2, c"__error".as_ptr());
        lua_pushcclosure(l, message, 0);
        lua_setfield(l, -2, c"__tostring".as_ptr());
        lua_setmetatable(l, -2);
        lua_setglobal(l, c"err".as_ptr());
        lua_settop(l, 0);
    }
}

/// What all VMs of these tests share.
pub struct Libraries {
    pub globals: Arc<Globals>,
    /// Metatable of strings.
    pub strings: Table,
}

/// The libraries of [`own_vm`], shared.
pub fn libraries() -> &'static Libraries {
    static LIBS: OnceLock<Libraries> = OnceLock::new();
    LIBS.get_or_init(|| {
        let vm = RawVm::new(usize::MAX).unwrap();
        let l = vm.state();
        let mut strings = None;
        // SAFETY: a state of our own that only builds tables.
        unsafe {
            lua_createtable(l, 0, 64);
            library::open(l, "_G");
            for name in LIBRARIES {
                push_library(l, name);
                let table = Table::of(l, -1).unwrap();
                lua_settop(l, -2);
                table.push_blind(l);
                let key = CString::new(name).unwrap();
                lua_setfield(l, -2, key.as_ptr());
                if name == "string" {
                    lua_createtable(l, 0, 1);
                    table.push_blind(l);
                    lua_setfield(l, -2, c"__index".as_ptr());
                    strings = Table::of(l, -1);
                    lua_settop(l, -2);
                }
            }
            Libraries { globals: Arc::new(Globals::of(l, -1).unwrap()), strings: strings.unwrap() }
        }
    })
}

/// An image of one chunk with the shared libraries.
pub fn image(chunk: &str) -> Result<Arc<Image>, String> {
    let globals = libraries().globals.clone();
    let chunk = Chunk::compile("t", chunk.as_bytes()).map_err(|e| e.0)?;
    Ok(Arc::new(Image::new(vec![Arc::new(chunk)], Some(globals))))
}

/// A VM of `image` as [`own_vm`], which shares all it can.
pub fn shared_vm(image: &Arc<Image>) -> RawVm {
    let vm = RawVm::of(image.clone(), usize::MAX).unwrap();
    // SAFETY: fresh state without limit.
    unsafe {
        assert!(libraries().strings.set_for_strings(vm.state()));
        lua_pushglobaltable(vm.state());
        set_error(vm.state());
    }
    vm
}

/// Runs each program in a VM with everything of its own and in one that shares code and libraries, and compares both
/// with what is expected; a text that starts with `!` is an error.
pub fn check(rows: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (chunk, expected) in rows {
        let shown = |result: Result<String, String>| result.unwrap_or_else(|text| format!("!{text}"));
        let own = shown(run(&own_vm(), chunk));
        let shared = shown(image(chunk).and_then(|image| run_chunk(&shared_vm(&image))));
        for (what, got) in [("own", own), ("shared", shared)] {
            if got != *expected {
                wrong.push_str(&format!("\n{chunk}\n  expected {expected}\n  got      {got} ({what})\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
