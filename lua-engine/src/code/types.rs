//! What is known of the types of code entries: for the programs that use them, and for the checker when
//! `lua.type_system.strict` asks for it.
//!
//! What an entry declares and what is wrong with it is kept with what it was made from: the source and what is known of
//! its imports. So a change costs the entries that changed and those that depend on them. Nothing is read before it is
//! needed: types when a program asks for one, the checker under `strict` only, since nothing else would come of what
//! it finds. Whoever has to know what is wrong with an entry asks the checker, unless a thread that went ahead has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_lua_syntax::Parse;
use wippy_lua_types::{Code, Diagnostic, builtin};
use wippy_runtime::boot::Config;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::pipeline::CodeCache;
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::{Error, Result};

use super::check::{self, Checks, Import, Subject};
use super::definition::Target;
use super::graph::{Closure, CodeNode};
use crate::types::{ModuleTypes, TypeImport, TypeSource};

/// Type errors of one entry that are told; the rest is counted.
const MAX_TOLD: usize = 20;

/// See the module comment.
pub(super) struct TypeBook {
    strict: bool,
    shelf: Mutex<Shelf>,
    checks: Arc<Checks>,
}

#[derive(Default)]
struct Shelf {
    known: BTreeMap<EntryId, Arc<Known>>,
    /// Ids that were asked for and are not there.
    missed: BTreeSet<EntryId>,
    /// Counts what may make another thing be known of an entry that has not changed.
    edition: u64,
}

/// What was known of a node last, and the edition of the book that said so.
#[derive(Default)]
pub(super) struct Memo(Mutex<Option<(u64, Arc<Known>)>>);

/// One version of an entry, as far as types go.
pub(super) struct Known {
    subject: Arc<Subject>,
    /// What programs find of it; `None` if it declares nothing.
    pub types: Option<Arc<ModuleTypes>>,
}

/// An entry of a change to come.
pub(super) struct Upcoming {
    pub entry: Arc<Entry>,
    /// What is known of it, if it is to be checked.
    pub known: Option<Arc<Known>>,
}

impl TypeBook {
    /// `cache` keeps what the checker has found.
    pub fn new(config: &Config, cache: Option<Arc<CodeCache>>) -> TypeBook {
        let on = |key| config.get_bool("lua", key, false);
        let strict = on("type_system.enabled") && on("type_system.strict");
        TypeBook { strict, shelf: Mutex::default(), checks: Arc::new(Checks::new(cache.filter(|_| strict))) }
    }

    /// What is known of the entries of a closure, in its order. Under `strict` they are checked. Errors: Invalid
    /// `type errors in ID: LINE:COLUMN MESSAGE; ...` of the first entry that has any.
    pub fn read(&self, closure: &Closure) -> Result<Vec<Arc<Known>>> {
        let known = self.shelf.lock().of(closure);
        for known in known.iter().filter(|_| self.strict) {
            let found = self.checks.diagnostics(&known.subject);
            // What the checker fails on is taken as it is.
            let errors: Vec<&Diagnostic> = found.iter().filter(|d| d.code != Code::E9999).collect();
            if !errors.is_empty() {
                return Err(refused(&known.subject.entry.id, &errors));
            }
        }
        Ok(known)
    }

    /// The entries of a change to come, so that what an entry imports comes before it.
    pub fn expect(&self, entries: &[Arc<Entry>]) -> Vec<Upcoming> {
        if !self.strict {
            let one = |entry: &Arc<Entry>| Upcoming { entry: entry.clone(), known: None };
            return entries.iter().map(one).collect();
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
        let shelf = &mut *self.shelf.lock();
        let mut known = |n: usize| shelf.about(&entries[n], check::imports(&entries[n]));
        order.into_iter().map(|n| Upcoming { entry: entries[n].clone(), known: Some(known(n)) }).collect()
    }

    /// For a thread that finds out what is wrong with entries before somebody [`read`](Self::read)s about them.
    pub fn checks(&self) -> Arc<Checks> {
        self.checks.clone()
    }

    /// An entry that is gone.
    pub fn forget(&self, id: &EntryId) {
        let shelf = &mut *self.shelf.lock();
        shelf.edition += 1;
        shelf.known.remove(id);
    }

    /// Forgets entries that never came to be.
    pub fn retain(&self, there: impl Fn(&EntryId) -> bool) {
        let shelf = &mut *self.shelf.lock();
        shelf.edition += 1;
        shelf.known.retain(|id, _| there(id));
        shelf.missed.clear();
    }
}

impl Shelf {
    fn of(&mut self, closure: &Closure) -> Vec<Arc<Known>> {
        let known = |node: &Arc<CodeNode>| {
            let memo = &mut *node.known.0.lock();
            if let Some((_, known)) = memo.as_ref().filter(|(edition, _)| *edition == self.edition) {
                return known.clone();
            }
            // A module under its own name is known to everybody anyway.
            let named = |alias: &str, target: &Target| !matches!(target, Target::Module(name) if name == alias);
            let dependencies = node.dependencies.iter().filter(|d| named(&d.alias, &d.target));
            let known = self.about(&node.entry, dependencies.map(|d| (d.alias.as_str(), d.target.clone())));
            *memo = Some((self.edition, known.clone()));
            known
        };
        closure.nodes().iter().map(known).collect()
    }

