//! From registry entries to code that runs.
//!
//! What is loaded is a [`Plan`]: compiled [`Unit`]s in the order in which a new
//! VM of an entry runs them, under the names they have there. `definition`
//! reads an entry, `compile` and `files` make bytecode of it, `graph` knows who
//! imports whom, `plan` lays a closure of the graph out, `version` is what can
//! be called or started, and `handler` ties them to changes of the registry.

mod check;
mod compile;
mod component;
mod definition;
mod factory;
mod files;
mod graph;
mod handler;
mod later;
mod lint;
mod plan;
mod problems;
mod types;
mod version;

pub use compile::{CompileError, compile};
pub(crate) use compile::{compile_plain, erase};
pub use component::{LuaComponent, component};
pub use factory::LuaFactory;
pub use files::FileCompiler;
pub use lint::{Finding, is_linted, lint_entries};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use wippy_lua_vm::share::{Chunk, Image};
use wippy_runtime::Error;

use wippy_runtime::payload::Flat;
use wippy_runtime::process::OwnLimits;

use crate::state::Program;

/// The compiled code of one entry.
pub struct Code {
    bytes: Arc<[u8]>,
    chunk: OnceLock<Arc<Chunk>>,
}

impl Code {
    /// From bytecode of our own compiler.
    pub fn new(bytes: Arc<[u8]>) -> Arc<Code> {
        Arc::new(Code { bytes, chunk: OnceLock::new() })
    }
    /// The chunk that all VMs share, under the name `id`; loaded when somebody first runs it. Errors: it is not from our
    /// compiler.
    fn chunk(&self, id: &str) -> Result<Arc<Chunk>, Error> {
        if let Some(chunk) = self.chunk.get() {
            return Ok(chunk.clone());
        }
        let chunk = Chunk::load(id, &self.bytes).map_err(|e| Error::internal(e.0))?;
        Ok(self.chunk.get_or_init(|| Arc::new(chunk)).clone())
    }
}

/// What a plan runs of one entry.
pub struct Unit {
    /// The entry's id: chunk name and position in errors.
    pub id: String,
    /// Globals that its value is bound to.
    pub aliases: Vec<String>,
    pub code: Arc<Code>,
}

/// How VMs of one entry are set up. Shared by all of them.
pub struct Plan {
    pub program: Arc<Program>,
    /// In the order they run: what an import needs comes before it.
    pub libraries: Vec<Unit>,
    pub main: Unit,
    /// The member of the chunk's table to run when the caller names none.
    pub method: Arc<str>,
    /// Instances serve one call after another instead of one run.
    pub pooled: bool,
    /// Below those of the host.
    pub limits: OwnLimits,
    /// For code that is no entry.
    pub evaluation: Option<Evaluation>,
    image: OnceLock<Arc<Image>>,
    loads: AtomicBool,
}

impl Plan {
    pub fn new(program: Program, libraries: Vec<Unit>, main: Unit, method: Arc<str>, pooled: bool) -> Plan {
        let (limits, evaluation) = (OwnLimits::default(), None);
        Plan {
            program: Arc::new(program),
            libraries,
            main,
            method,
            pooled,
            limits,
            evaluation,
            image: OnceLock::new(),
            loads: AtomicBool::new(false),
        }
    }
    /// Says that a VM was loaded and its chunk gave the entry's own method.
    pub(crate) fn has_loaded(&self) {
        let steady = |image: &Arc<Image>| image.chunks().iter().all(|chunk| chunk.is_steady());
        if !self.loads.load(Ordering::Relaxed) && self.evaluation.is_none() && self.image.get().is_some_and(steady) {
            self.loads.store(true, Ordering::Relaxed);
        }
    }
    /// Whether it is known that loading a VM for the entry's own method does not fail, but for a lack of memory: it has
    /// not failed before, and each time is like the first.
    pub(crate) fn loads_surely(&self) -> bool {
        self.loads.load(Ordering::Relaxed)
    }
    /// What its VMs share: the chunks of the libraries, in their order, then that of main, and the globals. Made when the
    /// first VM is. Errors: bytecode that does not load.
    pub(crate) fn image(&self) -> Result<Arc<Image>, Error> {
        if let Some(image) = self.image.get() {
            return Ok(image.clone());
        }
        let mut chunks = Vec::with_capacity(self.libraries.len() + 1);
        for unit in &self.libraries {
            let failed = |e: Error| Error::internal(format!("failed to load dependency {}: {e}", unit.id));
            chunks.push(unit.code.chunk(&unit.id).map_err(failed)?);
        }
        let failed = |e: Error| Error::internal("failed to load script").because(e);
        chunks.push(self.main.code.chunk(&self.main.id).map_err(failed)?);
        Ok(self.image.get_or_init(|| self.program.image(chunks)).clone())
    }
}

/// How evaluated code differs from an entry's: its first result counts, whatever follows it.
pub struct Evaluation {
    /// Names and the encoded values that they are globals for.
    pub globals: Vec<(String, Flat)>,
    /// The chunk itself runs as main, instead of a method of what it returns.
    pub whole: bool,
}
