//! Stage `bytecode` (packs only): turns matching `*.lua` entries into their
//! `.bc` kinds, the code into files of one embedded filesystem.
//!
//! The engine gives the [`Compiler`]; the same trait and the [`CodeCache`] serve
//! compiling at boot.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::code_cache::{CodeCache, CodeKey, hex};
use super::{EntrySet, Stage};
use crate::error::{Error, Result};
use crate::pattern::Pattern;
use crate::payload::{Map, Value};
use crate::registry::{Entry, EntryId};

/// The filesystem all compiled code of a pack is in.
pub const BYTECODE_FS: (&str, &str) = ("internal", "lua.bytecode");
/// Fields of the data that the compiled entry keeps.
const KEPT: [&str; 5] = ["method", "imports", "modules", "pool", "meta"];

/// Compiles source text. Implemented by the engine.
pub trait Compiler: Send + Sync {
    /// Names the engine, its version and every option that changes its output;
    /// part of the cache key.
    fn version(&self) -> &str;
    /// Compiles the source of `entry`. Errors name line and column of the source.
    fn compile(&self, entry: &Entry, source: &str) -> Result<Vec<u8>>;
}

/// Compiles through `cache`: equal source and compiler give the stored result.
/// The entry's id is part of the key, because code holds the name of its chunk.
pub fn compile_cached(compiler: &dyn Compiler, cache: &CodeCache, entry: &Entry, source: &str) -> Result<Vec<u8>> {
    let key = CodeKey::of(&[compiler.version().as_bytes(), entry.id.as_str().as_bytes(), source.as_bytes()]);
    if let Some(code) = cache.load(&key) {
        return Ok(code);
    }
    let code = compiler.compile(entry, source)?;
    cache.store(&key, &code);
    Ok(code)
}

/// Patterns over ids: a full id, a bare name, `ns:**`, or `**` for everything.
#[derive(Clone, Debug, Default)]
pub struct IdPatterns(Vec<(Option<Pattern>, Pattern)>);

impl IdPatterns {
    pub fn new(texts: &[String]) -> IdPatterns {
        IdPatterns(
            texts
                .iter()
                .map(|text| match text.split_once(':') {
                    Some((ns, name)) => (Some(Pattern::new(ns)), Pattern::new(name)),
                    None => (None, Pattern::new(text)),
                })
                .collect(),
        )
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn matches(&self, id: &EntryId) -> bool {
        self.0.iter().any(|(ns, name)| ns.as_ref().is_none_or(|p| p.matches(id.ns())) && name.matches(id.name()))
    }
}

/// See the module comment.
#[derive(Clone)]
pub struct Bytecode {
    pub patterns: IdPatterns,
    pub compiler: Arc<dyn Compiler>,
    pub cache: Arc<CodeCache>,
}

impl Stage for Bytecode {
    fn name(&self) -> &'static str {
        "bytecode"
    }

    fn run(&self, set: &mut EntrySet) -> Result<()> {
        let fs = EntryId::new(BYTECODE_FS.0, BYTECODE_FS.1);
        let mut files = super::Files::new();
        let mut errors = Vec::new();
        for entry in set.entries.iter_mut().filter(|e| e.kind.ends_with(".lua") && self.patterns.matches(&e.id)) {
            let Some(source) = entry.field("source").and_then(Value::as_str) else { continue };
            let code = match compile_cached(&*self.compiler, &self.cache, entry, source) {
                Ok(code) => code,
                Err(e) => {
                    errors.push(entry.field_error("source", e).to_string());
                    continue;
                }
            };
            let path = format!("{}/{}.luac", entry.id.ns(), entry.id.name());
            let mut data = Map::new();
            data.insert("fs".into(), Value::Str(fs.to_string()));
            data.insert("path".into(), Value::Str(path.clone()));
            data.insert("hash".into(), Value::Str(format!("sha256:{}", hex(&Sha256::digest(&code)))));
            let kept = KEPT.iter().filter_map(|key| Some(((*key).to_owned(), entry.field(key)?.clone())));
            data.extend(kept.collect::<Vec<_>>());
            entry.data = Value::Map(data);
            entry.kind.push_str(".bc");
            files.insert(path, code);
        }
        if !errors.is_empty() {
            return Err(Error::invalid(errors.join("\n")));
        }
        if !files.is_empty() {
            let embed = Entry {
                id: fs.clone(),
                kind: "fs.embed".into(),
                meta: Map::new(),
                data: Value::Map(Map::new()),
                origin: None,
            };
            set.entries.push(embed);
            set.filesystems.insert(fs, files);
        }
        Ok(())
    }
}
