//! What is known of the types of code entries: for the programs that use them, and for the checker when
//! `lua.type_system.strict` asks for it.
//!
//! What an entry declares and what is wrong with it is kept with what it was made from: the entry and what is known of
//! its imports. So a change costs the entries that changed and those that depend on them. Nothing is read before it is
//! needed: types when a program asks for one, the checker under `strict` only, since nothing else would come of what
//! it finds.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use wippy_lua_syntax::Tree;
use wippy_lua_types::{Checked, Diagnostic, Imports, Manifest, builtin};
use wippy_runtime::boot::Config;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::{Error, Result};

use super::definition::Target;
use super::graph::{Closure, CodeNode};
use crate::types::{ModuleTypes, TypeImport, TypeSource};

/// Type errors of one entry that are told; the rest is counted.
const MAX_TOLD: usize = 20;

/// See the module comment.
pub(super) struct TypeBook {
    strict: bool,
    known: Mutex<BTreeMap<EntryId, Arc<Known>>>,
    /// How many sources have been checked.
    checks: AtomicU64,
}

/// An alias and what it stands for.
type Import = (String, Imported);

#[derive(Clone)]
enum Imported {
    Entry(Arc<Known>),
    Builtin(Arc<Manifest>),
    /// Nothing can be said of it.
    Unknown,
}

impl Imported {
    fn same_as(&self, other: &Imported) -> bool {
        match (self, other) {
            (Imported::Entry(a), Imported::Entry(b)) => Arc::ptr_eq(a, b),
            (Imported::Builtin(a), Imported::Builtin(b)) => Arc::ptr_eq(a, b),
            (Imported::Unknown, Imported::Unknown) => true,
            _ => false,
        }
    }
}

/// One version of an entry, as far as types go.
pub(super) struct Known {
    entry: Arc<Entry>,
    imports: Vec<Import>,
    /// What programs find of it; `None` if it declares nothing.
    pub types: Option<Arc<ModuleTypes>>,
    checked: OnceLock<(Arc<Manifest>, Vec<Diagnostic>)>,
}

impl Known {
    fn new(entry: &Arc<Entry>, imports: Vec<Import>) -> Known {
        let types = source(entry).and_then(|_| {
            let import = |(alias, import): &Import| {
                let import = match import {
                    Imported::Entry(known) => TypeImport::Module(known.types.clone()?),
                    Imported::Builtin(manifest) => TypeImport::Builtin(manifest.clone()),
                    Imported::Unknown => return None,
                };
                Some((alias.clone(), import))
            };
            let imports = imports.iter().filter_map(import).collect();
            ModuleTypes::new(entry.id.as_str(), TypeSource::Entry(entry.clone()), imports)
        });
        Known { entry: entry.clone(), imports, types, checked: OnceLock::new() }
    }
    fn is_of(&self, entry: &Arc<Entry>, imports: &[Import]) -> bool {
        let same = |(a, b): (&Import, &Import)| a.0 == b.0 && a.1.same_as(&b.1);
        (Arc::ptr_eq(&self.entry, entry) || self.entry == *entry)
            && self.imports.len() == imports.len()
            && self.imports.iter().zip(imports).all(same)
    }
}

impl TypeBook {
    pub fn from_config(config: &Config) -> TypeBook {
        let on = |key| config.get_bool("lua", key, false);
        let strict = on("type_system.enabled") && on("type_system.strict");
        TypeBook { strict, known: Mutex::default(), checks: AtomicU64::new(0) }
    }

    /// What is known of the entries of a closure, in its order. Under `strict` they are checked. Errors: Invalid
    /// `type errors in ID: LINE:COLUMN MESSAGE; ...` of the first entry that has any.
    pub fn read(&self, closure: &Closure) -> Result<Vec<Arc<Known>>> {
        let known: Vec<Arc<Known>> = closure.nodes().iter().map(|node| self.of(node)).collect();
        for known in known.iter().filter(|_| self.strict) {
            let (_, errors) = self.checked(known);
            if !errors.is_empty() {
                return Err(refused(&known.entry.id, errors));
            }
        }
        Ok(known)
    }

    /// An entry that is gone.
    pub fn forget(&self, id: &EntryId) {
        self.known.lock().remove(id);
    }

