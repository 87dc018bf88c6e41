//! From registry entries to code that runs.
//!
//! What is loaded is a [`Plan`]: compiled [`Unit`]s in the order in which a new
//! VM of an entry runs them, under the names they have there. `definition`
//! reads an entry, `compile` and `files` make bytecode of it, `graph` knows who
//! imports whom, `plan` lays a closure of the graph out, `version` is what can
//! be called or started, and `handler` ties them to changes of the registry.

mod compile;
mod component;
mod definition;
mod factory;
mod files;
mod graph;
mod handler;
mod lint;
mod plan;
mod problems;
mod types;
mod version;

pub use compile::{CompileError, compile};
pub use component::{LuaComponent, component};
pub use factory::LuaFactory;
pub use files::FileCompiler;
pub use lint::{Finding, is_linted, lint_entries};

use std::sync::Arc;

use crate::state::Program;

/// One compiled chunk.
pub struct Unit {
    /// The entry's id: chunk name and position in errors.
    pub id: String,
    /// Globals that its value is bound to.
    pub aliases: Vec<String>,
    /// Bytecode of our own compiler.
    pub code: Arc<[u8]>,
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
}
