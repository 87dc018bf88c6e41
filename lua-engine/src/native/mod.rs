//! Native functions on raw Lua: the unsafe rooms of the engine.
//!
//! # What makes it sound
//! 1. **A raise never crosses live Rust values.** A native function returns
//!    `Result<Ret, Raise>`. Its trampoline calls it inside `catch_unwind`, turns
//!    the result into plain numbers on the Lua stack, and only then, with nothing
//!    left that has a destructor, calls `lua_error` or `lua_yieldk`.
//! 2. **Inside a native function no Lua API that can raise is called.** Pushing
//!    allocates, and allocation cannot fail there: the memory limit is suspended
//!    for the duration and checked on return ([`wippy_lua_vm::Memory`]); real
//!    exhaustion aborts the OS process, as in the rest of Rust. Tables are
//!    touched raw, keys are never nil or NaN, `lua_next` runs on tables nobody
//!    changes meanwhile. Lua code is called only through [`Call::call_protected`].
//! 3. **Argument slots stay.** A native function cannot pop or replace the
//!    values it was called with, so what it borrowed from them (`&'a [u8]`,
//!    `&'a T`) lives as long as its [`Call`].
//! 4. **Every full userdata of our VMs is an [`object`]**, so its first word is
//!    a type header. Objects are shared (`&T`), never borrowed mutably; they use
//!    cells inside. They are dropped by the collector only.
//! 5. **The extra space of every thread points to its [`crate::state::State`]**,
//!    which outlives the VM.
//!
//! [`call`]: reading arguments, pushing results. [`object`]: typed userdata.
//! [`members`]: module and method tables, one for all VMs. [`codec`]: the flat
//! form straight from and to the stack. [`plain`]: conversion to plain data.

pub mod call;
pub mod codec;
mod members;
pub mod object;
pub mod plain;
mod stack;

pub use call::{Call, Continuation, Function, Native, Raise, Resume, Ret};
pub use members::{Member, MemberValue};
pub(crate) use members::{Shape, globals, shared_members};
pub use object::{Object, constant};
pub use stack::{Stack, Type};

/// The raw Lua API. The only place that names the crate it comes from.
pub use wippy_lua_vm::ffi;
