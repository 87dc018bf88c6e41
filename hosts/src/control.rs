//! What a node has by itself: the commands of every process, the control host
//! `node:control`, whose pids belong to watchers of services and bridges, and
//! the host of function calls that come from no process.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use wippy_runtime::boot::{App, Component, Config, Setup};
use wippy_runtime::process::commands;
use wippy_runtime::relay::{Delivery, Mailbox, MailboxConfig, Name};
use wippy_runtime::{Error, Result, streams};

use crate::drain::drain;

/// Id of the control host.
pub const CONTROL_HOST: &str = "node:control";

/// The component `control`. It requires nothing, and by its name it comes before the supervisor in the same level, so
/// that it stops after all services.
pub struct ControlComponent;

impl Component for ControlComponent {
    fn name(&self) -> &'static str {
        "control"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        let mailbox = Arc::new(Mailbox::new(mailbox_config(setup.config)));
        setup.node.router().register(Name::new(CONTROL_HOST)?, Delivery::Mailbox(mailbox.clone()))?;
        setup.commands(|c| {
            commands::register(c);
            streams::register(c);
        });
        setup.context.set(mailbox)
    }
    fn stop(&self, app: &Arc<App>, within: Duration) -> Result<()> {
        if let Some(mailbox) = app.context.get::<Mailbox>() {
            mailbox.stop();
        }
        let Some(functions) = app.node.functions().started_host() else { return Ok(()) };
        let (tx, rx) = channel();
        drain(&app.node, &functions, within, Box::new(move |how| drop(tx.send(how))));
        let drained = rx.recv_timeout(within);
        functions.scheduler.stop();
        drained.unwrap_or_else(|_| Err(Error::timeout("calls of functions did not end in time")))
    }
}

/// Section `supervisor`: `host.buffer_size` and `host.worker_count`, brought into sensible bounds.
fn mailbox_config(config: &Config) -> MailboxConfig {
    let default = MailboxConfig::default();
    let read = |key, default: usize, most| {
        let wanted = config.get_int("supervisor", key, default as i64);
        wanted.clamp(1, most) as usize
    };
    MailboxConfig {
        buffer_size: read("host.buffer_size", default.buffer_size, 1 << 20),
        worker_count: read("host.worker_count", default.worker_count, 256),
    }
}
