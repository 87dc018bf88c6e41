//! What programs may ask: one variable, a new value, everything.
//!
//! Answered inside the step, unless a file has to be read or written: that is
//! done on the blocking pool.

use std::collections::BTreeMap;

use wippy_runtime::dispatch::{Caller, DispatcherBuilder, Gate, Permissions, Request};
use wippy_runtime::{Error, Result};

/// Reads a variable; bare names are also tried in the namespace of the caller's entry.
pub struct GetVariable {
    pub name: String,
}

impl Request for GetVariable {
    const NAME: &'static str = "env.get";
    const CAPABILITY: &'static str = "env";
    const PERMISSIONS: Permissions = Some(&[("env.get", "variable name")]);
    type Reply = String;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        gate.require("env.get", &self.name, || {
            Error::permission_denied(format!("not allowed to access environment variable: {}", self.name))
        })
    }
}

/// Writes a variable.
pub struct SetVariable {
    pub name: String,
    pub value: String,
}

impl Request for SetVariable {
    const NAME: &'static str = "env.set";
    const CAPABILITY: &'static str = "env";
    const PERMISSIONS: Permissions = Some(&[("env.set", "variable name")]);
    type Reply = ();
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        gate.require("env.set", &self.name, || {
            Error::permission_denied(format!("not allowed to set environment variable: {}", self.name))
        })
    }
}

/// Everything that the storages hold and the caller may get.
pub struct AllVariables;

impl Request for AllVariables {
    const NAME: &'static str = "env.get_all";
    const CAPABILITY: &'static str = "env";
    const PERMISSIONS: Permissions = Some(&[("env.get", "each variable name; others are left out")]);
    type Reply = BTreeMap<String, String>;
    /// Each variable is asked for when it is known.
    fn authorize(&self, _: &Gate<'_>) -> Result<()> {
        Ok(())
    }
}

/// Adds the handlers.
pub fn register(commands: &mut DispatcherBuilder) {
    fn get(caller: &Caller, r: &GetVariable) -> Result<String> {
        caller.node.environment().get(&r.name, caller.frame().entry.ns())
    }
    fn set(caller: &Caller, r: &SetVariable) -> Result<()> {
        caller.node.environment().set(&r.name, caller.frame().entry.ns(), &r.value)
    }
    fn all(caller: &Caller) -> Result<BTreeMap<String, String>> {
        let gate = Gate::new(caller);
        let mut all = caller.node.environment().all()?;
        all.retain(|name, _| gate.allows("env.get", name));
        Ok(all)
    }
    fn blocks(caller: &Caller, name: &str) -> bool {
        caller.node.environment().blocks(name, caller.frame().entry.ns())
    }
    commands.quick_or_blocking(
        |c, r: &GetVariable| (!blocks(c, &r.name)).then(|| get(c, r)),
        |c, r: GetVariable| get(c, &r),
    );
    commands.quick_or_blocking(
        |c, r: &SetVariable| (!blocks(c, &r.name)).then(|| set(c, r)),
        |c, r: SetVariable| set(c, &r),
    );
    commands.quick_or_blocking(
        |c, _: &AllVariables| (!c.node.environment().any_blocks()).then(|| all(c)),
        |c, _: AllVariables| all(c),
    );
}
