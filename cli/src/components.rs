//! The parts this program is put together from. A new service is one line here.

use std::sync::Arc;

use wippy_runtime::boot::{Component, Setup, Shutdown};
use wippy_runtime::logging::Logging;
use wippy_runtime::security::SecurityComponent;
use wippy_runtime::system::SystemComponent;
use wippy_runtime::terminal::Terminal;
use wippy_runtime::{Result, events, functions, registry, supervisor};

/// What the program itself gives to components.
pub struct Shared {
    pub shutdown: Arc<Shutdown>,
    pub logging: Arc<Logging>,
    /// Of the processes on terminal hosts.
    pub terminal: Arc<Terminal>,
    /// Bytes the program should stay below.
    pub memory_limit: Option<u64>,
}

/// All components; their requirements decide the order.
pub fn all(shared: Shared) -> Vec<Arc<dyn Component>> {
    let system = match shared.memory_limit {
        Some(limit) => SystemComponent::new(i64::try_from(limit).unwrap_or(i64::MAX)),
        None => SystemComponent::default(),
    };
    let hosts = wippy_hosts::components(shared.terminal.clone());
    let mut all: Vec<Arc<dyn Component>> = vec![
        Arc::new(Program(shared)),
        Arc::new(SecurityComponent),
        Arc::new(supervisor::SupervisorComponent),
        Arc::new(registry::RegistryCommands),
        Arc::new(events::EventsComponent),
        Arc::new(system),
        functions::component(),
        wippy_lua::code::component(),
        wippy_data::component(),
        wippy_wasm::component(),
        wippy_env::component(),
        wippy_fs::component(),
        wippy_store::component(),
        wippy_terminal::component(),
    ];
    all.extend(hosts);
    all
}

/// The program as a component: leaves in the context what only it can make.
struct Program(Shared);

impl Component for Program {
    fn name(&self) -> &'static str {
        "program"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.context.set(self.0.shutdown.clone())?;
        setup.context.set(self.0.logging.clone())
    }
}
