//! What guests can import beside WASI: `bindings` is the contract
//! `wippy:process`, whose interfaces the other rooms implement for the state of
//! a guest; `funcs` is what guests of the original import.
//!
//! Everything a guest asks of the world is a request to the runtime, which
//! passes its gate.

pub mod bindings;
mod current;
mod environment;
pub mod funcs;
pub mod functions;
mod mailbox;
pub mod payload;
pub mod processes;
pub mod types;

pub use bindings::wippy::process::current::TableForm;
