//! What the checker says of sources: asked once for each version of one, and not at all when the cache on disk knows.
//!
//! Serves the start under `lua.type_system.strict` and `wippy lint`. A [`Subject`] is one version of a source with what
//! it imports. Its diagnostics are kept on disk under a key made of everything they depend on: this build of the engine,
//! the source, the keys of its imports. Its manifest is not, and is only made when an importer has to be checked.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use wippy_lua_syntax::Parse;
use wippy_lua_types::{Code, Diagnostic, Imports, Manifest, lint};
use wippy_runtime::payload::Value;
use wippy_runtime::registry::Entry;
use wippy_runtime::registry::pipeline::{CodeCache, CodeKey};

use super::definition::{Target, imported};
use crate::state::common_globals;

/// Keys in the file of what nothing is wrong with: two megabytes.
const MAX_CLEAN: usize = 65_536;

/// The bytes of a [`CodeKey`].
type Key = [u8; 32];

/// A text that is parsed when somebody first needs it, and once.
pub(super) struct Text<'s> {
    pub source: &'s str,
    parse: OnceCell<Parse>,
}

impl<'s> Text<'s> {
    pub fn new(source: &'s str) -> Text<'s> {
        Text { source, parse: OnceCell::new() }
    }
    pub fn parse(&self) -> &Parse {
        self.parse.get_or_init(|| wippy_lua_syntax::parse(self.source))
    }
    /// What it was parsed to, if somebody needed it.
    pub fn into_parse(self) -> Option<Parse> {
        self.parse.into_inner()
    }
}

/// What an alias stands for.
#[derive(Clone)]
pub(super) enum Import {
    Source(Arc<Subject>),
    Builtin(String, Arc<Manifest>),
    /// Nothing can be said of it.
    Unknown,
}

impl Import {
    fn same_as(&self, other: &Import) -> bool {
        match (self, other) {
            (Import::Source(a), Import::Source(b)) => Arc::ptr_eq(a, b),
            (Import::Builtin(a, _), Import::Builtin(b, _)) => a == b,
            (Import::Unknown, Import::Unknown) => true,
            _ => false,
        }
    }
}

/// See the module comment.
pub(super) struct Subject {
    pub entry: Arc<Entry>,
    pub imports: Vec<(String, Import)>,
    key: OnceLock<CodeKey>,
    diagnostics: OnceLock<Vec<Diagnostic>>,
    manifest: OnceLock<Arc<Manifest>>,
    /// What the source was parsed to, until it is checked.
    parsed: Mutex<Option<Parse>>,
}

impl Subject {
    pub fn new(entry: &Arc<Entry>, imports: Vec<(String, Import)>) -> Arc<Subject> {
        let entry = entry.clone();
        Arc::new(Subject {
            entry,
            imports,
            key: OnceLock::new(),
            diagnostics: OnceLock::new(),
            manifest: OnceLock::new(),
            parsed: Mutex::new(None),
        })
    }
    /// Whether it is of what `entry` has for a source, with these imports.
    pub fn is_of(&self, entry: &Arc<Entry>, imports: &[(String, Import)]) -> bool {
        let same = |(a, b): (&(String, Import), &(String, Import))| a.0 == b.0 && a.1.same_as(&b.1);
        (Arc::ptr_eq(&self.entry, entry) || source(&self.entry) == source(entry))
            && self.imports.len() == imports.len()
            && self.imports.iter().zip(imports).all(same)
    }
    /// Has the checker look at `parsed` rather than parse the source again.
    pub fn keep(&self, parsed: Parse) {
        let mut kept = self.parsed.lock();
        if self.diagnostics.get().is_none() {
            *kept = Some(parsed);
        }
    }
    fn imported(&self) -> impl Iterator<Item = &Arc<Subject>> {
        self.imports.iter().filter_map(|(_, import)| match import {
            Import::Source(subject) => Some(subject),
            _ => None,
        })
    }
}

/// The text of an entry that has any. Compiled entries have none and are never checked.
pub(super) fn source(entry: &Entry) -> Option<&str> {
    let text = entry.field("source").and_then(Value::as_str)?;
    (!text.is_empty() && !entry.kind.ends_with(".bc")).then_some(text)
}

/// What an entry says it imports under which alias; leaves out what makes no sense.
pub(super) fn imports(entry: &Entry) -> impl Iterator<Item = (&str, Target)> {
    let listed = entry.field("imports").and_then(Value::as_map);
    listed.into_iter().flatten().filter_map(|(alias, value)| {
        let id = imported(value)?;
        // A bare name is a module.
        let target = if id.ns().is_empty() { Target::Module(id.name().to_owned()) } else { Target::Entry(id) };
        Some((alias.as_str(), target))
    })
}

/// The names that a source of this entry finds when it requires them: what it imports, the modules it lists, and what
/// every program has.
pub(super) fn declared<'e>(entry: &'e Entry) -> Vec<&'e str> {
    let aliases = imports(entry).map(|(alias, _)| alias);
    let modules = entry.field("modules").and_then(Value::as_list).into_iter().flatten().filter_map(Value::as_str);
    let common = common_globals().map(|name| -> &'e str { name });
    aliases.chain(modules).chain(common).collect()
}

