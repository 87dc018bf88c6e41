//! Write [wippy](https://wippy.ai) processes in Rust.
//!
//! A process is a function. It owns its memory, shares nothing, and talks by messages; what it waits for suspends it and
//! nothing else. To everybody else it is a process like any other, whatever language that is written in.
//!
//! ```no_run
//! use serde::Deserialize;
//! use wippy_guest::{Event, Incoming, Result, process, receive, send};
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "snake_case")]
//! enum Request {
//!     Add(i64),
//! }
//!
//! #[process]
//! fn counter(mut count: i64) -> Result<i64> {
//!     loop {
//!         match receive::<Request>() {
//!             Incoming::Message(Request::Add(n), from) => {
//!                 count += n;
//!                 send(from, "count", &count)?;
//!             }
//!             Incoming::Event(Event::Cancel(_)) => return Ok(count),
//!             _ => {}
//!         }
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! `cargo build --release --target wasm32-unknown-unknown`, with `crate-type = ["cdylib"]`, is the whole build; the entry
//! names the file:
//!
//! ```yaml
//! - name: counter
//!   kind: process.wasm
//!   fs: app:guests
//!   path: /counter.wasm
//!   hash: file://counter.sha256
//!   method: run
//! ```
//!
//! | to | use |
//! |---|---|
//! | wait | [`receive`], [`Receive`] for anything less simple, [`time::sleep`] |
//! | send | [`tell`] for enums, [`send`], [`ask`] for an answer |
//! | start | [`spawn`], [`exec`], [`Supervisor`] for children that are started again |
//! | call functions | [`call`], [`start`] |
//! | end | return, [`exit`], or a panic, whose message and place become the error |
//! | go on as other code | [`upgrade`] |
//! | log | the `log` crate, with fields: `log::info!(user = 7; "signed in")` |
//!
//! Values are converted by serde. A struct is a table with its fields; an enum is a text or a table with one key, as serde
//! does it; a [`Pid`] is its text, an [`Error`] an error. Bytes need `serde_bytes`, as a `Vec<u8>` is a list of numbers.
//!
//! Features: `std` and `log` are on. Without `std` a guest is `no_std`; `standalone` then brings an allocator and a panic
//! handler. Time and chance come from [`time`], because `std` has neither on this target.
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_debug_implementations)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod abi;
pub mod environment;
mod error;
#[doc(hidden)]
pub mod flat;
mod functions;
pub mod logger;
mod mailbox;
mod message;
pub mod names;
mod payload;
mod pid;
mod process;
pub mod registry;
mod start;
mod supervisor;
pub mod terminal;
pub mod time;
mod value;

pub use error::{Error, Kind, Result};
pub use functions::{Call, Pending, call, start};
#[cfg(feature = "log")]
pub use log;
pub use mailbox::{
    Cancellation, Change, Ended, Event, Incoming, Lost, Receive, listen, receive, receive_timeout, unlisten,
};
pub use message::{FromMessage, Message};
pub use payload::{Args, Encoded, Format, FromArgs, Held, Payload};
pub use pid::{ParsePidError, Pid, Target, self_pid};
pub use process::{
    Options, Spawn, ask, cancel, context_value, entry_id, exec, exit, forward, link, monitor, send, send_all, spawn,
    tell, terminate, unlink, unmonitor, upgrade,
};
pub use serde;
pub use start::{Main, Outcome};
pub use supervisor::{Restart, Supervised, Supervisor};
pub use value::Value;
pub use wippy_guest_macros::process;

#[doc(hidden)]
pub mod __private {
    pub use crate::abi::{COMPONENT_TYPE, COMPONENT_TYPE_LEN, RawPayload};
    pub use crate::start::run;
    pub type RawAnswer = crate::abi::Answer<RawPayload>;
}
