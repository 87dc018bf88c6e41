//! What becomes of running calls, pools, caches and memory while Lua entries change.

mod project;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use project::{HOST, Project, shown};
use wippy_lua::code::FileCompiler;
use wippy_runtime::boot::{Component, Config, Setup};
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::files::{DirEntry, File, FileStat, Filesystem, Opening};
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::process::Limits;
use wippy_runtime::registry::pipeline::{Bytecode, CacheMode, CodeCache, EntrySet, IdPatterns, Pipeline, Purpose};
use wippy_runtime::registry::{ChangeSet, Entry, EntryHandler, EntryId};
use wippy_runtime::{Error, Result};

fn entry(id: &str, kind: &str, fields: &[(&str, Value)]) -> Entry {
    let data: Map = fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    Entry { id: EntryId::parse(id), kind: kind.into(), meta: Map::new(), data: data.into(), origin: None }
}
fn lua(id: &str, kind: &str, source: &str) -> Entry {
    entry(id, kind, &[("source", source.into()), ("method", "run".into())])
}
fn answer(project: &Project, id: &str) -> String {
    match project.call(id, &[]) {
        Ok(outcome) => project.finish(&outcome).map_or("does not end".into(), shown),
        Err(e) => e.to_string(),
    }
}

#[test]
fn calls_finish_on_the_pool_they_began_on() {
    let project = Project::new();
    let source = |word: &str| {
        let text = format!("return {{ run = function() process.listen('go'):receive() return '{word}' end }}",);
        entry(
            "app:f",
            "function.lua",
            &[
                ("source", text.as_str().into()),
                ("method", "run".into()),
                ("pool", Value::Map(Map::from([("size".to_owned(), 1i64.into())]))),
            ],
        )
    };
    project.app.registry.apply(ChangeSet::new().create(source("old"))).unwrap();
    // The first runs, the second waits for the only instance.
    let calls = [project.call("app:f", &[]).unwrap(), project.call("app:f", &[]).unwrap()];
    project.run();
    project.app.registry.apply(ChangeSet::new().update(source("new"))).unwrap();
    let new = project.call("app:f", &[]).unwrap();
    let mut finished = Vec::new();
    for _ in 0..2 {
        project.run();
        let running = project.app.node.table().all();
        running.iter().for_each(|c| project.send(c.pid(), "go").unwrap());
        project.run();
        finished.extend(calls.iter().chain([&new]).filter_map(|c| c.try_recv().ok()).map(shown));
    }
    assert_eq!(finished, ["old", "new", "old"]);
    assert!(project.app.node.table().is_empty());
    let delete = ChangeSet::new().delete(EntryId::parse("app:f"));
    let last = project.call("app:f", &[]).unwrap();
    project.run();
    project.app.registry.apply(delete).unwrap();
    assert_eq!(answer(&project, "app:f"), "no handler registered for target");
    project.app.node.table().all().iter().for_each(|c| project.send(c.pid(), "go").unwrap());
    assert_eq!(project.finish(&last).map(shown).as_deref(), Some("new"));
}

/// Refuses to commit while it is told to.
#[derive(Default)]
struct Refusal(AtomicBool);

impl EntryHandler for Refusal {
    fn name(&self) -> &str {
        "refusal"
    }
    fn kinds(&self) -> &[&str] {
        &["test.none"]
    }
    fn commit(&self) -> Result<()> {
        if self.0.swap(false, Ordering::AcqRel) { Err(Error::invalid("not today")) } else { Ok(()) }
    }
    fn create(&self, _: &Arc<Entry>) -> Result<()> {
        Ok(())
    }
    fn update(&self, _: &Arc<Entry>, _: &Arc<Entry>) -> Result<()> {
        Ok(())
    }
    fn delete(&self, _: &Arc<Entry>) -> Result<()> {
        Ok(())
    }
}

/// Adds the handler behind that of Lua.
struct Refusing(Arc<Refusal>);

impl Component for Refusing {
    fn name(&self) -> &'static str {
        "refusing"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["lua"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.handler(self.0.clone());
        Ok(())
    }
}

