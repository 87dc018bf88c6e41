//! What can be asked for, and the permissions it needs.

use std::sync::Arc;

use wippy_runtime::Error;
use wippy_runtime::dispatch::{Gate, Permissions, Request};
use wippy_runtime::payload::{Flat, Map};
use wippy_runtime::process::{Actor, OwnLimits};
use wippy_runtime::security::Scope;

/// What evaluated code may use.
#[derive(Debug, Default)]
pub struct Selection {
    /// Names of modules; none means all that are not forbidden.
    pub modules: Vec<String>,
    /// Aliases and ids of library entries.
    pub imports: Vec<(String, String)>,
    /// Classes of modules that are not forbidden here.
    pub classes: Vec<String>,
}

/// Where and as whom it runs; what is not given is the caller's.
#[derive(Debug, Default)]
pub struct Where {
    /// Id of a process host.
    pub host: Option<String>,
    pub limits: OwnLimits,
    pub actor: Option<Arc<Actor>>,
    pub scope: Option<Arc<Scope>>,
    /// Context values in place of the caller's; empty: the caller's.
    pub context: Map,
}

/// Runs a source. Reply: at most one value. Ends with its caller.
/// Errors: PermissionDenied; Invalid `source is required`; everything else is Internal, as the reference says.
#[derive(Debug)]
pub struct Evaluate {
    /// What is wrong with the configuration, told after the first permission.
    pub problem: Option<Error>,
    pub source: Vec<u8>,
    /// Empty: the chunk itself.
    pub method: String,
    pub args: Flat,
    pub selection: Selection,
    pub place: Where,
    /// Globals, each one encoded value.
    pub globals: Vec<(String, Flat)>,
}

impl Request for Evaluate {
    const NAME: &'static str = "eval.run";
    const CAPABILITY: &'static str = "eval_runner";
    const PERMISSIONS: Permissions = Some(&[
        ("eval.run", ""),
        ("eval.module", "each module"),
        ("eval.import", "each import"),
        ("eval.class", "each class"),
        ("process.host", "host id, if one is given"),
        ("eval.security", "`security`, if an actor or a scope is given"),
    ]);
    type Reply = Flat;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        gate.require("eval.run", "", || denied("eval.run"))?;
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        if let Some(host) = &self.place.host {
            gate.may_reach(host)?;
        }
        self.selection.authorize(gate)?;
        if let Some(host) = &self.place.host {
            let text = || Error::permission_denied(format!("not allowed to evaluate on host: {host}"));
            gate.require("process.host", host, text)?;
        }
        if self.place.actor.is_some() || self.place.scope.is_some() {
            let text = "not allowed to evaluate with custom security context";
            gate.require("eval.security", "security", || Error::permission_denied(text))?;
        }
        Ok(())
    }
}

/// Checks a source without running it. Reply: the modules that would be selected. Errors as of [`Evaluate`].
#[derive(Debug)]
pub struct Compile {
    pub source: Vec<u8>,
    pub selection: Selection,
}

impl Request for Compile {
    const NAME: &'static str = "eval.compile";
    const CAPABILITY: &'static str = "eval_runner";
    const PERMISSIONS: Permissions =
        Some(&[("eval.compile", ""), ("eval.module", "each module"), ("eval.import", "each import")]);
    type Reply = Vec<&'static str>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        gate.require("eval.compile", "", || denied("eval.compile"))?;
        self.selection.authorize(gate)
    }
}

impl Selection {
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        let entry = ("entry_id".to_owned(), gate.caller().frame().entry.as_str().into());
        let attributes = Map::from([entry]);
        let ask = |action: &str, resource: &str, attributes: &Map| match gate.ask(action, resource, attributes) {
            true => Ok(()),
            false => Err(denied(&format!("{action} {resource}"))),
        };
        for module in &self.modules {
            ask("eval.module", module, &attributes)?;
        }
        for (alias, id) in &self.imports {
            let mut attributes = attributes.clone();
            attributes.insert("alias".to_owned(), alias.as_str().into());
            ask("eval.import", id, &attributes)?;
        }
        self.classes.iter().try_for_each(|class| ask("eval.class", class, &attributes))
    }
}

fn denied(what: &str) -> Error {
    Error::permission_denied(format!("permission denied: {what}"))
}
