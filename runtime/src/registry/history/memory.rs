//! A history that lives as long as the program. It keeps every version.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use super::{History, not_found};
use crate::error::{Error, Result};
use crate::registry::changeset::ChangeSet;
use crate::registry::version::Version;

pub struct MemoryHistory(RwLock<Tree>);

struct Tree {
    versions: BTreeMap<u64, (Version, ChangeSet)>,
    head: Option<u64>,
}

impl MemoryHistory {
    pub fn new() -> MemoryHistory {
        let root = (Version::ROOT, ChangeSet::new());
        MemoryHistory(RwLock::new(Tree { versions: BTreeMap::from([(0, root)]), head: None }))
    }
}

impl Default for MemoryHistory {
    fn default() -> MemoryHistory {
        MemoryHistory::new()
    }
}

impl History for MemoryHistory {
    fn versions(&self) -> Result<Vec<Version>> {
        Ok(self.0.read().versions.values().map(|(v, _)| *v).collect())
    }
    fn version(&self, id: u64) -> Result<Option<Version>> {
        Ok(self.0.read().versions.get(&id).map(|(v, _)| *v))
    }
    fn changes(&self, id: u64) -> Result<ChangeSet> {
        self.0.read().versions.get(&id).map(|(_, c)| c.clone()).ok_or_else(not_found)
    }
    fn head(&self) -> Result<Option<u64>> {
        Ok(self.0.read().head)
    }
    fn set_head(&self, id: u64) -> Result<()> {
        let mut tree = self.0.write();
        if !tree.versions.contains_key(&id) {
            return Err(not_found());
        }
        tree.head = Some(id);
        Ok(())
    }
    fn save(&self, version: Version, changes: &ChangeSet) -> Result<()> {
        let mut tree = self.0.write();
        if tree.versions.contains_key(&version.id) {
            return Err(Error::conflict(format!("version {version} already exists")));
        }
        tree.versions.insert(version.id, (version, changes.clone()));
        tree.head = Some(version.id);
        Ok(())
    }
    fn highest(&self) -> Result<u64> {
        Ok(self.0.read().versions.keys().next_back().copied().unwrap_or(0))
    }
}
