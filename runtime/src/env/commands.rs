//! What programs may ask of the environment. The part that owns the storages
//! answers.

use std::collections::BTreeMap;

use crate::dispatch::{Gate, Permissions, Request};
use crate::error::{Error, Result};

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
