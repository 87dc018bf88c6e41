//! Code in files: the `.luac` files that packs hold for the `.bc` kinds, and
//! the cache of compiled chunks.
//!
//! A `.luac` file is checked Lua text whose types were erased, behind one line
//! that names the format. It is no VM bytecode on purpose: the VM runs bytecode
//! without checking it, so a crafted file could break out of the sandbox. The
//! cache does hold bytecode; whoever can write to it can write the
//! application's sources too.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use wippy_runtime::files::Filesystems;
use wippy_runtime::payload::Value;
use wippy_runtime::registry::pipeline::{CodeCache, CodeKey, Compiler};
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::{Error, Result};

use super::check::{Checks, Text};
use super::compile::{CompileError, compile_parsed, compile_plain, erase};
use super::types::Upcoming;

/// The first line of a `.luac` file.
const FORMAT: &str = "wippy lua code 1\n";
/// Threads that compile beside the one that applies a change, at most.
pub(super) const MAX_HELPERS: usize = 7;
/// Bytes of sources whose syntax trees wait for the checker, at most; a tree is some ten times as large as its source.
const MAX_PARSED: usize = 4 << 20;
/// Bytes of compiled code that wait to be written to the cache, at most.
const MAX_UNWRITTEN: usize = 64 << 20;
/// The longest `.luac` file that is read, in bytes.
const MAX_FILE: usize = wippy_lua_syntax::MAX_SOURCE + FORMAT.len();

/// Makes `.luac` files; for the pipeline's stage `bytecode`.
#[derive(Default)]
pub struct FileCompiler;

impl Compiler for FileCompiler {
    fn version(&self) -> &str {
        concat!("wippy lua code 1, ", env!("CARGO_PKG_VERSION"))
    }
    fn compile(&self, entry: &Entry, source: &str) -> Result<Vec<u8>> {
        let file = shown_file(entry);
        let plain = erase(entry.id.as_str(), file, source)?;
        compile_plain(entry.id.as_str(), file, source, &plain)?;
        Ok([FORMAT, &plain].concat().into_bytes())
    }
}

/// What people know the source of an entry as: its file, or the entry itself.
pub(super) fn shown_file(entry: &Entry) -> &str {
    entry.source_file("source").map_or(entry.id.as_str(), |file| file)
}

/// Reads a `.luac` file for `entry` and compiles it. Asks for no permission: what an entry consists of is the decision
/// of whoever may change entries. Errors: Internal `failed to load bytecode` with the reason. Blocks.
pub(super) fn load(files: &Filesystems, entry: &Entry, fs: &EntryId, path: &str, sha256: &str) -> Result<Arc<[u8]>> {
    let read = || {
        let bytes = files.read(fs, path, MAX_FILE)?;
        let found: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        if !found.eq_ignore_ascii_case(sha256) {
            let text = format!("{path} in {fs} has the hash sha256:{found}, expected sha256:{sha256}");
            return Err(entry.field_error("hash", text));
        }
        let text = String::from_utf8(bytes).ok();
        let plain = text.as_deref().and_then(|text| text.strip_prefix(FORMAT));
        let foreign = || Error::invalid(format!("{path} in {fs} is no Lua code of this runtime"));
        let plain = plain.ok_or_else(foreign)?;
        Ok(compile_plain(entry.id.as_str(), path, plain, plain)?)
    };
    read().map_err(|e| Error::internal("failed to load bytecode").because(e))
}

/// Compiles source text, through the cache on disk if there is one.
pub(super) struct Chunks {
    cache: Option<Arc<CodeCache>>,
    /// Everything beside id and text that decides what the compiler gives.
    engine: String,
    unwritten: Mutex<Vec<(CodeKey, Arc<[u8]>)>>,
}

impl Chunks {
    pub fn new(cache: Option<Arc<CodeCache>>) -> Chunks {
        let engine = if cache.is_some() { engine() } else { String::new() };
        Chunks { cache, engine, unwritten: Mutex::default() }
    }

    pub fn compile(&self, id: &EntryId, file: &str, text: &Text<'_>) -> Result<Arc<[u8]>, CompileError> {
        self.compile_for(id, file, text, |cache, key, code| cache.store(key, code))
    }

