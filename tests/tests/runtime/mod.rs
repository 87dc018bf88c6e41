//! The runtime of the program inside a test.

use std::sync::Arc;

use wippy::components::{self, Shared};
use wippy_runtime::Node;
use wippy_runtime::boot::{App, Config, Shutdown, Switches};
use wippy_runtime::clock::RealClock;
use wippy_runtime::entropy::SystemEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::logging::{Logging, Options};
use wippy_runtime::registry::{self, MemoryHistory, Registry};

/// All components, loaded and started, without an application.
pub fn boot() -> Arc<App> {
    let config = Config::empty();
    let clock = Arc::new(RealClock::new());
    let node = Node::new("local", clock.clone(), Arc::new(SystemEntropy)).expect("a node");
    node.timers().start().expect("a thread");
    let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
    let logging = Logging::install(Options::from_config(&config, Switches::default(), true), clock);
    let shared = Shared { shutdown: Shutdown::new(), logging, terminal: wippy_terminal::stdio(), memory_limit: None };
    App::boot(node, registry, config, components::all(shared)).expect("a runtime")
}
