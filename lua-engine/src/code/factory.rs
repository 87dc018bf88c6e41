//! Makes Lua processes of one entry.

use std::sync::Arc;

use wippy_runtime::Error;
use wippy_runtime::process::{Factory, Process};

use super::Plan;
use crate::process::LuaProcess;

/// A factory over a loaded plan. New code means a new factory; processes that run keep the plan they began with.
pub struct LuaFactory {
    plan: Arc<Plan>,
}

impl LuaFactory {
    pub fn new(plan: Arc<Plan>) -> LuaFactory {
        LuaFactory { plan }
    }
}

impl Factory for LuaFactory {
    fn create(&self) -> Result<Box<dyn Process>, Error> {
        Ok(Box::new(LuaProcess::new(self.plan.clone())))
    }
    fn create_loaded(&self) -> Result<Box<dyn Process>, Error> {
        Ok(Box::new(LuaProcess::loaded(self.plan.clone())?))
    }
    fn method(&self) -> Arc<str> {
        self.plan.method.clone()
    }
    fn engine(&self) -> &'static str {
        "lua"
    }
}
