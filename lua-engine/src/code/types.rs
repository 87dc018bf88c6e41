//! Type checking of code entries, when `lua.type_system.strict` asks for it.
//!
//! The manifest of an entry is kept with what it was made from: the entry and the manifests of its imports. So a
//! change costs the entries that changed and those whose imports say something new. Without `strict` nothing would
//! come of what is found, so nothing is checked.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_lua_syntax::Tree;
use wippy_lua_types::{Checked, Diagnostic, Imports, Manifest, builtin};
use wippy_runtime::boot::Config;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::{Error, Result};

use super::definition::Target;
use super::graph::{Closure, CodeNode};

/// Type errors of one entry that are told; the rest is counted.
const MAX_TOLD: usize = 20;

/// An alias and what it stands for.
type Import = (String, Arc<Manifest>);

/// See the module comment.
pub(super) struct TypeChecker {
    strict: bool,
    known: Mutex<BTreeMap<EntryId, Arc<Known>>>,
    /// Of what nothing can be said.
    unknown: Arc<Manifest>,
}

/// An entry that has been checked.
struct Known {
    entry: Arc<Entry>,
    imports: Vec<Import>,
    manifest: Arc<Manifest>,
    errors: Vec<Diagnostic>,
}

impl Known {
    fn is_of(&self, entry: &Arc<Entry>, imports: &[Import]) -> bool {
        let same = |(a, b): (&Import, &Import)| a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1);
        (Arc::ptr_eq(&self.entry, entry) || self.entry == *entry)
            && self.imports.len() == imports.len()
            && self.imports.iter().zip(imports).all(same)
    }
}

impl TypeChecker {
    pub fn from_config(config: &Config) -> TypeChecker {
        let on = |key| config.get_bool("lua", key, false);
        let strict = on("type_system.enabled") && on("type_system.strict");
        TypeChecker { strict, known: Mutex::default(), unknown: Arc::new(Manifest::unknown()) }
    }

    /// Checks a closure, imports first. Errors: Invalid `type errors in ID: LINE:COLUMN MESSAGE; ...` of the first
    /// entry that has any.
    pub fn check(&self, closure: &Closure) -> Result<()> {
        if !self.strict {
            return Ok(());
        }
        for node in closure.nodes() {
            let known = self.of(node);
            if !known.errors.is_empty() {
                return Err(refused(node.id(), &known.errors));
            }
        }
        Ok(())
    }

    /// An entry that is gone.
    pub fn forget(&self, id: &EntryId) {
        self.known.lock().remove(id);
    }

    fn of(&self, node: &CodeNode) -> Arc<Known> {
        let known = &mut *self.known.lock();
        let manifest = |target: &Target| match target {
            Target::Entry(id) => known.get(id).map(|k| k.manifest.clone()),
            Target::Module(name) => builtin::module(name),
        };
        let imports: Vec<_> = node
            .dependencies
            .iter()
            // A module under its own name is known to the checker anyway.
            .filter(|d| !matches!(&d.target, Target::Module(name) if *name == d.alias))
            .map(|d| (d.alias.clone(), manifest(&d.target).unwrap_or_else(|| self.unknown.clone())))
            .collect();
        if let Some(old) = known.get(node.id()).filter(|old| old.is_of(&node.entry, &imports)) {
            return old.clone();
        }
        let (manifest, errors) = entry_checked(&node.entry, &imports);
        let new = Arc::new(Known { entry: node.entry.clone(), imports, manifest: Arc::new(manifest), errors });
        known.insert(node.id().clone(), new.clone());
        new
    }
}

fn entry_checked(entry: &Entry, imports: &[Import]) -> (Manifest, Vec<Diagnostic>) {
    let source = entry.field("source").and_then(Value::as_str).filter(|s| !s.is_empty());
    // Compiled entries have no source and are never checked.
    let Some(source) = source.filter(|_| !entry.kind.ends_with(".bc")) else { return (Manifest::unknown(), vec![]) };
    let mut known = Imports::default();
    imports.iter().for_each(|(alias, manifest)| known.add(alias, manifest.clone()));
    match checked(&wippy_lua_syntax::parse(source).root, &known) {
        Some(checked) => (checked.manifest, checked.diagnostics),
        None => {
            tracing::error!("{}: the type checker failed on this entry, which is taken as it is", entry.id);
            (Manifest::unknown(), vec![])
        }
    }
}

/// Checks a source; none if the checker itself fails on it, which must not be the end of anything else.
pub(super) fn checked(tree: &Tree, imports: &Imports) -> Option<Checked> {
    catch_unwind(AssertUnwindSafe(|| wippy_lua_types::check(tree, imports))).ok()
}

fn refused(id: &EntryId, errors: &[Diagnostic]) -> Error {
    let told = errors.iter().take(MAX_TOLD).map(|d| format!("{}:{} {}", d.line, d.column, d.message));
    let mut told = told.collect::<Vec<_>>().join("; ");
    if errors.len() > MAX_TOLD {
        told.push_str(&format!("; and {} more", errors.len() - MAX_TOLD));
    }
    let details = Map::from([
        ("node_id".to_owned(), id.as_str().into()),
        ("error_count".to_owned(), Value::Int(errors.len() as i64)),
    ]);
    Error::invalid(format!("type errors in {id}: {told}")).retryable(false).with_details(Some(details))
}
