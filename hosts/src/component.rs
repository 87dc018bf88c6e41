//! The component `hosts`: function pools for the engines.

use std::sync::Arc;

use wippy_runtime::Result;
use wippy_runtime::boot::{Component, Setup};
use wippy_runtime::functions::Pools;

use crate::pools::FunctionPools;

/// See the module comment.
pub struct HostsComponent;

impl Component for HostsComponent {
    fn name(&self) -> &'static str {
        "hosts"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.context.set::<dyn Pools>(Arc::new(FunctionPools::new(setup.node)))
    }
}