/// The order of things in which what they need comes first, as far as they are not in a circle, and what does not need
/// each other stands together: threads that take one after the other seldom wait. `needs` gives the indices of what one
/// needs.
pub(super) fn needs_first(count: usize, needs: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let needed: Vec<Vec<usize>> = (0..count).map(needs).collect();
    let mut order = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for start in 0..count {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        // Those on the way, each with what it needs and was not looked at.
        let mut way = vec![(start, needed[start].iter().rev())];
        while let Some((at, open)) = way.last_mut() {
            match open.next().copied() {
                Some(next) if !std::mem::replace(&mut seen[next], true) => way.push((next, needed[next].iter().rev())),
                Some(_) => {}
                None => {
                    order.push(*at);
                    way.pop();
                }
            }
        }
    }
    // How many others have to come before, one after the other.
    let mut level = vec![0; count];
    for at in &order {
        level[*at] = needed[*at].iter().map(|needed| level[*needed] + 1).max().unwrap_or(0);
    }
    order.sort_by_key(|at| level[*at]);
    order
}

/// Asks the checker, through the cache. Shared between threads.
pub(super) struct Checks {
    cache: Option<Arc<CodeCache>>,
    /// Names this build of the engine.
    engine: String,
    /// What the cache knows to have nothing wrong with it, once somebody has asked.
    clean: OnceLock<HashSet<Key>>,
    /// The same, found out since.
    found_clean: Mutex<HashSet<Key>>,
    /// How many sources have been checked.
    count: AtomicU64,
}

impl Checks {
    pub fn new(cache: Option<Arc<CodeCache>>) -> Checks {
        let engine = if cache.is_some() { super::files::engine() } else { String::new() };
        let (clean, found_clean) = (OnceLock::new(), Mutex::default());
        Checks { cache, engine, clean, found_clean, count: AtomicU64::new(0) }
    }

