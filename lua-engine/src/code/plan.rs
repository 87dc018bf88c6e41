//! From a closure of the code graph to the plan of its root: which chunks a
//! new VM runs, in which order, and what every name stands for.
//!
//! All aliases of a closure live in one table of globals, so two meanings of
//! one name are refused here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wippy_runtime::registry::EntryId;
use wippy_runtime::{Error, Kind};

use super::definition::{Role, Target};
use super::graph::{Closure, CodeNode};
use super::problems::Problems;
use super::types::Known;
use super::{Plan, Unit};
use crate::modules::Catalogue;
use crate::state::{Program, Surroundings};

/// The plan of `closure`'s root; `known` is what is known of its entries. Errors: Conflict `alias 'A' collision`; NotFound for a module that is not there.
pub(super) fn plan(
    closure: &Closure,
    known: &[Arc<Known>],
    catalogue: &Catalogue,
    surroundings: &Arc<dyn Surroundings>,
) -> Result<Plan, Error> {
    let root = closure.root();
    let names = Names::of(closure)?;
    let mut program = Program::new(root.id().as_str(), &[], surroundings.clone());
    for (alias, (target, _)) in &names.by_alias {
        if let Target::Module(name) = target {
            let module = catalogue.find(name);
            let module = module.ok_or_else(|| Error::not_found(format!("node with ID {name} not found")))?;
            program.bind(alias, module);
        }
    }
    known.iter().filter_map(|known| known.types.clone()).for_each(|types| program.add_types(types));
    let unit = |node: &Arc<CodeNode>| Unit {
        id: node.id().to_string(),
        aliases: names.of_entry(node.id()),
        code: node.code.clone(),
    };
    let libraries = closure.libraries().iter().map(unit).collect();
    let main = Unit { aliases: Vec::new(), ..unit(root) };
    let pooled = root.role == Role::Function;
    Ok(Plan { limits: root.limits, ..Plan::new(program, libraries, main, root.method.clone(), pooled) })
}

/// What the names in a closure stand for.
struct Names<'c> {
    /// Target, and who named it so first.
    by_alias: BTreeMap<&'c str, (&'c Target, &'c EntryId)>,
    by_entry: BTreeMap<&'c EntryId, BTreeSet<&'c str>>,
}

impl<'c> Names<'c> {
    fn of(closure: &'c Closure) -> Result<Names<'c>, Error> {
        let mut names = Names { by_alias: BTreeMap::new(), by_entry: BTreeMap::new() };
        let mut problems = Problems::default();
        // From the root down, so that a collision is told in the order in which a reader meets it.
        for node in closure.nodes().iter().rev() {
            for dependency in &node.dependencies {
                let (alias, target) = (dependency.alias.as_str(), &dependency.target);
                let (known, by) = *names.by_alias.entry(alias).or_insert((target, node.id()));
                if known != target {
                    let text = format!(
                        "alias '{alias}' collision: {known} (named so by {by}) vs {target} (named so by {})",
                        node.id()
                    );
                    let root = closure.root();
                    let error = match root.dependencies.iter().find(|d| d.alias == alias) {
                        Some(own) => root.entry.field_error(&own.field, text),
                        None => root.entry.error(text),
                    };
                    problems.push(error.with_kind(Kind::CONFLICT));
                } else if let Target::Entry(id) = target {
                    names.by_entry.entry(id).or_default().insert(alias);
                }
            }
        }
        problems.finish().map(|()| names)
    }
    fn of_entry(&self, id: &EntryId) -> Vec<String> {
        self.by_entry.get(id).into_iter().flatten().map(|alias| (*alias).to_owned()).collect()
    }
}
