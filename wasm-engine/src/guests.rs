//! Processes and functions without a registry: for programs that bring their guests along.

use std::path::Path;
use std::sync::Arc;

use wippy_runtime::process::Factory;
use wippy_runtime::registry::EntryId;
use wippy_runtime::{Node, Result};

use crate::definition::{Definition, Role};
use crate::engine::cache::ArtifactCache;
use crate::engine::compile::{Binary, Compiler};
use crate::engine::{Engines, Profile};
use crate::process::WasmFactory;
use crate::program::Program;

/// Compiles guests for one node.
pub struct Guests {
    node: Arc<Node>,
    engines: Arc<Engines>,
    compiler: Compiler,
}

/// How a guest is run; see the documentation of the field `engine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    Dense,
    Fast,
}

impl Guests {
    /// Errors: this machine cannot run compiled code.
    pub fn new(node: &Arc<Node>) -> Result<Guests> {
        Guests::with(node, ArtifactCache::default())
    }
    /// Guests whose compiled code is kept in `dir`, which is trusted like the program's own files.
    pub fn cached(node: &Arc<Node>, dir: &Path) -> Result<Guests> {
        Guests::with(node, ArtifactCache::in_dir(dir))
    }
    fn with(node: &Arc<Node>, cache: ArtifactCache) -> Result<Guests> {
        let engines = Arc::new(Engines::new(node.timers())?);
        Ok(Guests { node: node.clone(), engines, compiler: Compiler::new(cache) })
    }
    /// What makes processes `id` of a component of the world `process`, or of a module that describes itself as one.
    /// Errors: the code is not valid, or is something else.
    pub fn process(&self, id: &EntryId, code: &[u8]) -> Result<Arc<dyn Factory>> {
        self.factory(id, code, Definition::process())
    }
    /// What serves calls of `method` of a component, or of a core module with the signatures `wit`. `engine`: `None` is
    /// that of functions. Errors: the code is not valid.
    pub fn function(
        &self,
        id: &EntryId,
        code: &[u8],
        method: &str,
        wit: &str,
        engine: Option<EngineKind>,
    ) -> Result<Arc<dyn Factory>> {
        let profile = match engine {
            Some(EngineKind::Dense) => Profile::Dense,
            Some(EngineKind::Fast) | None => Profile::Fast,
        };
        let (method, wit) = (method.to_owned(), wit.to_owned());
        let profile = Some(profile);
        self.factory(id, code, Definition { role: Role::Function, method, wit, profile, ..Definition::process() })
    }
    fn factory(&self, id: &EntryId, code: &[u8], definition: Definition) -> Result<Arc<dyn Factory>> {
        let code = Binary::read(code)?;
        let compiled = self.compiler.compile(&self.engines, &code, definition.profile)?;
        let (engines, timers) = (self.engines.clone(), self.node.timers().clone());
        let role = definition.role;
        let mut program = Program::new(id, definition, compiled, engines, timers)?;
        if role == Role::Function {
            program.find_shortcut(&code);
        }
        Ok(Arc::new(WasmFactory(Arc::new(program))))
    }
}