    #[cfg(test)]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// What is wrong with a subject, syntax errors included. Waits for a thread that is about to find out. Blocks on
    /// files.
    pub fn diagnostics<'s>(&self, subject: &'s Subject) -> &'s [Diagnostic] {
        subject.diagnostics.get_or_init(|| {
            let parsed = subject.parsed.lock().take();
            let key = self.key(subject);
            if let Some(known) = self.known(key) {
                return known;
            }
            let (manifest, found) = self.check(subject, parsed);
            let _ = subject.manifest.set(manifest);
            self.keep(key, &found);
            found
        })
    }

    /// What the lint rules say about a source that may require `declared`. Blocks on files.
    pub fn rules(&self, text: &Text<'_>, declared: &[&str]) -> Vec<Diagnostic> {
        let key = self.cache.is_some().then(|| {
            let parts = [self.engine.as_bytes(), b"rules", text.source.as_bytes()];
            let names = declared.iter().map(|name| name.as_bytes());
            CodeKey::of(&parts.into_iter().chain(names).collect::<Vec<_>>())
        });
        self.known(key.as_ref()).unwrap_or_else(|| {
            let parse = text.parse();
            let found = if parse.errors.is_empty() { lint::lint_entry(&parse.root, declared) } else { vec![] };
            self.keep(key.as_ref(), &found);
            found
        })
    }

    fn known(&self, key: Option<&CodeKey>) -> Option<Vec<Diagnostic>> {
        let (cache, key) = (self.cache.as_ref()?, key?);
        let clean = self.clean.get_or_init(|| {
            let kept = cache.load(&self.clean_key()).unwrap_or_default();
            kept.chunks_exact(size_of::<Key>()).filter_map(|key| key.try_into().ok()).collect()
        });
        if clean.contains(key.bytes()) {
            return Some(vec![]);
        }
        read(&cache.load(key)?)
    }

    fn keep(&self, key: Option<&CodeKey>, found: &[Diagnostic]) {
        let (Some(cache), Some(key)) = (&self.cache, key) else { return };
        if found.is_empty() {
            let mut clean = self.found_clean.lock();
            if clean.len() < MAX_CLEAN {
                clean.extend(Key::try_from(key.bytes()));
            }
        } else if found.iter().all(|d| d.code != Code::E9999) {
            // A failure of the checker is not a property of the source.
            cache.store(key, &write(found));
        }
    }

    fn clean_key(&self) -> CodeKey {
        CodeKey::of(&[self.engine.as_bytes(), b"clean"])
    }

    /// Writes down what was found to have nothing wrong with it: after many subjects, since it costs a file of all of
    /// them. What is not written is found out again.
    pub fn flush(&self) {
        let (Some(cache), found) = (&self.cache, self.found_clean.lock()) else { return };
        if found.is_empty() {
            return;
        }
        let mut keys: Vec<&Key> = found.iter().collect();
        keys.extend(self.clean.get().into_iter().flatten().filter(|key| !found.contains(*key)));
        keys.truncate(MAX_CLEAN);
        cache.store(&self.clean_key(), &keys.into_iter().flatten().copied().collect::<Vec<u8>>());
    }

    /// The key of what is known of a subject; none without a cache.
    fn key<'s>(&self, subject: &'s Subject) -> Option<&'s CodeKey> {
        self.cache.as_ref()?;
        settle(
            subject,
            |s| s.key.get().is_some(),
            |s| {
                let mut parts: Vec<&[u8]> =
                    vec![self.engine.as_bytes(), b"types", source(&s.entry).unwrap_or("").as_bytes()];
                for (alias, import) in &s.imports {
                    parts.push(alias.as_bytes());
                    let (sort, key): (&[u8], &[u8]) = match import {
                        Import::Source(import) => (b"entry", import.key.get().map_or(&[], CodeKey::bytes)),
                        Import::Builtin(name, _) => (b"module", name.as_bytes()),
                        Import::Unknown => (&[], &[]),
                    };
                    parts.extend([sort, key]);
                }
                let _ = s.key.set(CodeKey::of(&parts));
            },
        );
        subject.key.get()
    }

    fn check(&self, subject: &Subject, parsed: Option<Parse>) -> (Arc<Manifest>, Vec<Diagnostic>) {
        let nothing = || Arc::new(Manifest::unknown());
        let Some(source) = source(&subject.entry) else { return (nothing(), vec![]) };
        let parse = parsed.unwrap_or_else(|| wippy_lua_syntax::parse(source));
        if !parse.errors.is_empty() {
            return (nothing(), parse.errors.iter().map(Diagnostic::syntax).collect());
        }
        let mut imports = Imports::default();
        for (alias, import) in &subject.imports {
            let manifest = match import {
                Import::Source(import) => self.manifest(import),
                Import::Builtin(_, manifest) => manifest.clone(),
                Import::Unknown => nothing(),
            };
            imports.add(alias, manifest);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        // A failure of the checker must not be the end of anything else.
        match catch_unwind(AssertUnwindSafe(|| wippy_lua_types::check(&parse.root, &imports))) {
            Ok(checked) => (Arc::new(checked.manifest), checked.diagnostics),
            Err(_) => {
                tracing::error!("{}: the type checker failed on this entry, which is taken as it is", subject.entry.id);
                (nothing(), vec![Diagnostic::internal()])
            }
        }
    }

    /// What importers see of a subject.
    fn manifest(&self, subject: &Subject) -> Arc<Manifest> {
        settle(
            subject,
            |s| s.manifest.get().is_some(),
            |s| {
                self.diagnostics(s);
                // They came from the cache.
                s.manifest.get_or_init(|| self.check(s, None).0);
            },
        );
        subject.manifest.get().cloned().unwrap_or_else(|| Arc::new(Manifest::unknown()))
    }
}

/// Runs `work` for what a subject imports, directly or not, then for itself, as far as it is not `done`. Chains of
/// imports may be long, so this does not recurse.
fn settle(subject: &Subject, done: impl Fn(&Subject) -> bool, work: impl Fn(&Subject)) {
    if done(subject) {
        return;
    }
    let mut way = vec![(subject, subject.imported())];
    while let Some((at, open)) = way.last_mut() {
        match open.next() {
            Some(next) if !done(next) => way.push((next, next.imported())),
            Some(_) => {}
            None => {
                work(at);
                way.pop();
            }
        }
    }
}

/// Diagnostics as they are kept.
fn write(found: &[Diagnostic]) -> Vec<u8> {
    let one = |d: &Diagnostic| {
        json!([d.code.to_string(), d.range.start, d.range.end, d.line, d.column, d.message, d.notes, d.help])
    };
    Json::Array(found.iter().map(one).collect()).to_string().into_bytes()
}

fn read(bytes: &[u8]) -> Option<Vec<Diagnostic>> {
    let one = |d: &Json| {
        let number = |n: usize| u32::try_from(d.get(n)?.as_u64()?).ok();
        let text = |json: &Json| Some(json.as_str()?.to_owned());
        let code = Code::of(d.get(0)?.as_str()?)?;
        Some(Diagnostic {
            code,
            severity: code.severity(),
            range: number(1)?..number(2)?,
            line: number(3)?,
            column: number(4)?,
            message: text(d.get(5)?)?,
            notes: d.get(6)?.as_array()?.iter().map(text).collect::<Option<_>>()?,
            help: match d.get(7)? {
                Json::Null => None,
                help => Some(text(help)?),
            },
        })
    };
    serde_json::from_slice::<Json>(bytes).ok()?.as_array()?.iter().map(one).collect()
}
