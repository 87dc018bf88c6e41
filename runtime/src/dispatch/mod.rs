//! Commands: how a process asks the world for something, and the gate every
//! request passes.
//!
//! A command is a typed [`Request`]. Its handler is registered once at boot;
//! the table is then frozen and read without locks. [`StepContext::call`] is
//! the only way to a handler, and it asks the gate first: the host's
//! capabilities, then the request's own permissions. Engines hold no handlers.

mod capability;
mod context;
mod gate;
mod outbox;
mod table;

pub use capability::CapabilitySet;
pub use context::{Called, StepContext};
pub use gate::{Caller, Gate};
pub(crate) use table::check_kind;
pub use table::{CommandInfo, Completer, Dispatcher, DispatcherBuilder};

use std::any::Any;

use crate::error::Error;

/// Actions, each with what the resource is, for documentation. Nothing is asked for with an empty list; `None`: nobody
/// said.
pub type Permissions = Option<&'static [(&'static str, &'static str)]>;

/// A command. The type is its id.
pub trait Request: Any + Send + Sized {
    /// As shown in documentation and denials: `process.spawn`, `registry.get`.
    const NAME: &'static str;
    /// The capability a host must have: a command group such as `process.spawn`, or a module name.
    const CAPABILITY: &'static str;
    /// What [`Request::authorize`] asks for; a test wants every registered command to say so.
    const PERMISSIONS: Permissions = None;
    type Reply: Any + Send;

    /// Asks the gate for every permission the request needs.
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error>;
}
