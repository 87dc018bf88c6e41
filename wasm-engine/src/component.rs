//! The component `wasm`: the engines and the entries.

use std::sync::Arc;

use wippy_runtime::Result;
use wippy_runtime::boot::{Component, Setup};
use wippy_runtime::functions::Pools;

use crate::engine::Engines;
use crate::engine::cache::ArtifactCache;
use crate::engine::compile::Compiler;
use crate::handler::WasmHandler;
use crate::wasi;

/// See the module comment. Needs the [`Pools`] of the hosts.
pub struct WasmComponent;

/// For the list of components.
pub fn component() -> Arc<dyn Component> {
    Arc::new(WasmComponent)
}

impl Component for WasmComponent {
    fn name(&self) -> &'static str {
        "wasm"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["hosts"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        let engines = Arc::new(Engines::new(setup.node.timers())?);
        let compiler = Compiler::new(ArtifactCache::from_config(setup.config));
        let pools = setup.context.need::<dyn Pools>()?;
        setup.commands(wasi::register);
        setup.handler(Arc::new(WasmHandler::new(setup.node.clone(), engines, compiler, pools)));
        Ok(())
    }
}
