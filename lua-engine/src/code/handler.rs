//! Owns the Lua kinds of the registry.
//!
//! An entry is read, compiled and checked when it is added; then it is a node
//! of the graph. What runs it (a pool, a factory) is prepared with it and
//! installed when the change is committed, together with everything that
//! reaches a changed node. So a change is either wholly in force or not at all;
//! taking one back is an ordinary change to earlier nodes, and where that leads
//! to the versions in force nothing is replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::boot::nearest;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::Value;
use wippy_runtime::process::{Notice, NoticeKind};
use wippy_runtime::registry::{Entry, EntryHandler, EntryId, OpKind, Operation, Snapshot};
use wippy_runtime::relay::Pid;
use wippy_runtime::{Error, Kind, Node, Result};

use super::Code;
use super::check::Text;
use super::compile::CompileError;
use super::definition::{self, Definition, Dependency, KINDS, Role, Source, Target};
use super::files::{self, Chunks, Compiled, on_all_processors, shown_file};
use super::graph::{Broken, CodeNode, Graph};
use super::later::Later;
use super::problems::Problems;
use super::types::{Known, Memo};
use super::version::{Version, Workshop};

/// Misses of one change that get a "did you mean": each compares all ids.
const MAX_HINTS: usize = 100;

/// Entries that are worth threads of their own to compile them.
const MANY: usize = 16;

/// Modules of the reference. One that nobody offers is not misspelt but not there.
const REFERENCE: &str = " base64 cdc channel cloudstorage compress contract crypto ctx env eval_runner events excel \
    exec expr fs funcs hash html http http_client hub io json loader logger metrics os payload pg process queue \
    registry security sql store stream system templates text time treesitter tty uuid websocket workflow yaml ";

/// See the module comment.
pub(super) struct CodeHandler {
    pub node: Arc<Node>,
    pub bus: Bus,
    pub workshop: Workshop,
    pub chunks: Arc<Chunks>,
    pub books: Mutex<Books>,
    pub later: Later,
}

#[derive(Default)]
pub(super) struct Books {
    graph: Graph,
    installed: BTreeMap<EntryId, Version>,
    change: Change,
    /// Processes to be told once the change is visible, by entry, with the ids that changed.
    outdated: BTreeMap<EntryId, Vec<String>>,
    /// Counts changes that replaced something, for the names of their announcements.
    invalidations: u64,
}

/// The change under way.
#[derive(Default)]
struct Change {
    /// Nodes that were put, replaced or removed.
    touched: BTreeSet<EntryId>,
    /// Nodes that miss something and will be tried again.
    waiting: BTreeMap<EntryId, Arc<CodeNode>>,
    prepared: BTreeMap<EntryId, Version>,
    /// What was compiled ahead.
    compiled: BTreeMap<EntryId, Compiled>,
    /// Nodes of cycles that were told.
    cyclic: BTreeSet<EntryId>,
    hints: usize,
}

impl CodeHandler {
    /// Puts the node of `entry` into the graph, in place of an earlier one. An error leaves the graph as it was.
    fn put(&self, entry: &Arc<Entry>) -> Result<()> {
        let books = &mut *self.books.lock();
        let waited = books.change.waiting.get(&entry.id).filter(|node| node.entry == *entry);
        let node = match waited {
            Some(node) => node.clone(),
            None => self.compile(entry, books.change.compiled.remove(&entry.id))?,
        };
        if let Err(error) = self.check(books, &node) {
            books.change.waiting.insert(entry.id.clone(), node);
            return Err(error);
        }
        // What the change has not touched yet may be on its way to where the change leads. Then the commit will tell.
        let prepared = match books.graph.closure(&node) {
            Ok(closure) => {
                let touched = closure.libraries().iter().all(|n| books.change.touched.contains(n.id()));
                match self.workshop.prepare(closure) {
                    Err(error) if touched => return Err(error),
                    prepared => prepared.unwrap_or_default(),
                }
            }
            Err(_) => None,
        };
        books.change.waiting.remove(&entry.id);
        books.change.prepared.remove(&entry.id);
        if let Some(version) = prepared {
            books.change.prepared.insert(entry.id.clone(), version);
        }
        books.change.touched.insert(entry.id.clone());
        books.graph.put(node);
        Ok(())
    }

