//! The component `calls`: retries, measured calls, processes as functions, contracts.

use std::sync::Arc;

use super::bridge::ProcessFunctions;
use super::measured::{self, Measured};
use super::retry::{self, Retry};
use crate::boot::{Component, Setup};
use crate::contracts::{Contracts, commands};
use crate::error::Result;

/// See the module comment.
pub struct CallsComponent;

/// For the list of components.
pub fn component() -> Arc<dyn Component> {
    Arc::new(CallsComponent)
}

impl Component for CallsComponent {
    fn name(&self) -> &'static str {
        "calls"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.node.functions().intercept(retry::ORDER, Arc::new(Retry));
        if setup.config.get_bool("metrics", "interceptor.enabled", false) {
            setup.node.functions().intercept(measured::ORDER, Arc::new(Measured));
        }
        setup.observer(Arc::new(ProcessFunctions::new(setup.node.clone())));
        let contracts = Arc::new(Contracts::default());
        setup.handler(contracts.clone());
        setup.commands(|c| commands::register(c, &contracts));
        setup.context.set(contracts)
    }
}
