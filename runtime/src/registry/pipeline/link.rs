//! Stage `link`: gives the parameters of `ns.dependency` entries, or defaults,
//! to the fields that `ns.requirement` entries name. A requirement that gets no
//! value is a warning: its targets stay as they were written.

use std::collections::HashMap;

use super::field_path::FieldPath;
use super::{EntrySet, Stage};
use crate::boot::Problem;
use crate::boot::lock::is_module_name;
use crate::error::{Error, Result};
use crate::payload::Value;
use crate::registry::{Entry, EntryId};

const REQUIREMENT: &str = "ns.requirement";
const DEPENDENCY: &str = "ns.dependency";

/// See the module comment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link;

/// One parameter of a dependency.
struct Parameter {
    /// `org/module`
    component: String,
    /// `org.module`
    component_ns: String,
    name: String,
    value: Value,
    from: EntryId,
}

impl Parameter {
    fn feeds(&self, requirement: &Entry) -> bool {
        let of_module = requirement.meta.get("module").and_then(Value::as_str) == Some(&self.component);
        let id = &requirement.id;
        match self.name.split_once(':') {
            None => self.name == id.name() && (id.ns() == self.component_ns || of_module),
            Some((ns, name)) => {
                self.name == id.as_str()
                    || (ns == self.component_ns && name == id.name() && (id.ns() == ns || of_module))
            }
        }
    }
}

impl Stage for Link {
    fn name(&self) -> &'static str {
        "link"
    }

    fn run(&self, set: &mut EntrySet) -> Result<()> {
        let parameters = parameters(&set.entries)?;
        let requirements: Vec<Entry> = set.entries.iter().filter(|e| e.kind == REQUIREMENT).cloned().collect();
        if requirements.is_empty() {
            return Ok(());
        }
        let positions = set.positions();
        for requirement in &requirements {
            let outcome = choose(requirement, &parameters)
                .and_then(|value| targets(requirement).map(|targets| (value, targets)))
                .and_then(|(value, targets)| {
                    let failed: Vec<String> = targets
                        .iter()
                        .filter_map(|target| apply(target, &value, requirement, &positions, set).err())
                        .map(|e| e.to_string())
                        .collect();
                    if failed.is_empty() { Ok(()) } else { Err(Error::invalid(failed.join("; "))) }
                });
            if let Err(e) = outcome {
                set.problems.push(warning(requirement, &e));
            }
        }
        Ok(())
    }
}

fn warning(requirement: &Entry, error: &Error) -> Problem {
    let origin = requirement.origin.clone().unwrap_or_default();
    let mut p = Problem::warning(origin.file, error.to_string()).entry(requirement.id.clone());
    p.line = origin.line;
    if error.kind() == &crate::error::Kind::NOT_FOUND {
        p = p.help("give the requirement a `default`, or a dependency a parameter of this name");
    }
    p
}

fn parameters(entries: &[Entry]) -> Result<Vec<Parameter>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for entry in entries.iter().filter(|e| e.kind == DEPENDENCY) {
        let component = entry.field("component").and_then(Value::as_str).unwrap_or_default();
        if !is_module_name(component) {
            let message = format!("component must be org/module, found \"{component}\"");
            errors.push(entry.field_error("component", message).to_string());
            continue;
        }
        for parameter in entry.field("parameters").and_then(Value::as_list).unwrap_or_default() {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let value = parameter.get("value").cloned().unwrap_or_default();
            if name.is_empty() || value.is_nil() {
                continue;
            }
            found.push(Parameter {
                component: component.to_owned(),
                component_ns: component.replace('/', "."),
                name: name.to_owned(),
                value,
                from: entry.id.clone(),
            });
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(Error::invalid(errors.join("\n"))) }
}

/// The value of a requirement: agreeing parameters, else the default.
fn choose(requirement: &Entry, parameters: &[Parameter]) -> Result<Value> {
    let mut chosen: Option<&Parameter> = None;
    for parameter in parameters.iter().filter(|p| p.feeds(requirement)) {
        match chosen {
            Some(first) if first.value != parameter.value => {
                let message = format!("conflicting parameter values from {} and {}", first.from, parameter.from);
                return Err(Error::conflict(message));
            }
            _ => chosen = Some(parameter),
        }
    }
    let default = requirement.field("default").filter(|d| !d.is_nil());
    let value = chosen.map(|p| &p.value).or(default).cloned();
    value.ok_or_else(|| Error::not_found("requirement is unresolved: no parameter and no default"))
}

/// (entry, path) of each target.
fn targets(requirement: &Entry) -> Result<Vec<(String, String)>> {
    let targets = requirement.field("targets").and_then(Value::as_list).unwrap_or_default();
    if targets.is_empty() {
        return Err(Error::invalid("requirement has no targets"));
    }
    let text = |target: &Value, key: &str| target.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(targets.iter().map(|target| (text(target, "entry"), text(target, "path"))).collect())
}

fn apply(
    (entry, path): &(String, String),
    value: &Value,
    requirement: &Entry,
    positions: &HashMap<EntryId, usize>,
    set: &mut EntrySet,
) -> Result<()> {
    let id = EntryId::resolve(entry, requirement.id.ns());
    let fail = |e: Error| Error::invalid(format!("target {id} {path}")).because(e);
    let target = positions.get(&id).and_then(|&at| set.entries.get_mut(at));
    let target = target.ok_or_else(|| fail(Error::invalid("no matching entries found")))?;
    match path.strip_suffix("+=") {
        Some(path) => FieldPath::parse(path.trim_end()).and_then(|p| p.append(target, value.clone())),
        None => FieldPath::parse(path).map(|p| p.set(target, value.clone())),
    }
    .map_err(fail)
}
