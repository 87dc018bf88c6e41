//! No history: versions count up, but nothing can be listed or gone back to.

use super::History;
use crate::error::{Error, Result};
use crate::registry::changeset::ChangeSet;
use crate::registry::version::Version;

pub struct NilHistory;

const REASON: &str = "registry configured with history disabled (enable_history=false)";

fn unavailable<T>() -> Result<T> {
    Err(Error::unavailable(format!("version history not available: {REASON}")))
}

impl History for NilHistory {
    fn versions(&self) -> Result<Vec<Version>> {
        unavailable()
    }
    fn version(&self, _: u64) -> Result<Option<Version>> {
        unavailable()
    }
    fn changes(&self, _: u64) -> Result<ChangeSet> {
        unavailable()
    }
    fn head(&self) -> Result<Option<u64>> {
        Ok(None)
    }
    fn set_head(&self, _: u64) -> Result<()> {
        Err(Error::unavailable(format!("version rollback not supported: {REASON}")))
    }
    fn save(&self, _: Version, _: &ChangeSet) -> Result<()> {
        Ok(())
    }
    fn highest(&self) -> Result<u64> {
        Ok(0)
    }
}