    fn of(&self, node: &CodeNode) -> Arc<Known> {
        let known = &mut *self.known.lock();
        let import = |target: &Target| match target {
            Target::Entry(id) => known.get(id).cloned().map(Imported::Entry),
            Target::Module(name) => builtin::module(name).map(Imported::Builtin),
        };
        let imports: Vec<_> = node
            .dependencies
            .iter()
            // A module under its own name is known to everybody anyway.
            .filter(|d| !matches!(&d.target, Target::Module(name) if *name == d.alias))
            .map(|d| (d.alias.clone(), import(&d.target).unwrap_or(Imported::Unknown)))
            .collect();
        if let Some(old) = known.get(node.id()).filter(|old| old.is_of(&node.entry, &imports)) {
            return old.clone();
        }
        let new = Arc::new(Known::new(&node.entry, imports));
        known.insert(node.id().clone(), new.clone());
        new
    }

    /// What the checker says, asked once for each version. Imports come before their importers in a closure.
    fn checked<'k>(&self, known: &'k Known) -> &'k (Arc<Manifest>, Vec<Diagnostic>) {
        known.checked.get_or_init(|| {
            // Compiled entries have no source and are never checked.
            let Some(source) = source(&known.entry) else { return (Arc::new(Manifest::unknown()), vec![]) };
            self.checks.fetch_add(1, Ordering::Relaxed);
            let mut imports = Imports::default();
            for (alias, import) in &known.imports {
                let manifest = match import {
                    Imported::Entry(known) => self.checked(known).0.clone(),
                    Imported::Builtin(manifest) => manifest.clone(),
                    Imported::Unknown => Arc::new(Manifest::unknown()),
                };
                imports.add(alias, manifest);
            }
            match checked(&wippy_lua_syntax::parse(source).root, &imports) {
                Some(checked) => (Arc::new(checked.manifest), checked.diagnostics),
                None => {
                    let id = &known.entry.id;
                    tracing::error!("{id}: the type checker failed on this entry, which is taken as it is");
                    (Arc::new(Manifest::unknown()), vec![])
                }
            }
        })
    }
}

/// The text of an entry that has any.
fn source(entry: &Entry) -> Option<&str> {
    let text = entry.field("source").and_then(Value::as_str)?;
    (!text.is_empty() && !entry.kind.ends_with(".bc")).then_some(text)
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

#[cfg(test)]
mod tests {
    use super::super::Code;
    use super::super::definition::{Dependency, Role};
    use super::super::graph::Graph;
    use super::*;

    fn node(name: &str, source: &str, imports: &[&str]) -> Arc<CodeNode> {
        let data = Value::Map(Map::from([("source".to_owned(), source.into())]));
        let id = EntryId::new("app", name);
        let entry = Entry { id, kind: "library.lua".into(), meta: Map::new(), data, origin: None };
        let dependency = |name: &&str| Dependency {
            alias: (*name).to_owned(),
            target: Target::Entry(EntryId::new("app", name)),
            field: String::new(),
        };
        let dependencies = imports.iter().map(dependency).collect();
        let (role, method, code) = (Role::Library, "main".into(), Code::new(Arc::from([])));
        Arc::new(CodeNode { entry: Arc::new(entry), role, method, dependencies, limits: Default::default(), code })
    }

    #[test]
    fn a_change_is_checked_with_what_depends_on_it() {
        let book = TypeBook { strict: true, known: Mutex::default(), checks: AtomicU64::new(0) };
        let mut graph = Graph::default();
        let library =
            |name: &str| node(name, "local M = {} function M.f(n: number): number return n end return M", &[]);
        let importer = |name: &str, of: &str| {
            let source = format!("local {of} = require(\"{of}\") return {{g = function() return {of}.f(1) end}}");
            node(name, &source, &[of])
        };
        graph.put(library("a"));
        graph.put(library("b"));
        graph.put(importer("on_a", "a"));
        graph.put(importer("on_b", "b"));
        let root = node("root", "return {}", &["on_a", "on_b"]);
        let checked = |graph: &Graph| {
            let before = book.checks.load(Ordering::Relaxed);
            let closure = graph.closure(&root).ok().expect("a closure without cycles");
            let result = book.read(&closure).map(|_| ());
            (book.checks.load(Ordering::Relaxed) - before, result.map_err(|e| e.message().to_owned()))
        };
        assert_eq!(checked(&graph), (5, Ok(())));
        assert_eq!(checked(&graph), (0, Ok(())), "nothing has changed");
        graph.put(library("a"));
        assert_eq!(checked(&graph), (0, Ok(())), "a has the same content");
        graph.put(node("a", "local M = {} function M.f(n: number): string return \"\" end return M", &[]));
        assert_eq!(checked(&graph), (3, Ok(())), "a, what imports it, and the root");
        graph.put(importer("on_b", "b"));
        graph.put(node("a", "local M = {} function M.f(s: string): string return s end return M", &[]));
        let error = "type errors in app:on_a: 1:58 argument 1: expected string, got 1".to_owned();
        assert_eq!(checked(&graph), (2, Err(error)), "the root is not checked any more");
    }
}
