//! Function pools as the engines see them.

use std::sync::{Arc, Weak};

use wippy_runtime::functions::{Pool, Pools};
use wippy_runtime::process::Factory;
use wippy_runtime::registry::Entry;
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::{Error, Node, Result};

use super::{FunctionPool, PoolConfig};

/// Makes pools on one node.
pub struct FunctionPools(Weak<Node>);

impl FunctionPools {
    pub fn new(node: &Arc<Node>) -> FunctionPools {
        FunctionPools(Arc::downgrade(node))
    }
}

impl Pools for FunctionPools {
    fn prepare(&self, entry: &Entry, factory: Arc<dyn Factory>) -> Result<Arc<dyn Pool>> {
        let node = self.0.upgrade().ok_or_else(|| Error::unavailable("the node is gone"))?;
        let fields = Fields::new(entry)?;
        let config = PoolConfig::decode(&fields)?;
        fields.finish_and_log();
        let pool = FunctionPool::new(&node, entry, factory, config)?;
        Ok(Arc::new(pool))
    }
}

impl Pool for FunctionPool {
    fn install(&self) {
        FunctionPool::install(self);
    }
    fn retire(&self) {
        FunctionPool::retire(self);
    }
    fn close(&self) {
        FunctionPool::close(self);
    }
}
