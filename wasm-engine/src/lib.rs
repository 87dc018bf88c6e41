//! WebAssembly on the runtime: functions and processes compiled from any
//! language, on the same scheduler, under the same permissions as Lua.
//!
//! `definition` reads an entry, `engine` compiles it (two profiles, a cache),
//! `link` and `grants` decide what it may import, `program` is one version ready
//! to run, `process` runs it, `shortcut` calls functions that `stateless` finds
//! to need no process, `values` and `core_call` convert arguments and
//! results, `wasi` is its system, `handler` ties entries to changes of the
//! registry. wasmtime is used here and nowhere else.

mod component;
mod core_call;
mod definition;
mod engine;
mod grants;
mod guests;
mod handler;
mod host;
mod link;
mod process;
mod program;
mod shortcut;
mod signature;
mod stateless;
mod values;
mod wasi;

pub use component::{WasmComponent, component};
pub use guests::{EngineKind, Guests};