    /// Checks what is known of entries, in their order: on all processors, but for the last ones, which other threads
    /// check while this one prepares what there is to run. They write what was found and compiled to disk then.
    fn check_ahead(&self, mut known: Vec<Arc<Known>>) {
        if known.is_empty() && !self.chunks.has_unwritten() {
            return;
        }
        let checks = self.workshop.types.checks();
        // To prepare all of them takes one thread about as long as to check a quarter.
        let left = (known.len() / 4 * Later::threads()).min(known.len());
        // From the end, so that this thread, which begins at the start, does not arrive where another one is at work.
        let last: Vec<_> = known.drain(known.len() - left..).rev().collect();
        on_all_processors(&known, |known| known.ask(&checks));
        let (found, chunks) = (checks.clone(), self.chunks.clone());
        let write = move || {
            found.flush();
            chunks.write();
        };
        self.later.begin(last, move |known| known.ask(&checks), write);
    }

    /// The node of `entry`; `ahead` is what its source was compiled to before.
    fn compile(&self, entry: &Arc<Entry>, ahead: Option<Compiled>) -> Result<Arc<CodeNode>> {
        let definition = definition::read(entry)?;
        let code = match definition.source {
            Source::Text(text) => {
                let code = match ahead.filter(|ahead| ahead.is_of(entry)) {
                    Some(ahead) => ahead.code,
                    None => self.chunks.compile(&entry.id, shown_file(entry), &Text::new(text)),
                };
                code.map_err(|e| rejected(entry, definition.role, &e))?
            }
            Source::File { fs, path, sha256 } => {
                let fs = EntryId::resolve(fs, entry.id.ns());
                files::load(self.node.filesystems(), entry, &fs, path, sha256)?
            }
        };
        let Definition { role, method, dependencies, limits, .. } = definition;
        let (entry, code, known) = (entry.clone(), Code::new(code), Memo::default());
        Ok(Arc::new(CodeNode { entry, role, method, dependencies, limits, code, known }))
    }

    /// Whether everything the node names is there, and no cycle comes of it.
    fn check(&self, books: &mut Books, node: &Arc<CodeNode>) -> Result<()> {
        let Books { graph, change, .. } = books;
        // A new entry that nobody imports, which most are, cannot be on a cycle.
        let imported = graph.importers(node.id()).next().is_some() || !change.waiting.is_empty();
        let may_close = imported || node.imports().any(|(_, id)| id == node.id());
        if may_close
            && let Some(cycle) = graph.path(node, node.id(), &change.waiting)
            && let Some((by, _)) = node.imports().find(|(_, id)| Some(*id) == cycle.get(1))
        {
            // One report for a cycle: its other entries miss the one that was refused.
            if cycle.iter().all(|id| change.cyclic.contains(id)) {
                return Err(missing(node, by, ""));
            }
            let names: Vec<&str> = cycle.iter().map(EntryId::as_str).collect();
            let text = format!("adding dependency would create a cycle: {}", names.join(" -> "));
            let error = node.entry.field_error(&by.field, text);
            let changed = |id| id == node.id() || change.touched.contains(id) || change.waiting.contains_key(id);
            if !cycle.iter().all(changed) {
                // An operation that is still to come may open it, so this one is tried again.
                return Err(error.with_kind(Kind::NOT_FOUND));
            }
            change.cyclic.extend(cycle);
            return Err(error);
        }
        let mut problems = Problems::default();
        for dependency in &node.dependencies {
            let there = match &dependency.target {
                Target::Entry(id) => graph.get(id).is_some(),
                Target::Module(name) => self.workshop.catalogue.find(name).is_some(),
            };
            if !there {
                change.hints += 1;
                let hint = if change.hints > MAX_HINTS { None } else { self.hint(graph, change, node, dependency) };
                problems.push(missing(node, dependency, &hint.unwrap_or_default()));
            }
        }
        problems.finish()
    }

