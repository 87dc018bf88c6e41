//! One runnable version of one entry: the code it is made of and what runs it.
//! Prepared first, then installed; a version that never is leaves no trace.

use std::mem::discriminant;
use std::sync::Arc;

use wippy_runtime::functions::{Pool, Pools};
use wippy_runtime::process::Factory;
use wippy_runtime::{Error, Kind, Node, Result};

use super::LuaFactory;
use super::definition::Role;
use super::graph::{Closure, CodeNode};
use super::plan::plan;
use super::types::TypeBook;
use crate::modules::Catalogue;
use crate::state::Surroundings;

/// What runs an entry.
enum Runner {
    Pool(Arc<dyn Pool>),
    Factory(Arc<dyn Factory>),
}

/// See the module comment.
pub(super) struct Version {
    pub closure: Closure,
    runner: Runner,
    installed: bool,
}

/// What versions are made with.
pub(super) struct Workshop {
    pub catalogue: Arc<Catalogue>,
    pub surroundings: Arc<dyn Surroundings>,
    pub pools: Arc<dyn Pools>,
    pub types: TypeBook,
}

impl Workshop {
    /// A version of the closure's root; `None` for a library, which runs only inside others. Errors: names that
    /// collide, types that do not fit, a `pool` that is not valid, code that a static pool cannot load.
    pub fn prepare(&self, closure: Closure) -> Result<Option<Version>> {
        let known = self.types.read(&closure)?;
        let root = closure.root();
        if root.role == Role::Library {
            return Ok(None);
        }
        let plan = Arc::new(plan(&closure, &known, &self.catalogue, &self.surroundings)?);
        let factory = Arc::new(LuaFactory::new(plan));
        let runner = match root.role {
            Role::Function => Runner::Pool(self.pools.prepare(&root.entry, factory).map_err(|e| refused(root, e))?),
            _ => Runner::Factory(factory),
        };
        Ok(Some(Version { closure, runner, installed: false }))
    }
}

/// What is wrong with the field `pool` says where it is. What the code of a static pool says becomes a text, so that a
/// method that is not there is not taken for an entry that may still come.
fn refused(root: &CodeNode, error: Error) -> Error {
    match *error.kind() == Kind::INVALID {
        true => error,
        false => root.entry.error(format_args!("failed to create pool: {error}")).with_kind(Kind::INTERNAL),
    }
}

impl Version {
    /// Takes over from `old`: calls and starts from now on run this version, running ones end as they began.
    pub fn install(&mut self, node: &Node, old: Option<Version>) {
        // An entry whose kind changed stops being what it was.
        let same_kind = |old: &Version| discriminant(&old.runner) == discriminant(&self.runner);
        let old = match old {
            Some(old) if !same_kind(&old) => {
                old.remove(node);
                None
            }
            old => old,
        };
        match &self.runner {
            Runner::Pool(pool) => pool.install(),
            Runner::Factory(factory) => node.register_factory(self.closure.root().id(), factory.clone()),
        }
        self.installed = true;
        if let Some(Runner::Pool(pool)) = old.as_ref().map(|old| &old.runner) {
            pool.retire();
        }
    }

    /// The ids of what is new or different in this version compared with `old`; `None` if nobody could be running it.
    pub fn changes_since(&self, old: &Version) -> Option<Vec<String>> {
        let (Runner::Factory(_), Runner::Factory(_)) = (&self.runner, &old.runner) else { return None };
        Some(self.closure.differing(&old.closure).map(|node| node.id().to_string()).collect())
    }

    /// The entry is gone: nothing new can be called or started, what runs goes on.
    pub fn remove(self, node: &Node) {
        let id = self.closure.root().id();
        match &self.runner {
            Runner::Pool(pool) => {
                node.functions().remove(id.as_str());
                pool.close();
            }
            Runner::Factory(_) => node.remove_factory(id),
        }
    }
}

impl Drop for Version {
    fn drop(&mut self) {
        if let (Runner::Pool(pool), false) = (&self.runner, self.installed) {
            pool.close();
        }
    }
}