#[test]
fn what_was_installed_is_taken_back_when_another_refuses() {
    let refusal = Arc::new(Refusal::default());
    let project = Project::with(Config::empty(), vec![Arc::new(Refusing(refusal.clone()))]);
    let registry = &project.app.registry;
    let old = ChangeSet::new()
        .create(lua("app:f", "function.lua", "return function() return 'old' end"))
        .create(lua("app:p", "process.lua", "return { run = function() return 'old' end }"))
        .create(lua("app:gone", "function.lua", "return function() return 'old' end"));
    registry.apply(old).unwrap();
    let new = || {
        ChangeSet::new()
            .update(lua("app:f", "function.lua", "return function() return 'new' end"))
            .update(lua("app:p", "process.lua", "return { run = function() return 'new' end }"))
            .create(lua("app:more", "function.lua", "return function() return 'new' end"))
            .delete(EntryId::parse("app:gone"))
    };
    let say = || {
        let process = project.spawn("app:p").map(|(_, o)| project.finish(&o).map(shown));
        let functions = ["app:f", "app:more", "app:gone"].map(|id| answer(&project, id));
        format!("{:?} {}", process.unwrap().unwrap_or_default(), functions.join(", "))
    };
    let before = r#""old" old, no handler registered for target, old"#;
    assert_eq!(say(), before);
    refusal.0.store(true, Ordering::Release);
    let error = registry.apply(new()).unwrap_err().to_string();
    assert_eq!(error, "failed to apply changes: transaction rejected for registry.commit: not today");
    assert_eq!(say(), before);
    registry.apply(new()).unwrap();
    assert_eq!(say(), r#""new" new, new, no handler registered for target"#);
}

/// A runtime that keeps compiled code in `dir`.
fn cached(dir: &Path, mode: &str) -> Project {
    let mut config = Config::empty();
    config.set("lua", "cache.enabled", true);
    config.set("lua", "cache.dir", dir.to_string_lossy().as_ref());
    config.set("lua", "cache.mode", mode);
    Project::with(config, Vec::new())
}

/// What a fresh runtime with that cache makes of a function that answers `word`.
fn compiled(dir: &Path, mode: &str, word: &str) -> String {
    let project = cached(dir, mode);
    let source = format!("return function() return '{word}' end");
    project.app.registry.apply(ChangeSet::new().create(lua("app:f", "function.lua", &source))).unwrap();
    answer(&project, "app:f")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let list = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|f| f.path());
    list(dir).flat_map(|shard| list(&shard).collect::<Vec<_>>()).collect()
}

#[test]
fn compiled_code_is_kept_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(compiled(dir.path(), "readonly", "one"), "one");
    assert_eq!(files(dir.path()), [] as [PathBuf; 0]);
    assert_eq!(compiled(dir.path(), "readwrite", "one"), "one");
    let one = files(dir.path()).pop().unwrap();
    assert_eq!(compiled(dir.path(), "readwrite", "two"), "two");
    let two = files(dir.path()).into_iter().find(|f| *f != one).unwrap();
    assert_eq!(files(dir.path()).len(), 2, "what is known is not stored again");
    // That the code really comes from the cache shows when the files are exchanged.
    let good = std::fs::read(&one).unwrap();
    std::fs::write(&one, std::fs::read(&two).unwrap()).unwrap();
    assert_eq!(compiled(dir.path(), "readonly", "one"), "two");
    assert_eq!(compiled(dir.path(), "off", "one"), "one");
    // A damaged file counts as none and is written anew.
    for damaged in [&good[..good.len() - 1], b"", b"no code at all"] {
        std::fs::write(&one, damaged).unwrap();
        assert_eq!(compiled(dir.path(), "readwrite", "one"), "one");
        assert_eq!(std::fs::read(&one).unwrap(), good);
    }
    // So does a directory that cannot be written to: here, one below a file.
    assert_eq!(compiled(&one.join("below"), "readwrite", "one"), "one");
}

type Files = BTreeMap<String, Vec<u8>>;

/// A filesystem in memory, as a pack has it.
#[derive(Default)]
struct Packed(Mutex<Files>);

