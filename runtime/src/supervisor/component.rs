//! The supervisor as a part of the runtime.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::Supervisor;
use crate::boot::{App, Component, Setup};
use crate::error::{Error, Result};

/// Leaves an `Arc<Supervisor>` in the context. Stops all services when the runtime stops.
pub struct SupervisorComponent;

impl Component for SupervisorComponent {
    fn name(&self) -> &'static str {
        "supervisor"
    }

    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.context.set(Supervisor::new(setup.node, setup.bus)?)
    }

    fn start(&self, app: &Arc<App>) -> Result<()> {
        // The last observer: services start when everybody else knows the new entries.
        app.registry.add_observer(app.context.need::<Supervisor>()?);
        Ok(())
    }

    fn stop(&self, app: &Arc<App>, within: Duration) -> Result<()> {
        let supervisor = app.context.need::<Supervisor>()?;
        let (tell, told) = mpsc::channel();
        supervisor.shutdown(within, move |stuck| drop(tell.send(stuck)));
        let stuck = told.recv().map_err(|_| Error::internal("the supervisor is gone"))?;
        if stuck.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = stuck.iter().map(|s| s.id.as_str()).collect();
        Err(Error::timeout(format!("services that did not stop in time: {}", ids.join(", "))))
    }
}