    fn compile_for(
        &self,
        id: &EntryId,
        file: &str,
        text: &Text<'_>,
        store: impl Fn(&CodeCache, &CodeKey, &Arc<[u8]>),
    ) -> Result<Arc<[u8]>, CompileError> {
        let compile = || compile_parsed(id.as_str(), file, text.source, text.parse());
        let Some(cache) = &self.cache else { return compile() };
        let key = CodeKey::of(&[self.engine.as_bytes(), id.as_str().as_bytes(), text.source.as_bytes()]);
        if let Some(code) = cache.load(&key) {
            return Ok(code.into());
        }
        let code = compile()?;
        store(cache, &key, &code);
        Ok(code)
    }

    /// Compiles the sources of many entries on all processors. What they were parsed to is kept for `checks` as long as
    /// there is room, and looked at by it at once where there is none; what they were compiled to is kept for
    /// [`write`](Self::write). Blocks until it is done.
    ///
    /// Nothing else is checked here: to compile everything first and to check it then takes a tenth less time than to
    /// do both in turn, since either finds its code and tables in the caches of the processor.
    pub fn compile_all(&self, entries: &[Upcoming], checks: &Checks) -> Vec<Compiled> {
        let (parsed, unwritten) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let has_room = |used: &AtomicUsize, bytes, limit| used.fetch_add(bytes, Ordering::Relaxed) + bytes <= limit;
        let store = |_: &CodeCache, key: &CodeKey, code: &Arc<[u8]>| {
            if has_room(&unwritten, code.len(), MAX_UNWRITTEN) {
                self.unwritten.lock().push((*key, code.clone()));
            }
        };
        let compiled = on_all_processors(entries, |Upcoming { entry, known }| {
            let text = Text::new(entry.field("source").and_then(Value::as_str)?);
            let code = self.compile_for(&entry.id, shown_file(entry), &text, store);
            let bytes = text.source.len();
            if let (Ok(_), Some(known), Some(parse)) = (&code, known, text.into_parse()) {
                known.keep(parse);
                if !has_room(&parsed, bytes, MAX_PARSED) {
                    known.ask(checks);
                }
            }
            Some(Compiled { entry: entry.clone(), code })
        });
        compiled.into_iter().flatten().collect()
    }

    pub fn has_unwritten(&self) -> bool {
        !self.unwritten.lock().is_empty()
    }

    /// Writes what [`compile_all`](Self::compile_all) has left to the cache. Blocks on files.
    pub fn write(&self) {
        let unwritten = std::mem::take(&mut *self.unwritten.lock());
        for (key, code) in unwritten {
            if let Some(cache) = &self.cache {
                cache.store(&key, &code);
            }
        }
    }
}

/// Threads that help the one there is with work for all processors.
pub(super) fn helpers() -> usize {
    (std::thread::available_parallelism().map_or(1, usize::from) - 1).min(MAX_HELPERS)
}

/// What `work` gives for all `items`, in no order. They are begun in theirs. What a thread loses by a panic is left out.
pub(super) fn on_all_processors<I: Sync, O: Send>(items: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(work(item));
        }
        done
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..helpers().min(items.len().saturating_sub(1)))
            .map_while(|n| std::thread::Builder::new().name(format!("compile#{n}")).spawn_scoped(scope, share).ok())
            .collect();
        let mut all = share();
        all.extend(threads.into_iter().flat_map(|t| t.join().unwrap_or_default()));
        all
    })
}

/// What came of the source of an entry.
pub(super) struct Compiled {
    pub entry: Arc<Entry>,
    pub code: Result<Arc<[u8]>, CompileError>,
}

impl Compiled {
    /// Whether it is of the very text of `entry`. Placeholders are not replaced in there, whatever else differs.
    pub fn is_of(&self, entry: &Entry) -> bool {
        self.entry.field("source") == entry.field("source") && shown_file(&self.entry) == shown_file(entry)
    }
}

/// Names this build of the engine: bytecode is only good for the very VM that made it, which a version number does not
/// tell while the engine is being worked on.
pub(super) fn engine() -> String {
    let stamp = |path: PathBuf| {
        let file = path.metadata().ok()?;
        let written = file.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(format!("{} {}", file.len(), written.as_nanos()))
    };
    let program = std::env::current_exe().ok().and_then(stamp).unwrap_or_default();
    format!("bytecode 2, {}, {}, {program}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)
}
