//! The pools of the hosts crate as a component.

use std::sync::Arc;

use wippy_hosts::pools::{FunctionPool, PoolConfig};
use wippy_runtime::boot::{Component, Setup};
use wippy_runtime::functions::{Pool, Pools, call_options};
use wippy_runtime::process::Factory;
use wippy_runtime::registry::Entry;
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::{Error, Node, Result};

pub struct HostsComponent;
struct Provider(Arc<Node>);
struct Prepared(FunctionPool);
impl Pool for Prepared {
    fn install(&self) {
        self.0.install()
    }
    fn retire(&self) {
        self.0.retire()
    }
    fn close(&self) {
        self.0.close()
    }
}
impl Pools for Provider {
    fn prepare(&self, entry: &Entry, factory: Arc<dyn Factory>) -> Result<Arc<dyn Pool>, Error> {
        let config = PoolConfig::decode(&Fields::new(entry)?)?;
        Ok(Arc::new(Prepared(FunctionPool::new(&self.0, entry.id.clone(), factory, config, call_options(entry))?)))
    }
}
impl Component for HostsComponent {
    fn name(&self) -> &'static str {
        "hosts"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.context.set::<dyn Pools>(Arc::new(Provider(setup.node.clone())))
    }
}
