//! A runtime put together from components, from boot to shutdown.
//!
//! `boot` loads the components level by level, freezes the command table, seals
//! the context and starts the components. Then entries are installed. Shutdown
//! stops the components in reverse order. Knows no component.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::component::{Component, Loading, levels};
use super::{AppContext, Config};
use crate::dispatch::DispatcherBuilder;
use crate::error::{Error, Result};
use crate::events::Bus;
use crate::node::Node;
use crate::registry::{Entry, Registry, Version};

/// A running application. Made by [`App::boot`].
pub struct App {
    pub node: Arc<Node>,
    pub registry: Registry,
    pub bus: Bus,
    pub config: Arc<Config>,
    pub context: AppContext,
    /// In load order.
    components: Vec<Arc<dyn Component>>,
    /// Components that were started and not stopped.
    started: Mutex<usize>,
}

impl App {
    /// Loads and starts `components`. Blocks until they have started. When one fails, those that had started are
    /// stopped again.
    ///
    /// Errors: a component that cannot load or start, named; requirements that cannot be met.
    pub fn boot(
        node: Arc<Node>,
        registry: Registry,
        config: Config,
        components: Vec<Arc<dyn Component>>,
    ) -> Result<Arc<App>> {
        let bus = registry.bus().clone();
        registry.set_environment(node.environment().clone());
        let (config, context, commands) = (Arc::new(config), AppContext::default(), Mutex::default());
        let levels = levels(components)?;
        let loading = Loading {
            node: &node,
            registry: &registry,
            bus: &bus,
            config: &config,
            context: &context,
            commands: &commands,
        };
        levels.iter().try_for_each(|level| loading.level(level))?;
        node.set_dispatcher(DispatcherBuilder::freeze(commands.into_inner()));
        context.seal();
        let components = levels.into_iter().flatten().collect();
        let app = Arc::new(App { node, registry, bus, config, context, components, started: Mutex::new(0) });
        for component in &app.components {
            if let Err(e) = component.start(&app) {
                app.shutdown(Duration::from_secs(5));
                return Err(Error::internal(format!("component {} cannot start", component.name())).because(e));
            }
            *app.started.lock() += 1;
        }
        Ok(app)
    }

    /// Makes the entries of files, overlaid with the registry's history, real. Blocks. Reports all problems together.
    pub fn install(&self, entries: Vec<Entry>) -> Result<Version> {
        self.registry.load_state(entries, None)
    }

    /// Stops all components in reverse load order; each may take what is left of `within`. Blocks. What fails is
    /// logged and the rest goes on. A second call has nothing left to do.
    pub fn shutdown(self: &Arc<Self>, within: Duration) {
        let deadline = self.node.clock().now() + within.as_nanos() as u64;
        let started = std::mem::take(&mut *self.started.lock());
        for component in self.components[..started].iter().rev() {
            let left = Duration::from_nanos(deadline.saturating_sub(self.node.clock().now()));
            if let Err(error) = component.stop(self, left) {
                tracing::warn!(component = component.name(), %error, "component did not stop cleanly");
            }
        }
        self.bus.close();
        self.node.timers().stop();
    }
}
