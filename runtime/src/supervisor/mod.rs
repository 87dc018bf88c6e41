//! Keeps services running: what to start first, what to do when one fails.
//!
//! Entry handlers register a [`Service`] under the id of its entry, inside the registry's transaction, with the
//! entry's `lifecycle`. When the transaction is complete the [`Supervisor`] starts what starts by itself, and what
//! that needs, in the order of needs; it restarts what fails with growing delays, and stops in the opposite order.
//!
//! `unit` is one service and its retries, `machine` all of them together, `needs` who needs whom; these three are
//! pure. [`Supervisor`] is the thin driver around them: registry, bus, timers, calls of services.

mod component;
mod driver;
mod machine;
mod needs;
mod service;
mod state;
mod unit;
mod waiting;

pub use component::SupervisorComponent;
pub use driver::Supervisor;
pub use service::{Report, Reporter, Service};
pub use state::{ServiceState, Status};