    /// What somebody who named a thing that is not there may have meant, as the rest of a sentence.
    fn hint(&self, graph: &Graph, change: &Change, node: &CodeNode, missing: &Dependency) -> Option<String> {
        let meant = match &missing.target {
            Target::Module(name) if REFERENCE.contains(&format!(" {name} ")) => {
                return Some(format!(": the module `{name}` is not part of this build"));
            }
            Target::Module(name) => {
                let sibling = EntryId::new(node.id().ns(), name);
                if graph.get(&sibling).is_some() || change.waiting.contains_key(&sibling) {
                    return Some(format!(", did you mean the entry `{sibling}`? A bare name is a module"));
                }
                let modules = self.workshop.catalogue.all();
                nearest(name, modules.iter().map(|m| m.name)).map(str::to_owned)
            }
            Target::Entry(id) => {
                let ids = graph.ids().chain(change.waiting.keys()).filter(|id| *id != node.id());
                nearest(id.as_str(), ids.map(EntryId::as_str)).map(str::to_owned)
            }
        };
        meant.map(|meant| format!(", did you mean `{meant}`?"))
    }

    /// The new versions of all runnable entries that reach something the change touched. Errors: all that fails.
    fn renew(&self, books: &mut Books, mut change: Change, path: &str) -> Result<Vec<Version>> {
        let Books { graph, installed, .. } = books;
        let mut problems = Problems::default();
        for id in change.touched.iter().filter(|id| graph.get(id).is_none()) {
            for importer in graph.importers(id) {
                let text = format!("cannot remove node {id}: it has incoming dependencies from node {importer}");
                let by = graph.get(importer);
                let import = by.and_then(|by| Some((by, by.imports().find(|(_, imported)| *imported == id)?.0)));
                problems.push(match import {
                    Some((by, import)) => by.entry.field_error(&import.field, text).with_kind(Kind::CONFLICT),
                    None => Error::conflict(text),
                });
            }
        }
        problems.finish()?;
        let mut problems = Problems::default();
        let mut versions = Vec::new();
        for id in graph.dependents(&change.touched) {
            let Some(node) = graph.get(&id).filter(|node| node.role != Role::Library) else { continue };
            let prepared = change.prepared.remove(&id);
            let closure = match prepared.as_ref().filter(|version| graph.has(&version.closure)) {
                Some(version) => Ok(version.closure.clone()),
                None => graph.closure(node).map_err(|broken| refusal(node, broken)),
            };
            let version = closure.and_then(|closure| {
                if installed.get(&id).is_some_and(|old| old.closure.same_as(&closure)) {
                    return Ok(None);
                }
                match prepared.filter(|version| version.closure.same_as(&closure)) {
                    Some(version) => Ok(Some(version)),
                    None => self.workshop.prepare(closure),
                }
            });
            let reply = format!("{path}/{id}");
            match version {
                Ok(None) => {}
                Ok(Some(version)) => {
                    self.bus.publish_with("lua", "lua.reset_code.accept", &reply, || Value::Nil);
                    versions.push(version);
                }
                Err(e) => {
                    self.bus.publish_with("lua", "lua.reset_code.reject", &reply, || e.clone().into());
                    problems.push(e);
                }
            }
        }
        problems.finish().map(|()| versions)
    }
}

