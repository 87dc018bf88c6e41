//! Key-value stores: the kind `store.memory`, and the module `store` for stores
//! of every kind.
//!
//! What a store is to others is the runtime's (`wippy_runtime::stores`);
//! `memory` keeps values in memory, `entries` makes entries real, `commands` and
//! `module` let programs use a store, each key with a permission of its own.
#![forbid(unsafe_code)]

mod commands;
mod entries;
mod memory;
mod module;

use std::sync::Arc;

use parking_lot::Mutex;
use wippy_lua::modules::Catalogue;
use wippy_runtime::Result;
use wippy_runtime::boot::{Component, Setup};
use wippy_runtime::supervisor::Supervisor;

pub use commands::register;
pub use memory::MemoryStore;
pub use module::{MODULE, StoreObject};

/// The component `store`.
pub fn component() -> Arc<dyn Component> {
    Arc::new(StoreComponent)
}

struct StoreComponent;

impl Component for StoreComponent {
    fn name(&self) -> &'static str {
        "store"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["lua", "supervisor"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.handler(Arc::new(entries::Entries {
            resources: setup.node.resources().clone(),
            clock: setup.node.clock().clone(),
            timers: setup.node.timers().clone(),
            supervisor: setup.context.need::<Supervisor>()?,
            state: Mutex::default(),
        }));
        setup.commands(register);
        setup.context.need::<Catalogue>()?.offer(&MODULE)
    }
}
