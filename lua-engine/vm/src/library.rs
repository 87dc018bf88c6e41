//! The standard libraries of the dialect as lists of names.
//!
//! A VM opens none of them by itself: that costs kilobytes. The engine makes
//! shared tables of these lists, or opens a whole library with [`open`]. What needs a scheduler (`print`, `require`,
//! `coroutine`, `os`) is the engine's own.
//!
//! Rules that make the `unsafe` sound: the C side keeps the lists in static,
//! constant memory with UTF-8 names.

use std::ffi::CStr;

use crate::ffi::{self, lua_CFunction, lua_State};
use crate::sys;

/// The libraries there are; `_G` holds the base functions and version strings.
pub const NAMES: [&str; 4] = ["_G", "string", "table", "math"];

/// What a name of a library stands for.
#[derive(Debug, Clone, Copy)]
pub enum Entry {
    /// A C function without upvalues.
    Function(lua_CFunction),
    /// A string constant.
    Text(&'static str),
    /// A float constant.
    Number(f64),
    /// An integer constant.
    Integer(i64),
}

impl Entry {
    /// Pushes the value. Needs one stack slot; only `Text` allocates (and may so
    /// raise a memory error).
    ///
    /// # Safety
    /// `state` is live and may be used by this thread.
    pub unsafe fn push(self, state: *mut lua_State) {
        // SAFETY: by contract.
        unsafe {
            match self {
                Entry::Function(f) => ffi::lua_pushcclosure(state, f, 0),
                Entry::Text(s) => {
                    ffi::lua_pushlstring(state, s.as_ptr().cast(), s.len());
                }
                Entry::Number(n) => ffi::lua_pushnumber(state, n),
                Entry::Integer(n) => ffi::lua_pushinteger(state, n),
            }
        }
    }
}

/// Every name of a library with its value; empty for an unknown library.
pub fn entries(library: &str) -> impl Iterator<Item = (&'static str, Entry)> {
    let mut count = 0;
    // SAFETY: the name is readable; the list is static with `count` items.
    let list = unsafe {
        let list = sys::wippy_library(library.as_ptr().cast(), library.len(), &mut count);
        if list.is_null() { &[] } else { std::slice::from_raw_parts(list, count) }
    };
    list.iter().map(|e| (text(e.name), entry(e)))
}

/// The value of `name` in a library. Compares names one by one: for lookups on
/// a hot path build a map from [`entries`] once.
pub fn find(library: &str, name: &str) -> Option<Entry> {
    entries(library).find(|(n, _)| *n == name).map(|(_, e)| e)
}

/// Sets every name of the library in the table on the top of the stack. May
/// raise a memory error.
///
/// # Safety
/// `state` is live, has a table on top and three free slots.
pub unsafe fn open(state: *mut lua_State, library: &str) {
    for (name, entry) in entries(library) {
        // SAFETY: by contract.
        unsafe {
            ffi::lua_pushlstring(state, name.as_ptr().cast(), name.len());
            entry.push(state);
            ffi::lua_rawset(state, -3);
        }
    }
}

fn entry(raw: &sys::RawEntry) -> Entry {
    match raw.function {
        Some(f) => Entry::Function(f),
        None if !raw.string.is_null() => Entry::Text(text(raw.string)),
        None if raw.isinteger != 0 => Entry::Integer(raw.integer),
        None => Entry::Number(raw.number),
    }
}

fn text(s: *const std::ffi::c_char) -> &'static str {
    // SAFETY: a static, terminated string of the C lists.
    unsafe { CStr::from_ptr(s) }.to_str().unwrap_or_default()
}
