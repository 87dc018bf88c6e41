//! Answers what programs ask: one variable, a new value, everything.
//!
//! Inside the step, unless a file has to be read or written: that is done on
//! the blocking pool.

use std::collections::BTreeMap;

use wippy_runtime::Result;
use wippy_runtime::dispatch::{Caller, DispatcherBuilder, Gate};
pub use wippy_runtime::env::commands::{AllVariables, GetVariable, SetVariable};

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
