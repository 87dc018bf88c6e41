//! The Lua VM of wippy: Lua 5.4 built from unmodified upstream sources plus our
//! edits (`edits/`) and C files (`csrc/`), for one VM per process.
//!
//! What it adds: fuel (preemption), read-only tables, a memory limit per VM, the
//! number format, arithmetic, error texts and standard libraries of the dialect.
//! Code, libraries and short strings are shared by all VMs of the OS process
//! ([`share`]), so a VM is what is its own: a stack, globals, objects.
//! It must know nothing of processes, scheduling, channels or modules: that is
//! `wippy-lua`, which drives the raw `*mut lua_State` from here.
//!
//! Start with [`RawVm`]; [`sys`] has the functions beyond `lua.h`, [`ffi`] the
//! ones of `lua.h` and `lauxlib.h`.

pub mod library;
mod memory;
mod number;
pub mod share;
pub mod sys;
mod text;
mod vm;

/// Raw declarations of `lua.h`, `lauxlib.h` and `lualib.h`, linked to our build.
pub use mlua::ffi;

pub use memory::{Memory, Suspended};
pub use vm::{NewStateError, RawVm, extra, seed};
