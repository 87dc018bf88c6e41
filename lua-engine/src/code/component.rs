//! The component `lua`: the catalogue of modules and the code entries.

use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::Result;
use wippy_runtime::boot::{Component, Setup};
use wippy_runtime::functions::Pools;
use wippy_runtime::registry::pipeline::{CacheMode, CodeCache};

use super::files::Chunks;
use super::handler::CodeHandler;
use super::later::Later;
use super::types::TypeBook;
use super::version::Workshop;
use crate::eval::{self, Evaluator};
use crate::modules::{self, Catalogue};
use crate::process::NodeSurroundings;
use crate::state::Surroundings;

/// See the module comment. Needs the [`Pools`] of the hosts; sets the [`Catalogue`].
pub struct LuaComponent;

/// One for each boot.
pub fn component() -> Arc<dyn Component> {
    Arc::new(LuaComponent)
}

impl Component for LuaComponent {
    fn name(&self) -> &'static str {
        "lua"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["hosts"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        wippy_lua_vm::seed(setup.node.entropy().next());
        let catalogue = Arc::new(Catalogue::default());
        setup.context.set(catalogue.clone())?;
        setup.commands(|c| modules::system::register(c, catalogue.clone()));
        let surroundings: Arc<dyn Surroundings> = Arc::new(NodeSurroundings::new(setup.node));
        let evaluator = Evaluator::new(setup, catalogue.clone(), surroundings.clone())?;
        setup.commands(|c| eval::register(c, evaluator));
        let checked = setup.config.get_bool("lua", "type_system.enabled", false);
        let cache = Arc::new(CodeCache::from_config(setup.config, checked));
        let part = |key| setup.config.get_bool("lua", key, true).then(|| cache.clone());
        let part = |key| part(key).filter(|cache| cache.mode() != CacheMode::Off);
        let workshop = Workshop {
            catalogue,
            surroundings,
            pools: setup.context.need::<dyn Pools>()?,
            types: TypeBook::new(setup.config, part("cache.typecheck.enabled")),
        };
        let handler = Arc::new(CodeHandler {
            node: setup.node.clone(),
            bus: setup.bus.clone(),
            workshop,
            chunks: Arc::new(Chunks::new(part("cache.compile.enabled"))),
            later: Later::default(),
            books: Mutex::default(),
        });
        setup.handler(handler);
        Ok(())
    }
}
