//! From a source and what it may use to a plan. Compiled sources are kept, a
//! bounded number of them and of bytes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::boot::Setup;
use wippy_runtime::payload::Value;
use wippy_runtime::process::HostShared;
use wippy_runtime::registry::{EntryId, Registry};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::{Error, Result};

use super::request::{Compile, Evaluate, Selection};
use crate::code::{Code, Evaluation, Plan, Unit, compile, compile_plain, erase};
use crate::modules::{Catalogue, Module};
use crate::process::IMPORT_FAILED;
use crate::state::{Program, Surroundings};
use crate::types::{ModuleTypes, TypeSource};

/// The name of evaluated chunks in messages.
const CHUNK: &str = "eval";
/// The host part of the pids of evaluations.
const ADDRESS: &str = "node:eval";
/// Module classes that need a permission of their own.
const FORBIDDEN: [&str; 3] = ["process", "storage", "network"];
/// Sources kept compiled unless `lua.eval.cache_size` says otherwise, and at most.
const CACHED: i64 = 256;
const MOST_CACHED: i64 = 65_536;
/// Bytes of sources and code that are kept.
const CACHED_BYTES: usize = 16 << 20;

/// See the module comment. One a runtime.
pub struct Evaluator {
    catalogue: Arc<Catalogue>,
    registry: Registry,
    surroundings: Arc<dyn Surroundings>,
    cache: Mutex<Cache>,
    pub(super) address: Name,
}

impl Evaluator {
    /// Errors: too many names, or the address of evaluations is taken.
    pub fn new(
        setup: &Setup<'_>,
        catalogue: Arc<Catalogue>,
        surroundings: Arc<dyn Surroundings>,
    ) -> Result<Arc<Evaluator>> {
        let address = Name::new(ADDRESS)?;
        setup.node.router().register(address, Delivery::Calls)?;
        let most = setup.config.get_int("lua", "eval.cache_size", CACHED).clamp(0, MOST_CACHED) as usize;
        let cache = Mutex::new(Cache { most, ..Cache::default() });
        Ok(Arc::new(Evaluator { catalogue, registry: setup.registry.clone(), surroundings, cache, address }))
    }

    /// The names of the modules that `r` selects. Errors: as of [`Evaluator::plan`].
    pub fn check(&self, host: &HostShared, r: &Compile) -> Result<Vec<&'static str>> {
        let modules = self.modules(host, &r.selection)?;
        self.imports(&r.selection)?;
        self.code(&r.source)?;
        Ok(modules.into_iter().map(|module| module.name).collect())
    }

    /// What runs. Errors (Internal): `compile failed: ...`, `failed to import ...`.
    pub(super) fn plan(&self, host: &HostShared, r: &mut Evaluate) -> Result<Plan> {
        let modules = self.modules(host, &r.selection)?;
        let code = self.code(&r.source)?;
        let libraries = self.imports(&r.selection)?;
        let mut program = Program::new(CHUNK, &modules, self.surroundings.clone()).only_listed();
        let text = String::from_utf8_lossy(&r.source).into_owned();
        if let Some(types) = ModuleTypes::new(CHUNK, TypeSource::Text(text), Vec::new()) {
            program.add_types(types);
        }
        program.add_module_types();
        let main = Unit { id: CHUNK.to_owned(), aliases: Vec::new(), code };
        let evaluation = Evaluation { globals: std::mem::take(&mut r.globals), whole: r.method.is_empty() };
        let mut plan = Plan::new(program, libraries, main, r.method.as_str().into(), false);
        (plan.limits, plan.evaluation) = (r.place.limits, Some(evaluation));
        Ok(plan)
    }

    /// The modules of a selection, in its order. Without one, what is not forbidden and the host grants.
    fn modules(&self, host: &HostShared, selection: &Selection) -> Result<Vec<&'static Module>> {
        let forbidden = |module: &Module| {
            let class = module.class.iter().find(|class| FORBIDDEN.contains(class));
            class.filter(|class| !selection.classes.iter().any(|c| c == **class)).copied()
        };
        if selection.modules.is_empty() {
            let all = self.catalogue.all();
            let usable = |m: &&Module| forbidden(m).is_none() && host.capabilities.allows(m.name);
            return Ok(all.into_iter().filter(usable).collect());
        }
        let mut modules: Vec<&'static Module> = Vec::new();
        for name in &selection.modules {
            let Some(module) = self.catalogue.find(name) else {
                let all: Vec<&str> = self.catalogue.all().iter().map(|m| m.name).collect();
                let text =
                    format!("module \"{name}\" is not available (have {} modules: {})", all.len(), all.join(", "));
                return Err(failed("compile", text));
            };
            if let Some(class) = forbidden(module) {
                return Err(failed("compile", format!("module \"{name}\" has forbidden class \"{class}\"")));
            }
            if !modules.iter().any(|m| m.name == module.name) {
                modules.push(module);
            }
        }
        Ok(modules)
    }

    fn imports(&self, selection: &Selection) -> Result<Vec<Unit>> {
        selection.imports.iter().map(|(alias, id)| self.import(alias, id)).collect()
    }

    fn import(&self, alias: &str, id: &str) -> Result<Unit> {
        let failed = |cause: Error| Error::internal(format!("{IMPORT_FAILED} \"{alias}\" ({id})")).because(cause);
        let entry = self.registry.get(&EntryId::parse(id));
        let entry = entry.ok_or_else(|| failed(Error::not_found("entry not found")))?;
        if entry.kind.ends_with(".bc") {
            let text = format!("import {id} has no source (bytecode libraries not supported in eval)");
            return Err(Error::internal(text));
        }
        let source = (entry.kind == "library.lua").then(|| entry.field("source").and_then(Value::as_str)).flatten();
        let source = source.ok_or_else(|| failed(Error::invalid(format!("{} holds no Lua library", entry.kind))))?;
        let code = Code::new(compile(id, id, source).map_err(|e| failed(e.into()))?);
        Ok(Unit { id: id.to_owned(), aliases: vec![alias.to_owned()], code })
    }

    /// The code of a source, which must be text: bytecode is not checked by the VM and could do anything.
    fn code(&self, source: &[u8]) -> Result<Arc<Code>> {
        if let Some(code) = self.cache.lock().get(source) {
            return Ok(code);
        }
        let parse_error = |text: &str| failed("compile", format!("parse error: {text}"));
        if source.starts_with(b"\x1b") {
            return Err(parse_error("bytecode is not accepted"));
        }
        let text = std::str::from_utf8(source).map_err(|_| parse_error("the source is not UTF-8"))?;
        let plain = erase(CHUNK, CHUNK, text).map_err(|e| parse_error(&e.rendered))?;
        let compiled = compile_plain(CHUNK, CHUNK, text, &plain);
        let code = compiled.map_err(|e| failed("compile", format!("compile error: {}", e.rendered)))?;
        let (size, code) = (code.len(), Code::new(code));
        self.cache.lock().put(source, code.clone(), size);
        Ok(code)
    }
}

