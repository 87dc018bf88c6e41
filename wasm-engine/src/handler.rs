//! Owns the WebAssembly kinds of the registry.
//!
//! An entry is read, verified, compiled and linked when it is added; what runs
//! it is installed when the change is committed. So a change is in force as a
//! whole or not at all. New calls and starts get the new code at once, what runs
//! ends as it began.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use wippy_runtime::functions::{Pool, Pools};
use wippy_runtime::process::{Factory, Notice, NoticeKind};
use wippy_runtime::registry::{Entry, EntryHandler, EntryId, Operation, Snapshot};
use wippy_runtime::relay::Pid;
use wippy_runtime::{Error, Kind, Node, Result};

use crate::definition::{self, Definition, KINDS, Role, Source};
use crate::engine::compile::{Binary, Code, Compiler};
use crate::engine::{Engines, Profile};
use crate::process::WasmFactory;
use crate::program::Program;

/// The longest file that is read, in bytes.
const MAX_FILE: usize = 64 << 20;

/// What runs an entry.
enum Runner {
    Pool(Arc<dyn Pool>),
    Factory(Arc<dyn Factory>),
}

struct Version {
    entry: Arc<Entry>,
    runner: Runner,
    installed: bool,
}

#[derive(Default)]
struct Books {
    installed: BTreeMap<EntryId, Version>,
    /// What the change under way makes of entries; `None`: gone.
    change: BTreeMap<EntryId, Option<Version>>,
    /// Process entries whose code was replaced, until that is visible.
    outdated: BTreeSet<EntryId>,
}

/// See the module comment.
pub struct WasmHandler {
    pub node: Arc<Node>,
    pub engines: Arc<Engines>,
    pub compiler: Compiler,
    pub pools: Arc<dyn Pools>,
    books: Mutex<Books>,
}

impl WasmHandler {
    pub fn new(node: Arc<Node>, engines: Arc<Engines>, compiler: Compiler, pools: Arc<dyn Pools>) -> WasmHandler {
        WasmHandler { node, engines, compiler, pools, books: Mutex::default() }
    }

    fn put(&self, entry: &Arc<Entry>) -> Result<()> {
        let known = {
            let books = self.books.lock();
            let in_force = books.installed.get(&entry.id).filter(|v| v.entry == *entry);
            in_force.is_some() && !books.change.contains_key(&entry.id)
        };
        if known {
            return Ok(());
        }
        let version = self.version(entry)?;
        self.books.lock().change.insert(entry.id.clone(), Some(version));
        Ok(())
    }

    fn version(&self, entry: &Arc<Entry>) -> Result<Version> {
        let definition = definition::read(entry)?;
        let bytes = self.bytes(entry, &definition)?;
        let profile = definition.profile.or((definition.role == Role::Function).then_some(Profile::Fast));
        let what = if matches!(definition.source, Source::Text(_)) { "wat" } else { "wasm" };
        let failed = |e: Error| match e.message().starts_with('[') {
            true => Error::internal(format!("failed to load {what} module: {e}")),
            false => e,
        };
        let located = |e: Error| entry.error(&e).with_kind(e.kind().clone());
        let code = Binary::read(&bytes).map_err(|e| located(failed(e)))?;
        let compiled = self.compiler.compile(&self.engines, &code, profile).map_err(|e| located(failed(e)))?;
        if let (Code::Module(_), Some(group)) = (&compiled.code, definition.grants.component_only()) {
            return Err(entry.field_error("imports", format!("wasm host import requires component module: {group}")));
        }
        let role = definition.role;
        let (engines, timers) = (self.engines.clone(), self.node.timers().clone());
        let mut program = Program::new(&entry.id, definition, compiled, engines, timers).map_err(located)?;
        if role == Role::Function {
            program.find_shortcut(&code);
        }
        let factory = Arc::new(WasmFactory(Arc::new(program)));
        let runner = match role {
            Role::Function => Runner::Pool(self.pools.prepare(entry, factory)?),
            Role::Process => Runner::Factory(factory),
        };
        Ok(Version { entry: entry.clone(), runner, installed: false })
    }

