//! The Lua engine: the native function layer over raw Lua, virtual machines
//! that cost little until they are used, and the modules that need nothing but
//! a VM. Knows no service. `native` is the only place with `unsafe` besides
//! the files that say so; a module is written against `native::Call`.

pub mod code;
pub mod eval;
pub mod modules;
pub mod native;
pub mod process;
pub mod state;
pub mod types;
pub mod vm;