impl EntryHandler for CodeHandler {
    fn name(&self) -> &str {
        "lua"
    }
    fn kinds(&self) -> &[&str] {
        &KINDS
    }
    fn begin(&self) -> Result<()> {
        let mut books = self.books.lock();
        books.change = Change::default();
        books.outdated.clear();
        Ok(())
    }
    fn upcoming(&self, changes: &[Operation]) {
        let ours = |op: &&Operation| op.kind != OpKind::Delete && KINDS.contains(&op.entry.kind.as_str());
        let entries: Vec<Arc<Entry>> = changes.iter().filter(ours).map(|op| op.entry.clone()).collect();
        if entries.len() >= MANY {
            let entries = self.workshop.types.expect(&entries);
            let compiled = self.chunks.compile_all(&entries, &self.workshop.types.checks());
            self.check_ahead(entries.into_iter().filter_map(|upcoming| upcoming.known).collect());
            self.books.lock().change.compiled = compiled.into_iter().map(|c| (c.entry.id.clone(), c)).collect();
        }
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        self.put(entry)
    }
    fn update(&self, _old: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.put(new)
    }
    /// Whether something still imports the entry is asked when the change is complete: it may come back in another
    /// kind.
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        let books = &mut *self.books.lock();
        books.graph.remove(&entry.id);
        books.change.waiting.remove(&entry.id);
        books.change.prepared.remove(&entry.id);
        books.change.touched.insert(entry.id.clone());
        Ok(())
    }
    fn discard(&self) {
        let books = &mut *self.books.lock();
        books.change = Change::default();
        self.workshop.types.retain(|id| books.graph.get(id).is_some());
    }
    fn commit(&self) -> Result<()> {
        let books = &mut *self.books.lock();
        let change = std::mem::take(&mut books.change);
        if change.touched.is_empty() {
            return Ok(());
        }
        books.invalidations += 1;
        let path = format!("lua.invalidate/{}", books.invalidations);
        let touched = change.touched.clone();
        let names = || books.graph.dependents(&touched).iter().map(EntryId::as_str).collect();
        self.bus.publish_with("lua", "lua.reset_code", &path, names);
        for mut version in self.renew(books, change, &path)? {
            let id = version.closure.root().id().clone();
            let old = books.installed.remove(&id);
            if let Some(sources) = old.as_ref().and_then(|old| version.changes_since(old)) {
                books.outdated.insert(id.clone(), sources);
            }
            version.install(&self.node, old);
            books.installed.insert(id, version);
        }
        for id in touched {
            let runs = books.graph.get(&id).is_some_and(|node| node.role != Role::Library);
            if books.graph.get(&id).is_none() {
                self.workshop.types.forget(&id);
            }
            if !runs && let Some(old) = books.installed.remove(&id) {
                old.remove(&self.node);
            }
        }
        Ok(())
    }
    /// Tells upgradable processes, which will then find the new code in place and the new entries in the registry.
    fn installed(&self, _: &Snapshot, _: &[Operation]) {
        let outdated = std::mem::take(&mut self.books.lock().outdated);
        if outdated.is_empty() {
            return;
        }
        let mut processes = self.node.table().all();
        processes.retain(|process| process.upgradable());
        // In an order that is the same in every run.
        processes.sort_by_key(|process| process.pid());
        for process in processes {
            if let Some(sources) = outdated.get(&process.frame().entry) {
                let kind = NoticeKind::Outdated { sources: sources.clone() };
                process.notify(Notice { kind, from: Pid::none(), at: self.node.clock().unix() });
            }
        }
    }
}

fn rejected(entry: &Entry, role: Role, error: &CompileError) -> Error {
    let text = format!("failed to add {} node: {}", role.word(), error.rendered);
    match entry.source_file("source") {
        Some(_) => Error::internal(text),
        None => entry.field_error("source", text).with_kind(Kind::INTERNAL),
    }
}

fn refusal(node: &CodeNode, broken: Broken) -> Error {
    match broken {
        Broken::Missing(by, dependency) => missing(&by, &dependency, ""),
        Broken::Cycle => node.entry.error("its imports form a cycle"),
    }
}

fn missing(node: &CodeNode, dependency: &Dependency, hint: &str) -> Error {
    let text = format!("node with ID {} not found{hint}", dependency.target);
    node.entry.field_error(&dependency.field, text).with_kind(Kind::NOT_FOUND)
}
