//! Components: the parts a runtime is put together from. They name what they
//! require, so they form levels; those of one level load in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{App, AppContext, Config};
use crate::dispatch::DispatcherBuilder;
use crate::error::{Error, Result};
use crate::events::Bus;
use crate::node::Node;
use crate::registry::{EntryHandler, Observer, Registry};

/// One part of a runtime.
pub trait Component: Send + Sync {
    /// Unique; what others require.
    fn name(&self) -> &'static str;
    /// Components that must have loaded before.
    fn requires(&self) -> &'static [&'static str] {
        &[]
    }
    /// Registers entry handlers and commands, and leaves in the context what others use. Starts nothing.
    fn load(&self, setup: &Setup<'_>) -> Result<()>;
    /// Begins to work; everything has loaded, the command table and the context are closed. In load order.
    fn start(&self, _app: &Arc<App>) -> Result<()> {
        Ok(())
    }
    /// Ends its work within about `within`. In reverse load order. May block.
    fn stop(&self, _app: &Arc<App>, _within: Duration) -> Result<()> {
        Ok(())
    }
}

/// What a component sees while it loads.
pub struct Setup<'a> {
    pub node: &'a Arc<Node>,
    pub registry: &'a Registry,
    pub bus: &'a Bus,
    pub config: &'a Arc<Config>,
    pub context: &'a AppContext,
    commands: &'a Mutex<DispatcherBuilder>,
    taking_part: Mutex<Vec<Participant>>,
}

enum Participant {
    Handler(Arc<dyn EntryHandler>),
    Observer(Arc<dyn Observer>),
}

impl Setup<'_> {
    /// Adds commands; the table is frozen when all components have loaded.
    pub fn commands(&self, add: impl FnOnce(&mut DispatcherBuilder)) {
        add(&mut self.commands.lock());
    }
    /// Adds the owner of some entry kinds.
    pub fn handler(&self, handler: Arc<dyn EntryHandler>) {
        self.taking_part.lock().push(Participant::Handler(handler));
    }
    pub fn observer(&self, observer: Arc<dyn Observer>) {
        self.taking_part.lock().push(Participant::Observer(observer));
    }
}

/// Puts components into levels: each one's requirements are in earlier levels; names are sorted inside a level.
/// Errors: a name used twice, a requirement nobody meets, a cycle.
pub fn levels(components: Vec<Arc<dyn Component>>) -> Result<Vec<Vec<Arc<dyn Component>>>> {
    let mut waiting: BTreeMap<&'static str, Arc<dyn Component>> = BTreeMap::new();
    for component in components {
        let name = component.name();
        if waiting.insert(name, component).is_some() {
            return Err(Error::already_exists(format!("component already registered: {name}")));
        }
    }
    for component in waiting.values() {
        if let Some(missing) = component.requires().iter().find(|r| !waiting.contains_key(*r)) {
            return Err(Error::not_found(format!("component {} requires unknown {missing}", component.name())));
        }
    }
    let mut loaded: BTreeSet<&'static str> = BTreeSet::new();
    let mut levels = Vec::new();
    while !waiting.is_empty() {
        let ready = |c: &Arc<dyn Component>| c.requires().iter().all(|r| loaded.contains(r));
        let names: Vec<&'static str> = waiting.iter().filter(|(_, c)| ready(c)).map(|(n, _)| *n).collect();
        if names.is_empty() {
            let names: Vec<&str> = waiting.into_keys().collect();
            return Err(Error::invalid(format!("components require each other: {}", names.join(", "))));
        }
        levels.push(names.iter().filter_map(|n| waiting.remove(n)).collect());
        loaded.extend(names);
    }
    Ok(levels)
}

/// What the components of one boot have in common while they load.
pub(super) struct Loading<'a> {
    pub node: &'a Arc<Node>,
    pub registry: &'a Registry,
    pub bus: &'a Bus,
    pub config: &'a Arc<Config>,
    pub context: &'a AppContext,
    pub commands: &'a Mutex<DispatcherBuilder>,
}

impl Loading<'_> {
    /// Loads one level, its components in parallel. What takes part in registry changes is added in the order of
    /// names, so that every boot is the same. Errors: the first, in the order of names.
    pub fn level(&self, level: &[Arc<dyn Component>]) -> Result<()> {
        let outcomes: Vec<Result<Vec<Participant>>> = match level {
            [one] => vec![self.one(&**one)],
            many => std::thread::scope(|scope| {
                let threads: Vec<_> = many.iter().map(|c| scope.spawn(|| self.one(&**c))).collect();
                let panicked = || Err(Error::internal("a component panicked while it loaded"));
                threads.into_iter().map(|t| t.join().unwrap_or_else(|_| panicked())).collect()
            }),
        };
        for (component, outcome) in level.iter().zip(outcomes) {
            let failed = |e| Error::internal(format!("component {} cannot load", component.name())).because(e);
            for participant in outcome.map_err(failed)? {
                match participant {
                    Participant::Handler(handler) => self.registry.add_handler(handler),
                    Participant::Observer(observer) => self.registry.add_observer(observer),
                }
            }
        }
        Ok(())
    }

    fn one(&self, component: &dyn Component) -> Result<Vec<Participant>> {
        let Loading { node, registry, bus, config, context, commands } = *self;
        let setup = Setup { node, registry, bus, config, context, commands, taking_part: Mutex::default() };
        component.load(&setup)?;
        Ok(setup.taking_part.into_inner())
    }
}