/// An error of an evaluation: its kind says nothing.
pub(super) fn failed(what: &str, text: impl std::fmt::Display) -> Error {
    Error::internal(format!("{what} failed: {text}")).retryable(false)
}

/// Compiled sources; when there is no room for another one, those go that were not used since the last time.
#[derive(Default)]
struct Cache {
    by_source: HashMap<Box<[u8]>, Kept>,
    most: usize,
    bytes: usize,
}

struct Kept {
    code: Arc<Code>,
    /// Bytes of the code.
    size: usize,
    used: bool,
}

impl Cache {
    fn get(&mut self, source: &[u8]) -> Option<Arc<Code>> {
        let kept = self.by_source.get_mut(source)?;
        kept.used = true;
        Some(kept.code.clone())
    }
    fn put(&mut self, source: &[u8], code: Arc<Code>, code_size: usize) {
        let size = source.len() + code_size;
        if self.most == 0 || size > CACHED_BYTES / 4 || self.by_source.contains_key(source) {
            return;
        }
        if self.by_source.len() >= self.most || self.bytes + size > CACHED_BYTES {
            self.by_source.retain(|_, kept| std::mem::take(&mut kept.used));
            // All were in use: a new beginning is as good as any choice.
            if self.by_source.len() >= self.most || self.size() + size > CACHED_BYTES {
                self.by_source.clear();
            }
            self.bytes = self.size();
        }
        self.bytes += size;
        self.by_source.insert(source.into(), Kept { code, size: code_size, used: false });
    }
    fn size(&self) -> usize {
        self.by_source.iter().map(|(source, kept)| source.len() + kept.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let mut cache = Cache { most: 10, ..Cache::default() };
        let source = |n: u32| n.to_le_bytes();
        let code = || Code::new(Arc::from([]));
        cache.put(&source(0), code(), 100);
        for n in 1..100 {
            assert!(cache.get(&source(0)).is_some(), "{n}");
            cache.put(&source(n), code(), 100);
            assert!(cache.by_source.len() <= 10 && cache.bytes == cache.size());
        }
        cache.put(&source(1000), code(), CACHED_BYTES);
        assert!(cache.get(&source(1000)).is_none());
        for n in 0..20 {
            cache.put(&source(n + 2000), code(), CACHED_BYTES / 5);
            assert!(cache.size() <= CACHED_BYTES);
        }
    }
}
