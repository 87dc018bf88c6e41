//! The component `hosts`: process hosts, terminal hosts, supervised processes,
//! and function pools for the engines.

use std::sync::Arc;

use wippy_runtime::Result;
use wippy_runtime::boot::{App, Component, Setup};
use wippy_runtime::functions::Pools;
use wippy_runtime::supervisor::Supervisor;
use wippy_runtime::terminal::Terminal;

use crate::handler::HostHandler;
use crate::pools::FunctionPools;
use crate::service::ServiceHandler;
use crate::terminal::Console;

/// See the module comment. Leaves [`Pools`] and the [`Terminal`] in the context.
pub struct HostsComponent(Arc<Console>);

impl HostsComponent {
    /// With the terminal of the processes on terminal hosts.
    pub fn new(terminal: Arc<Terminal>) -> HostsComponent {
        HostsComponent(Arc::new(Console::new(terminal)))
    }
}

impl Component for HostsComponent {
    fn name(&self) -> &'static str {
        "hosts"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["control", "supervisor"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.context.set::<dyn Pools>(Arc::new(FunctionPools::new(setup.node)))?;
        setup.context.set(self.0.terminal().clone())?;
        let supervisor = setup.context.need::<Supervisor>()?;
        setup.handler(Arc::new(HostHandler::new(setup.node, supervisor.clone(), self.0.clone())));
        setup.handler(Arc::new(ServiceHandler::new(setup.node, supervisor)));
        Ok(())
    }
    fn start(&self, app: &Arc<App>) -> Result<()> {
        self.0.connect(app);
        Ok(())
    }
}
