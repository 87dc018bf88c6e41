//! What one module tells the modules that import it.

use crate::hash::Map;
use crate::ty::{Def, Name, Ty};
use std::fmt;
use std::sync::Arc;

/// The result of checking a module. Cheap to share; holds what it needs of the manifests it was made with.
pub struct Manifest {
    /// The first value of the chunk's `return`s.
    pub export: Ty,
    /// The types declared at the top level.
    pub types: Map<Name, Arc<Def>>,
    /// All definitions that types of this module refer to.
    pub(crate) _defs: Vec<Arc<Def>>,
    pub(crate) _imports: Vec<Arc<Manifest>>,
}

impl Manifest {
    /// A module nothing is known of.
    pub fn unknown() -> Manifest {
        Manifest { export: Ty::Undetermined, types: Map::default(), _defs: vec![], _imports: vec![] }
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut types: Vec<&Name> = self.types.keys().collect();
        types.sort();
        f.debug_struct("Manifest").field("export", &format_args!("{}", self.export)).field("types", &types).finish()
    }
}

/// The manifests a chunk may refer to, by the name it knows them under.
#[derive(Debug, Default, Clone)]
pub struct Imports {
    modules: Map<String, Arc<Manifest>>,
}

impl Imports {
    /// `alias` is what the chunk passes to `require` and writes before the dot of a type.
    pub fn add(&mut self, alias: &str, manifest: Arc<Manifest>) {
        self.modules.insert(alias.to_owned(), manifest);
    }

    pub fn get(&self, alias: &str) -> Option<&Arc<Manifest>> {
        self.modules.get(alias)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Manifest>> {
        let mut named: Vec<_> = self.modules.iter().collect();
        named.sort_by_key(|(alias, _)| alias.as_str());
        named.into_iter().map(|(_, manifest)| manifest.clone()).collect()
    }
}
