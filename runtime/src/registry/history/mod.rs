//! Where versions are kept.
//!
//! A history is a tree of versions with the changes that made each, and a head:
//! the version to start from next time. `memory` forgets at exit, `nil` keeps
//! nothing and says so, `sqlite` is one file that survives a kill at any moment.

mod codec;
mod memory;
mod nil;
mod sqlite;

pub use memory::MemoryHistory;
pub use nil::NilHistory;
pub use sqlite::SqliteHistory;

use std::path::Path;
use std::sync::Arc;

use super::changeset::ChangeSet;
use super::version::Version;
use crate::error::{Error, Result};

/// Keeps versions. Calls may block on the disk.
pub trait History: Send + Sync {
    /// All versions by ascending id; the first is the root.
    fn versions(&self) -> Result<Vec<Version>>;
    /// `None`: no such version.
    fn version(&self, id: u64) -> Result<Option<Version>>;
    /// The changes that made `id`. NotFound for an unknown version.
    fn changes(&self, id: u64) -> Result<ChangeSet>;
    /// `None`: never set.
    fn head(&self) -> Result<Option<u64>>;
    /// Makes a version the head. NotFound for an unknown one.
    fn set_head(&self, id: u64) -> Result<()>;
    /// Adds a version with its changes and makes it the head, all or nothing.
    fn save(&self, version: Version, changes: &ChangeSet) -> Result<()>;
    /// The greatest id there is.
    fn highest(&self) -> Result<u64>;
    /// Whether calls may take as long as a disk does.
    fn blocks(&self) -> bool {
        false
    }
    /// The child of `id` that was made last.
    fn last_child(&self, id: u64) -> Result<Option<Version>> {
        Ok(self.versions()?.into_iter().rev().find(|v| v.parent == Some(id)))
    }
    /// The ids from the root to `id`. NotFound `version not found in history`.
    fn lineage(&self, id: u64) -> Result<Vec<u64>> {
        let mut line = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let version = self.version(id)?.ok_or_else(not_found)?;
            // A parent is older than its child; anything else is a damaged history.
            if version.parent.is_some_and(|p| p >= id) {
                return Err(Error::internal(format!("registry history is damaged: {version} is its own ancestor")));
            }
            line.push(id);
            next = version.parent;
        }
        line.reverse();
        Ok(line)
    }
}

/// The history of a configured type: `memory`, `sqlite` (in the file `path`) or
/// `nil`. An unknown type is a warning and means `memory`, as for the original.
pub fn open(history_type: &str, path: &Path) -> Result<Arc<dyn History>> {
    Ok(match history_type {
        "sqlite" => Arc::new(SqliteHistory::open(path)?),
        "nil" => Arc::new(NilHistory),
        "postgres" => return Err(Error::invalid("registry.history_type: postgres is not supported by this build")),
        "memory" => Arc::new(MemoryHistory::new()),
        other => {
            tracing::warn!("registry.history_type: unknown type `{other}`, keeping the history in memory");
            Arc::new(MemoryHistory::new())
        }
    })
}

pub(super) fn not_found() -> Error {
    Error::not_found("version not found in history")
}
