//! The component `calls`: retries, processes as functions, contracts.

use std::sync::Arc;

use super::bridge::ProcessFunctions;
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
        setup.observer(Arc::new(ProcessFunctions::new(setup.node.clone())));
        let contracts = Arc::new(Contracts::default());
        setup.handler(contracts.clone());
        setup.commands(|c| commands::register(c, &contracts));
        setup.context.set(contracts)
    }
}
