//! Guests as processes of the runtime.
//!
//! A run is a future that owns its store. It is polled by the worker inside a
//! step, on a stack of its own, and suspended where the guest waits: no thread,
//! no task. `instance` is the process trait, `run` what the futures do, `state`
//! what host functions work on, `mailbox`
//! what waits for it, `current` how they reach the step, `wake` who
//! wakes a guest, `memory` its limits, `failure` what becomes of traps.

mod current;
pub mod failure;
mod instance;
mod mailbox;
mod memory;
mod run;
mod state;
mod wake;

pub use instance::WasmFactory;
pub use mailbox::{Content, Wanted};
pub use state::{GuestState, Leave, Timer, typed};