    fn about<'d>(&mut self, entry: &Arc<Entry>, dependencies: impl Iterator<Item = (&'d str, Target)>) -> Arc<Known> {
        let (mut imports, mut types) = (Vec::new(), Vec::new());
        for (alias, target) in dependencies {
            let alias = alias.to_owned();
            let import = match target {
                Target::Entry(id) => match self.known.get(&id) {
                    Some(known) => {
                        types.extend(known.types.clone().map(|of| (alias.clone(), TypeImport::Module(of))));
                        Import::Source(known.subject.clone())
                    }
                    None => {
                        self.missed.insert(id);
                        Import::Unknown
                    }
                },
                Target::Module(name) => match builtin::module(&name) {
                    Some(manifest) => {
                        types.push((alias.clone(), TypeImport::Builtin(manifest.clone())));
                        Import::Builtin(name, manifest)
                    }
                    None => Import::Unknown,
                },
            };
            imports.push((alias, import));
        }
        let old = self.known.get(&entry.id);
        if let Some(old) = old.filter(|old| old.subject.is_of(entry, &imports)) {
            return old.clone();
        }
        if old.is_some() || self.missed.remove(&entry.id) {
            self.edition += 1;
        }
        let own = || TypeSource::Entry(entry.clone());
        let types = check::source(entry).and_then(|_| ModuleTypes::new(entry.id.as_str(), own(), types));
        let new = Arc::new(Known { subject: Subject::new(entry, imports), types });
        self.known.insert(entry.id.clone(), new.clone());
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
        checks.diagnostics(&self.subject);
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
        let (entry, role, method, limits) = (Arc::new(entry), Role::Library, "main".into(), Default::default());
        let (code, known) = (Code::new(Arc::from([])), Memo::default());
        Arc::new(CodeNode { entry, role, method, dependencies, limits, code, known })
    }

    #[test]
    fn a_change_is_checked_with_what_depends_on_it() {
        let book = TypeBook { strict: true, shelf: Mutex::default(), checks: Arc::new(Checks::new(None)) };
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

    #[test]
    fn what_is_known_of_an_importer_follows_what_it_imports() {
        let book = TypeBook { strict: true, shelf: Mutex::default(), checks: Arc::new(Checks::new(None)) };
        let lib = |takes: &str| node("lib", &format!("return {{f = function(v: {takes}) end}}"), &[]);
        let user = node("user", "local lib = require(\"lib\") lib.f(1)", &["lib"]);
        // The library is not there yet, so nothing is wrong with how it is used.
        let source = user.entry.field("source").cloned().unwrap_or_default();
        let imports = Value::Map(Map::from([("lib".to_owned(), "app:lib".into())]));
        let data = Value::Map(Map::from([("source".to_owned(), source), ("imports".to_owned(), imports)]));
        let alone = book.expect(&[Arc::new(Entry { data, ..(*user.entry).clone() })]);
        let known = alone[0].known.as_ref().expect("it is to be checked");
        known.ask(&book.checks());
        assert_eq!((book.checks.count(), book.checks.diagnostics(&known.subject).len()), (1, 0));
        let mut graph = Graph::default();
        // Read twice: what was known the last time is only taken where nothing has changed.
        for (takes, fits) in [("string", false), ("number", true), ("boolean", false), ("string", false)] {
            graph.put(lib(takes));
            let closure = graph.closure(&user).ok().expect("a closure without cycles");
            assert_eq!((book.read(&closure).is_ok(), book.read(&closure).is_ok()), (fits, fits), "{takes}");
        }
        book.forget(lib("string").id());
        graph.put(lib("number"));
        let closure = graph.closure(&user).ok().expect("a closure without cycles");
        assert!(book.read(&closure).is_ok(), "it is another library");
    }
}
