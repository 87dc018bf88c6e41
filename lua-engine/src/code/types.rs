//! What is known of the types of code entries: for the programs that use them, and for the checker when
//! `lua.type_system.strict` asks for it.
//!
//! What an entry declares and what is wrong with it is kept with what it was made from: the source and what is known of
//! its imports. So a change costs the entries that changed and those that depend on them. Nothing is read before it is
//! needed: types when a program asks for one, the checker under `strict` only, since nothing else would come of what
//! it finds. Whoever has to know what is wrong with an entry asks the checker, unless a thread that went ahead has.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_lua_syntax::Parse;
use wippy_lua_types::{Code, Diagnostic, builtin};
use wippy_runtime::boot::Config;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::pipeline::CodeCache;
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::{Error, Result};

use super::check::{self, Checks, Import, Subject, Text};
use super::definition::Target;
use super::graph::{Closure, CodeNode};
use crate::types::{ModuleTypes, TypeImport, TypeSource};

/// Type errors of one entry that are told; the rest is counted.
const MAX_TOLD: usize = 20;

/// See the module comment.
pub(super) struct TypeBook {
    strict: bool,
    known: Mutex<BTreeMap<EntryId, Arc<Known>>>,
    checks: Arc<Checks>,
}

/// One version of an entry, as far as types go.
pub(super) struct Known {
    subject: Arc<Subject>,
    /// What programs find of it; `None` if it declares nothing.
    pub types: Option<Arc<ModuleTypes>>,
}

impl TypeBook {
    /// `cache` keeps what the checker has found.
    pub fn new(config: &Config, cache: Option<Arc<CodeCache>>) -> TypeBook {
        let on = |key| config.get_bool("lua", key, false);
        let strict = on("type_system.enabled") && on("type_system.strict");
        TypeBook { strict, known: Mutex::default(), checks: Arc::new(Checks::new(cache.filter(|_| strict))) }
    }

    /// What is known of the entries of a closure, in its order. Under `strict` they are checked. Errors: Invalid
    /// `type errors in ID: LINE:COLUMN MESSAGE; ...` of the first entry that has any.
    pub fn read(&self, closure: &Closure) -> Result<Vec<Arc<Known>>> {
        let known: Vec<Arc<Known>> = closure.nodes().iter().map(|node| self.of(node)).collect();
        for known in known.iter().filter(|_| self.strict) {
            let found = self.checks.diagnostics(&known.subject, &Text::new(known.source()));
            // What the checker fails on is taken as it is.
            let errors: Vec<&Diagnostic> = found.iter().filter(|d| d.code != Code::E9999).collect();
            if !errors.is_empty() {
                return Err(refused(&known.subject.entry.id, &errors));
            }
        }
        Ok(known)
    }

    /// The entries of a change to come, so that what an entry imports comes before it, each with what is known of it if
    /// it is to be checked.
    pub fn expect(&self, entries: &[Arc<Entry>]) -> Vec<(Arc<Entry>, Option<Arc<Known>>)> {
        if !self.strict {
            return entries.iter().map(|entry| (entry.clone(), None)).collect();
        }
        let at: BTreeMap<&EntryId, usize> = entries.iter().enumerate().map(|(n, entry)| (&entry.id, n)).collect();
        let needs = |n: usize| {
            let imports = check::imports(&entries[n]).filter_map(|(_, target)| match target {
                Target::Entry(id) => at.get(&id).copied(),
                Target::Module(_) => None,
            });
            imports.collect()
        };
        let order = check::needs_first(entries.len(), needs);
        let known = |n: usize| self.about(&entries[n], check::imports(&entries[n]));
        order.into_iter().map(|n| (entries[n].clone(), Some(known(n)))).collect()
    }

    /// For a thread that finds out what is wrong with entries before somebody [`read`](Self::read)s about them.
    pub fn checks(&self) -> Arc<Checks> {
        self.checks.clone()
    }

    /// An entry that is gone.
    pub fn forget(&self, id: &EntryId) {
        self.known.lock().remove(id);
    }

    /// Forgets entries that never came to be.
    pub fn retain(&self, there: impl Fn(&EntryId) -> bool) {
        self.known.lock().retain(|id, _| there(id));
    }

    fn of(&self, node: &CodeNode) -> Arc<Known> {
        // A module under its own name is known to everybody anyway.
        let named = |alias: &str, target: &Target| !matches!(target, Target::Module(name) if name == alias);
        let dependencies = node.dependencies.iter().filter(|d| named(&d.alias, &d.target));
        self.about(&node.entry, dependencies.map(|d| (d.alias.as_str(), d.target.clone())))
    }

    fn about<'d>(&self, entry: &Arc<Entry>, dependencies: impl Iterator<Item = (&'d str, Target)>) -> Arc<Known> {
        let book = &mut *self.known.lock();
        let (mut imports, mut types) = (Vec::new(), Vec::new());
        for (alias, target) in dependencies {
            let alias = alias.to_owned();
            let import = match target {
                Target::Entry(id) => book.get(&id).map(|known| {
                    types.extend(known.types.clone().map(|of| (alias.clone(), TypeImport::Module(of))));
                    Import::Source(known.subject.clone())
                }),
                Target::Module(name) => builtin::module(&name).map(|manifest| {
                    types.push((alias.clone(), TypeImport::Builtin(manifest.clone())));
                    Import::Builtin(name, manifest)
                }),
            };
            imports.push((alias, import.unwrap_or(Import::Unknown)));
        }
        if let Some(old) = book.get(&entry.id).filter(|old| old.subject.is_of(entry, &imports)) {
            return old.clone();
        }
        let own = || TypeSource::Entry(entry.clone());
        let types = check::source(entry).and_then(|_| ModuleTypes::new(entry.id.as_str(), own(), types));
        let new = Arc::new(Known { subject: Subject::new(entry, imports), types });
        book.insert(entry.id.clone(), new.clone());
        new
    }
}

impl Known {
    /// Has the checker look at `parsed` rather than parse the source again.
    pub fn keep(&self, parsed: Parse) {
        self.subject.keep(parsed);
    }
    /// Finds out what is wrong. Blocks.
    pub fn ask(&self, checks: &Checks) {
        checks.diagnostics(&self.subject, &Text::new(self.source()));
    }
    fn source(&self) -> &str {
        check::source(&self.subject.entry).unwrap_or("")
    }
}

fn refused(id: &EntryId, errors: &[&Diagnostic]) -> Error {
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
        let book = TypeBook { strict: true, known: Mutex::default(), checks: Arc::new(Checks::new(None)) };
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
            let before = book.checks.count();
            let closure = graph.closure(&root).ok().expect("a closure without cycles");
            let result = book.read(&closure).map(|_| ());
            (book.checks.count() - before, result.map_err(|e| e.message().to_owned()))
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
