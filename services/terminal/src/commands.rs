//! What a process may do with its terminal. All of it needs the capability
//! `terminal`, which only terminal hosts grant, and no further permission.

use std::sync::Arc;

use wippy_runtime::dispatch::{Caller, CapabilitySet, Completer, DispatcherBuilder, Gate, Permissions, Request};
use wippy_runtime::terminal::{Output, TerminalSession, Wanted};
use wippy_runtime::{Error, Result};

macro_rules! terminal_request {
    ($(#[$doc:meta])* $type:ident { $($field:ident: $ty:ty),* } = $name:literal -> $reply:ty) => {
        $(#[$doc])*
        pub struct $type {
            $(pub $field: $ty,)*
        }
        impl Request for $type {
            const NAME: &'static str = $name;
            const CAPABILITY: &'static str = CapabilitySet::TERMINAL;
            const PERMISSIONS: Permissions = Some(&[]);
            type Reply = $reply;
            fn authorize(&self, _: &Gate<'_>) -> Result<()> {
                Ok(())
            }
        }
    };
}

terminal_request! {
    /// Writes all bytes at once.
    Write { to: Output, bytes: Vec<u8> } = "terminal.write" -> ()
}
terminal_request! {
    /// Reply: the bytes, `None` at the end of input.
    Read { wanted: Wanted } = "terminal.read" -> Option<Vec<u8>>
}
terminal_request! {
    /// Enters or leaves raw mode, counted.
    Raw { on: bool } = "terminal.raw" -> ()
}

fn session(caller: &Caller) -> Result<Arc<TerminalSession>> {
    caller.control.attached().ok_or_else(|| Error::unavailable("no terminal context"))
}

/// Adds the handlers of this module.
pub fn register(commands: &mut DispatcherBuilder) {
    commands.sync(|caller, r: Write| {
        session(caller)?.terminal.write(r.to, &r.bytes).map_err(|e| Error::internal(e.to_string()))
    });
    commands.deferred(|caller, r: Read, done: Completer<Option<Vec<u8>>>| {
        let terminal = match session(caller) {
            Ok(session) => session.terminal.clone(),
            Err(e) => return done.complete(Err(e)),
        };
        let slot = done.cancellable();
        let waits = terminal.read(caller.node.io(), r.wanted, Box::new(move |bytes| done.complete(bytes)));
        if let Some(id) = waits {
            slot.set(Box::new(move || terminal.cancel_read(id)));
        }
    });
    commands.sync(|caller, r: Raw| session(caller)?.raw(r.on));
}
