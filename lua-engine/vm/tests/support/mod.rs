//! Runs Lua text in a raw VM and gives back what it returned as text.

#![allow(dead_code)] // each test binary uses its part

use std::ffi::c_int;
use std::ptr;

use wippy_lua_vm::ffi::*;
use wippy_lua_vm::{RawVm, sys};

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
    unsafe {
        lua_settop(l, 0);
        load(l, chunk)?;
        let mut results = 0;
        let mut rc = lua_resume(l, ptr::null_mut(), 0, &mut results);
        while rc == LUA_YIELD {
            assert_eq!(sys::wippy_ispreempted(l), 1, "{chunk} yielded by itself");
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