    /// The binary code of an entry. Errors: bad text, a file that is missing (tried again later), a wrong hash.
    fn bytes(&self, entry: &Entry, definition: &Definition) -> Result<Vec<u8>> {
        match &definition.source {
            Source::Text(text) => wat::parse_str(text).map_err(|e| {
                let cause = e.to_string();
                let text = format!("failed to load wat module: [parse] invalid_data: parse WAT (caused by: {cause})");
                entry.field_error("source", text).with_kind(Kind::INTERNAL)
            }),
            Source::File { fs, path, sha256 } => {
                let bytes = self.node.filesystems().read(fs, path, MAX_FILE).map_err(|e| {
                    let kind = e.kind().clone();
                    entry.field_error("path", format!("failed to open file: {path}: {e}")).with_kind(kind)
                })?;
                let found: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
                match found == *sha256 {
                    true => Ok(bytes),
                    false => {
                        let text = format!("hash verification failed: hash mismatch: expected {sha256}, got {found}");
                        Err(entry.field_error("hash", text))
                    }
                }
            }
        }
    }
}

impl EntryHandler for WasmHandler {
    fn name(&self) -> &str {
        "wasm"
    }
    fn kinds(&self) -> &[&str] {
        &KINDS
    }
    fn begin(&self) -> Result<()> {
        let mut books = self.books.lock();
        books.change.clear();
        books.outdated.clear();
        Ok(())
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        self.put(entry)
    }
    fn update(&self, _old: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.put(new)
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.books.lock().change.insert(entry.id.clone(), None);
        Ok(())
    }
    fn discard(&self) {
        self.books.lock().change.clear();
    }
    fn commit(&self) -> Result<()> {
        let books = &mut *self.books.lock();
        for (id, version) in std::mem::take(&mut books.change) {
            let old = books.installed.remove(&id);
            match version {
                None => {
                    if let Some(old) = old {
                        old.remove(&self.node);
                    }
                }
                Some(mut version) => {
                    if old.is_some() && matches!(version.runner, Runner::Factory(_)) {
                        books.outdated.insert(id.clone());
                    }
                    version.install(&self.node, old);
                    books.installed.insert(id, version);
                }
            }
        }
        Ok(())
    }
    /// Tells upgradable processes, which find the new code in place.
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
            let entry = process.frame().entry.clone();
            if outdated.contains(&entry) {
                let kind = NoticeKind::Outdated { sources: vec![entry.to_string()] };
                process.notify(Notice { kind, from: Pid::none(), at: self.node.clock().unix() });
            }
        }
    }
}

impl Version {
    /// Takes over from `old`.
    fn install(&mut self, node: &Node, old: Option<Version>) {
        let same_kind = |old: &Version| discriminant(&old.runner) == discriminant(&self.runner);
        let old = match old {
            Some(old) if !same_kind(&old) => {
                old.remove(node);
                None
            }
            old => old,
        };
        match &self.runner {
            Runner::Pool(pool) => pool.install(),
            Runner::Factory(factory) => node.register_factory(&self.entry.id, factory.clone()),
        }
        self.installed = true;
        if let Some(Runner::Pool(pool)) = old.as_ref().map(|old| &old.runner) {
            pool.retire();
        }
    }
    /// The entry is gone.
    fn remove(self, node: &Node) {
        match &self.runner {
            Runner::Pool(pool) => {
                node.functions().remove(self.entry.id.as_str());
                pool.close();
            }
            Runner::Factory(_) => node.remove_factory(&self.entry.id),
        }
    }
}

impl Drop for Version {
    fn drop(&mut self) {
        if let (Runner::Pool(pool), false) = (&self.runner, self.installed) {
            pool.close();
        }
    }
}
