//! Environment storages and variables, and the `env` module that reads them.
//!
//! Look-ups are the runtime's (`wippy_runtime::env`); here are the kinds:
//! `entries` makes entries of kind `env.*` real, `storages` and `file` hold
//! values, `commands` and `module` let programs ask.
#![forbid(unsafe_code)]

mod commands;
mod entries;
mod file;
mod module;
mod storages;

use std::sync::Arc;

use wippy_lua::modules::Catalogue;
use wippy_runtime::Result;
use wippy_runtime::boot::{Component, Setup};

pub use commands::{AllVariables, GetVariable, SetVariable, register};
pub use file::FileStorage;
pub use module::MODULE;

/// The component `env`.
pub fn component() -> Arc<dyn Component> {
    Arc::new(EnvComponent)
}

struct EnvComponent;

impl Component for EnvComponent {
    fn name(&self) -> &'static str {
        "env"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["lua"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.handler(Arc::new(entries::Entries::new(setup.node.environment().clone())));
        setup.commands(register);
        setup.context.need::<Catalogue>()?.offer(&MODULE)
    }
}
