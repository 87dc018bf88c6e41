//! Code as it is loaded: units of compiled Lua, and the plan that says which
//! of them a new VM of an entry runs, in which order, under which names.

mod compile;
mod factory;

pub use compile::{CompileError, compile};
pub use factory::LuaFactory;

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