struct Content(Cursor<Vec<u8>>);

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}
impl Write for Content {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Seek for Content {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}
impl File for Content {
    fn stat(&self) -> io::Result<FileStat> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Filesystem for Packed {
    fn open(&self, path: &str, _: Opening) -> io::Result<Box<dyn File>> {
        let found = self.0.lock().get(path).cloned();
        let content = found.ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Content(Cursor::new(content))))
    }
    fn stat(&self, _: &str) -> io::Result<FileStat> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn list(&self, _: &str) -> io::Result<Vec<DirEntry>> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn make_dir(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// A project in which `files` are the filesystem `id`.
fn project_with(id: &str, files: Arc<Packed>) -> Project {
    let project = Project::new();
    project.app.node.filesystems().put(&EntryId::parse(id), files);
    project
}

const CODE: &str = "internal:lua.bytecode";

/// `entries` as a pack has them, and the files of the pack.
fn packed(entries: Vec<Entry>) -> Result<(Vec<Entry>, Arc<Packed>)> {
    let bytecode = Bytecode {
        patterns: IdPatterns::new(&["**".to_owned()]),
        compiler: Arc::new(FileCompiler),
        cache: Arc::new(CodeCache::new("", CacheMode::Off, 0)),
    };
    let purpose = Purpose::Pack { exclude: None, bytecode: Some(bytecode), embed: None };
    let mut set = EntrySet::new(entries);
    Pipeline::standard(purpose, &Config::empty(), &[])?.execute(&mut set)?;
    let files = set.filesystems.swap_remove(&EntryId::parse(CODE)).unwrap_or_default();
    set.entries.retain(|e| e.kind.ends_with(".bc"));
    Ok((set.entries, Arc::new(Packed(Mutex::new(files)))))
}

#[test]
fn packed_code_runs() {
    let import = Value::Map(Map::from([("lib".to_owned(), "app:lib".into())]));
    let source = "type T = { v: string }\nlocal function run(): string\n    return lib.v\nend\nreturn { run = run }";
    let function =
        entry("app:f", "function.lua", &[("source", source.into()), ("method", "run".into()), ("imports", import)]);
    let library = lua("app:lib", "library.lua", "return { v = 'packed' }");
    let broken = lua("app:broken", "process.lua", "return { run = function()\n  error('here') end }");
    let (entries, files) = packed(vec![function, library, broken]).unwrap();
    let project = project_with(CODE, files);
    project.app.install(entries.clone()).unwrap();
    assert_eq!(answer(&project, "app:f"), "packed");
    let (_, outcome) = project.spawn("app:broken").unwrap();
    let end = project.finish(&outcome).map(shown).unwrap_or_default();
    assert!(end.contains("app:broken:2: here"), "{end}");

    // Packed code comes without its types; primitives are always there.
    let typed = "type T = string\nreturn { run = function() return integer:is(5) .. select(2, pcall(function() return T(5) end)) end }";
    let typed = entry("app:t", "function.lua", &[("source", typed.into()), ("method", "run".into())]);
    let (entries, files) = packed(vec![typed]).unwrap();
    let project = project_with(CODE, files);
    project.app.install(entries).unwrap();
    assert_eq!(answer(&project, "app:t"), "5app:t:2: unknown type T");

    let refused = |change: &dyn Fn(&mut Files)| {
        let (entries, files) = packed(vec![lua("app:lib", "library.lua", "return { v = 'packed' }")]).unwrap();
        change(&mut files.0.lock());
        let project = project_with(CODE, files);
        project.app.install(entries).unwrap_err().to_string()
    };
    let file = "app/lib.luac";
    let altered = refused(&|files| files.get_mut(file).unwrap().extend(b" -- more"));
    let hash = "app/lib.luac in internal:lua.bytecode has the hash sha256:";
    assert!(altered.contains(&format!("failed to load bytecode: entry app:lib: field hash: {hash}")), "{altered}");
    let missing = refused(&|files| files.clear());
    let unresolved = "unresolved dependencies after retry: app:lib: operation failed for entry app:lib: \
        failed to load bytecode: cannot read app/lib.luac in internal:lua.bytecode: entity not found";
    assert!(missing.ends_with(unresolved), "{missing}");

    let foreign = b"\x1bLua and whatever else".to_vec();
    let files = Arc::new(Packed::default());
    files.0.lock().insert("x.luac".into(), foreign);
    let project = project_with("app:fs", files);
    let hash = "sha256:4f5a";
    let fields = [("fs", "app:fs".into()), ("path", "x.luac".into()), ("hash", hash.into())];
    let wrong = project.app.install(vec![entry("app:lib", "library.lua.bc", &fields)]).unwrap_err().to_string();
    let found = wrong.split("has the hash ").nth(1).and_then(|t| t.split(',').next()).unwrap();
    let fields = [("fs", "fs".into()), ("path", "x.luac".into()), ("hash", found.into())];
    let wrong = project.app.install(vec![entry("app:lib", "library.lua.bc", &fields)]).unwrap_err().to_string();
    assert!(wrong.ends_with("x.luac in app:fs is no Lua code of this runtime"), "{wrong}");
}

#[test]
fn what_cannot_be_compiled_cannot_be_packed() {
    let wrong = [lua("app:a", "library.lua", "x = = 1"), lua("app:b", "library.lua", "goto nowhere")];
    let error = packed(wrong.to_vec()).err().unwrap().to_string();
    assert!(error.contains("field source: app:a:1:5: unexpected '='"), "{error}");
    assert!(error.contains("field source: app:b:1:1: no visible label 'nowhere'"), "{error}");
}

#[test]
fn hosts_limit_what_runs_on_them() {
    let project = Project::new();
    let modules = |names: &[&str]| Value::List(names.iter().map(|n| (*n).into()).collect());
    let source = "return { run = function(n) return #string.rep('x', n or 1) end }";
    let fields = [("source", source.into()), ("method", "run".into()), ("modules", modules(&["json", "hash"]))];
    let changes =
        ChangeSet::new().create(entry("app:f", "function.lua", &fields)).create(entry("app:p", "process.lua", &fields));
    project.app.registry.apply(changes).unwrap();
    project.host("app:walled", CapabilitySet::new(&["json", "process"], &[]), Limits::default());
    project.host("app:small", CapabilitySet::default(), Limits { memory: 1 << 20, ..Limits::default() });

    let denied = r#"capability "hash" is denied by host app:walled (entry app:"#;
    assert!(project.spawn_on("app:walled", "app:p").unwrap_err().to_string().contains(denied));
    let call = |host: &str, n: i64| {
        let outcome = project.call_on(host, "app:f", &[n.into()]).unwrap();
        project.finish(&outcome).map(shown).unwrap_or_default()
    };
    let megabytes = |n: i64| n << 20;
    assert_eq!(call(HOST, megabytes(8)), format!("Int({})", megabytes(8)));
    // The same instance, for callers on other hosts.
    assert!(call("app:walled", 1).contains(denied));
    assert!(call("app:small", megabytes(8)).contains("not enough memory"));
    assert_eq!(call("app:small", 10), "Int(10)");
}

#[test]
fn many_entries_at_once_are_no_different() {
    let project = Project::new();
    let id = |n: usize| format!("app:f{n:02}");
    let entries = |wrong: &[usize]| -> Vec<Entry> {
        let source =
            |n| if wrong.contains(&n) { "return = 1".into() } else { format!("return function() return {n} end") };
        (0..60).map(|n| lua(&id(n), "function.lua", &source(n))).collect()
    };
    let error = project.app.install(entries(&[7, 33])).unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().filter(|l| l.contains("unexpected")).collect();
    let expected = [7, 33].map(|n| {
        let id = id(n);
        format!(
            "  operation failed for entry {id}: entry {id}: field source: failed to add function node: \
            {id}:1:8: unexpected '=', expected expression"
        )
    });
    assert_eq!(lines, expected);
    assert_eq!(answer(&project, "app:f00"), "no handler registered for target");
    project.app.install(entries(&[])).unwrap();
    for n in [0, 7, 33, 59] {
        assert_eq!(answer(&project, &id(n)), format!("Int({n})"));
    }
}
