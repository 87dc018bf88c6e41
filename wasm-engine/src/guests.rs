//! Processes without a registry: for programs that bring their guests along.

use std::sync::Arc;

use wippy_runtime::process::Factory;
use wippy_runtime::registry::EntryId;
use wippy_runtime::{Node, Result};

use crate::definition::Definition;
use crate::engine::Engines;
use crate::engine::cache::ArtifactCache;
use crate::engine::compile::Compiler;
use crate::process::WasmFactory;
use crate::program::Program;

/// Compiles guests for one node.
pub struct Guests {
    node: Arc<Node>,
    engines: Arc<Engines>,
    compiler: Compiler,
}

impl Guests {
    /// Errors: this machine cannot run compiled code.
    pub fn new(node: &Arc<Node>) -> Result<Guests> {
        let engines = Arc::new(Engines::new(node.timers())?);
        Ok(Guests { node: node.clone(), engines, compiler: Compiler::new(ArtifactCache::default()) })
    }
    /// What makes processes `id` of a component of the world `process`, or of a module that describes itself as one.
    /// Errors: the code is not valid, or is something else.
    pub fn process(&self, id: &EntryId, code: &[u8]) -> Result<Arc<dyn Factory>> {
        let compiled = self.compiler.compile(&self.engines, code, None)?;
        let (engines, timers) = (self.engines.clone(), self.node.timers().clone());
        let program = Program::new(id, Definition::process(), compiled, engines, timers)?;
        Ok(Arc::new(WasmFactory(Arc::new(program))))
    }
}
