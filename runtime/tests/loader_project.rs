//! Projects on disk: creating one, writing the lock file, the code cache, the
//! stages of packs, loading any bytes, and how long a large application takes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use wippy_runtime::boot::lock::{LockedModule, Replacement};
use wippy_runtime::boot::{Config, ConfigRequest, Lock, init_project, load_directory};
use wippy_runtime::error::Result;
use wippy_runtime::payload::Value;
use wippy_runtime::placeholder::{asks_environment, interpolate, typed};
use wippy_runtime::registry::pipeline::{
    Bytecode, CacheMode, CodeCache, CodeKey, Compiler, Embed, EntrySet, IdPatterns, Pipeline, Purpose, Stage,
};
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::yaml::{self, Typing};

fn no_env(_: &str) -> Option<String> {
    None
}

fn value(text: &str) -> Value {
    yaml::parse(text).unwrap().root.unwrap().into_value(Typing::Exact).unwrap()
}

fn entry(id: &str, kind: &str, data: &str) -> Entry {
    Entry { id: EntryId::parse(id), kind: kind.into(), meta: Default::default(), data: value(data), origin: None }
}

#[test]
fn init_creates_a_project_and_keeps_the_modules_of_an_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let made = init_project(dir.path(), "./src", ".wippy", "wippy.lock").unwrap();
    assert!(!made.updated && made.created_src && dir.path().join("src").is_dir());
    let text = std::fs::read_to_string(&made.lock_file).unwrap();
    assert_eq!(text, "directories:\n  modules: .wippy\n  src: ./src\nmodules: []\nreplacements: []\n");

    let path = dir.path().join("wippy.lock");
    let (mut lock, _) = Lock::read(&path).unwrap().unwrap();
    let module =
        |name: &str, version: &str| LockedModule { name: name.into(), version: version.into(), ..Default::default() };
    lock.modules = vec![module("b/b", "2024-01-02"), module("a/a", "v1"), module("b/b", "2024-01-02")];
    lock.modules[1].hash = Some("sha256:00".into());
    lock.replacements =
        vec![Replacement { from: "z/z".into(), to: "src".into() }, Replacement { from: "a/a".into(), to: ".".into() }];
    lock.unpack_modules = true;
    lock.write(&path).unwrap();

    let again = init_project(dir.path(), "app", "mods/vendor", "wippy.lock").unwrap();
    assert!(again.updated && again.created_src);
    let (lock, problems) = Lock::read(&path).unwrap().unwrap();
    assert!(problems.is_empty());
    assert_eq!(lock.modules.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["a/a", "b/b"]);
    assert_eq!(lock.modules[1].version, "2024-01-02");
    assert_eq!(lock.replacements[0].from, "a/a");
    assert!(lock.unpack_modules);
    assert_eq!(lock.vendor_path(), dir.path().join("mods/vendor"));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // Nothing is left beside it.
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");

    std::fs::write(&path, "modules: 5").unwrap();
    assert!(init_project(dir.path(), "src", ".wippy", "wippy.lock").is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "modules: 5");
    assert!(init_project(dir.path(), " ", ".wippy", "other.lock").is_err());
}

#[test]
fn typed_reads_never_convert() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        "version: \"1.0\"\napp: {s: \"5\", i: 5, f: 5.0, b: true, d: 5s, l: [a, b], mixed: [a, 1], e: \"${env:N}\"}\n";
    std::fs::write(dir.path().join(".wippy.yaml"), text).unwrap();
    let request = ConfigRequest { dir: dir.path().into(), ..Default::default() };
    let (config, problems) = Config::load(&request, &|n| (n == "N").then(|| "7".to_owned())).unwrap();
    assert!(problems.is_empty());
    assert_eq!((config.int("app", "i"), config.int("app", "s"), config.int("app", "f")), (Some(5), None, None));
    assert_eq!((config.str("app", "s"), config.str("app", "i")), (Some("5"), None));
    assert_eq!((config.bool("app", "b"), config.bool("app", "s")), (Some(true), None));
    assert_eq!((config.get_float("app", "f", 1.0), config.get_float("app", "i", 1.0)), (5.0, 1.0));
    assert_eq!(config.duration("app", "d"), Some(std::time::Duration::from_secs(5)));
    assert_eq!((config.duration("app", "i"), config.duration("app", "missing")), (None, None));
    assert_eq!(config.list("app", "l"), Some(vec!["a".into(), "b".into()]));
    assert_eq!((config.list("app", "s"), config.list("app", "mixed")), (Some(vec!["5".into()]), None));
    // The text of an environment variable has no type of its own.
    assert_eq!((config.int("app", "e"), config.str("app", "e")), (Some(7), Some("7")));
    assert_eq!(config.get_str("boot", "config_dir", ""), dir.path().to_string_lossy());
}

#[test]
fn entries_ask_the_environment_when_they_are_decoded() {
    let env = HashMap::from([("PORT", "9090"), ("NAME", "x"), ("app.env:key", "k"), ("BAD", "no number")]);
    let lookup = |name: &str| Ok(env.get(name).map(|v| (*v).to_owned()));
    let cases = [
        ("${env:PORT}", Value::Str("9090".into())),
        ("${env:PORT|80}", Value::Int(9090)),
        ("${PORT|80}", Value::Int(9090)),
        ("${env:NONE|80}", Value::Int(80)),
        ("${env:NONE|1.5}", Value::Float(1.5)),
        ("${env:NONE|true}", Value::Bool(true)),
        ("${env:NONE|}", Value::Str(String::new())),
        ("${env:BAD|80}", Value::Str("no number".into())),
        (":${env:PORT|80}/${NAME|y}", Value::Str(":9090/x".into())),
        ("${env:app.env:key}", Value::Str("k".into())),
        ("${PORT}", Value::Str("${PORT}".into())),
        ("${port|80}", Value::Str("${port|80}".into())),
        ("$${env:PORT}", Value::Str("${env:PORT}".into())),
        ("$${env:PORT} ${env:NAME}", Value::Str("${env:PORT} x".into())),
        ("${env:PORT", Value::Str("${env:PORT".into())),
        ("${} ${env:} ${a b}", Value::Str("${} ${env:} ${a b}".into())),
    ];
    for (text, expected) in cases {
        assert_eq!(interpolate(text, &lookup).unwrap(), Some(expected), "{text}");
    }
    assert_eq!(interpolate("plain $text", &lookup).unwrap(), None);
    assert!(asks_environment("x ${env:NAME}") && asks_environment("${A|b}") && !asks_environment("${name} $${env:X}"));
    let error = interpolate("${env:NONE}", &lookup).unwrap_err();
    assert_eq!(error.to_string(), "environment variable not found: NONE");
    for (text, expected) in [("1", "integer"), ("01", "string"), ("1.0", "number"), ("inf", "string"), ("e5", "string")]
    {
        assert_eq!(typed(text).type_name(), expected, "{text}");
    }
}

#[test]
fn the_code_cache_keeps_what_is_whole_and_forgets_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("cache");
    let cache = CodeCache::new(&at, CacheMode::ReadWrite, 10_000);
    let key = CodeKey::of(&[b"lua", b"source"]);
    assert_ne!(key, CodeKey::of(&[b"luas", b"ource"]));
    assert_eq!(cache.load(&key), None);
    cache.store(&key, b"code");
    assert_eq!(cache.load(&key).as_deref(), Some(&b"code"[..]));
    assert_eq!(CodeCache::new(&at, CacheMode::ReadOnly, 0).load(&key).as_deref(), Some(&b"code"[..]));
    assert_eq!(CodeCache::new(&at, CacheMode::Off, 0).load(&key), None);

    let file = at.join(&key.hex()[..2]).join(&key.hex()[2..]);
    let whole = std::fs::read(&file).unwrap();
    for damaged in [&whole[..whole.len() - 1], &whole[..5], b"", &[&whole[..], b"x"].concat()] {
        std::fs::write(&file, damaged).unwrap();
        assert_eq!(cache.load(&key), None);
    }
    cache.store(&key, b"code");
    assert!(cache.load(&key).is_some());

    for i in 0..50_u32 {
        cache.store(&CodeKey::of(&[&i.to_le_bytes()]), &[7; 1000]);
    }
    let kept = (0..50_u32).filter(|i| cache.load(&CodeKey::of(&[&i.to_le_bytes()])).is_some()).count();
    assert!((1..=10).contains(&kept), "{kept}");
    CodeCache::new("/proc/nowhere", CacheMode::ReadWrite, 1).store(&key, b"x"); // Logs, does not fail.
}

#[derive(Default)]
struct Reversing(AtomicUsize);

impl Compiler for Reversing {
    fn version(&self) -> &str {
        "reversing 1"
    }
    fn compile(&self, _: &Entry, source: &str) -> Result<Vec<u8>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if source.contains('!') {
            return Err(wippy_runtime::Error::invalid("1:1: unexpected `!`"));
        }
        Ok(source.bytes().rev().collect())
    }
}

#[test]
fn packs_compile_and_embed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("public/css")).unwrap();
    std::fs::write(dir.path().join("public/index.html"), "<html>").unwrap();
    std::fs::write(dir.path().join("public/css/a.css"), "a{}").unwrap();
    let compiler = Arc::new(Reversing::default());
    let cache = Arc::new(CodeCache::new(dir.path().join("cache"), CacheMode::ReadWrite, 1 << 20));
    let purpose = || Purpose::Pack {
        exclude: None,
        bytecode: Some(Bytecode {
            patterns: IdPatterns::new(&["app:**".into(), "named".into()]),
            compiler: compiler.clone(),
            cache: cache.clone(),
        }),
        embed: Some(Embed { base: dir.path().into(), ..Embed::default() }),
    };
    let entries = vec![
        entry("app:f", "function.lua", "{source: abc, method: run, pool: {size: 1}, other: dropped}"),
        entry("other:named", "library.lua", "{source: xyz}"),
        entry("other:left", "library.lua", "{source: xyz}"),
        entry("app:public", "fs.directory", "{directory: public, auto_init: true}"),
        entry("app:gone", "fs.directory", "{directory: gone}"),
    ];
    for _ in 0..2 {
        let mut set = EntrySet::new(entries.clone());
        Pipeline::standard(purpose(), &Config::empty(), &[]).unwrap().execute(&mut set).unwrap();
        let kinds: Vec<_> = set.entries.iter().map(|e| format!("{} {}", e.id, e.kind)).collect();
        let expected = [
            "app:f function.lua.bc",
            "other:named library.lua.bc",
            "other:left library.lua",
            "app:public fs.embed",
            "app:gone fs.directory",
            "internal:lua.bytecode fs.embed",
        ];
        assert_eq!(kinds, expected);
        let data = &set.entries[0].data;
        assert_eq!(data.get("path"), Some(&Value::Str("app/f.luac".into())));
        assert_eq!(data.get("fs"), Some(&Value::Str("internal:lua.bytecode".into())));
        assert!(data.get("hash").unwrap().as_str().unwrap().starts_with("sha256:"));
        assert!(data.get("pool").is_some() && data.get("other").is_none() && data.get("source").is_none());
        let code = &set.filesystems[&EntryId::parse("internal:lua.bytecode")];
        assert_eq!(code["app/f.luac"], b"cba");
        let public = &set.filesystems[&EntryId::parse("app:public")];
        assert_eq!(public.keys().collect::<Vec<_>>(), ["css/a.css", "index.html"]);
        assert_eq!(set.problems.len(), 1);
        assert_eq!(compiler.0.load(Ordering::Relaxed), 2, "the second time everything comes from the cache");
    }
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("public/out")).unwrap();
    let mut set = EntrySet::new(entries);
    let error = Pipeline::standard(purpose(), &Config::empty(), &[]).unwrap().execute(&mut set).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("failed to execute pipeline: stage 'embed' failed: entry app:public: field directory:"),
        "{error}"
    );
    let bad = vec![entry("app:a", "function.lua", "{source: a!}"), entry("app:b", "function.lua", "{source: b!}")];
    let error =
        Pipeline::standard(purpose(), &Config::empty(), &[]).unwrap().execute(&mut EntrySet::new(bad)).unwrap_err();
    assert_eq!(error.to_string().matches("unexpected `!`").count(), 2);
}

#[test]
fn stages_run_in_the_order_of_the_reference() {
    let names = |purpose| Pipeline::standard(purpose, &Config::empty(), &[]).unwrap().names().join(" ");
    assert_eq!(names(Purpose::Run), "override disable link override");
    let pack = Purpose::Pack { exclude: Some(Default::default()), bytecode: None, embed: Some(Embed::default()) };
    assert_eq!(names(pack), "override disable disable link override embed");
    let publish = Purpose::Publish { exclude: Default::default(), embed: None };
    assert_eq!(names(publish), "override disable link override");
    let mut set = EntrySet::new(vec![entry("a:b", "x", "{}")]);
    Embed::default().run(&mut set).unwrap();
    assert_eq!(set.entries.len(), 1);
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(dir.join(name), bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn any_bytes_load_or_are_reported(bytes in prop::collection::vec(any::<u8>(), 0..200), json in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), if json { "a.json" } else { "a.yaml" }, &bytes);
        write(dir.path(), "wippy.lock", &bytes);
        write(dir.path(), ".wippy.yaml", &bytes);
        for p in load_directory(dir.path(), &no_env).problems {
            prop_assert!(!p.to_string().is_empty());
        }
        let _ = Lock::read(&dir.path().join("wippy.lock"));
        let _ = Config::load(&ConfigRequest { dir: dir.path().into(), ..Default::default() }, &no_env);
    }

    #[test]
    fn any_reference_stays_inside(reference in "(\\.\\./|\\./|/|out/|in/|secret|a\\.txt|\0|\\\\|~){0,6}") {
        let outer = tempfile::tempdir().unwrap();
        write(outer.path(), "secret", b"TOP SECRET");
        let src = outer.path().join("src");
        std::fs::create_dir_all(src.join("in")).unwrap();
        write(&src, "a.txt", b"inside");
        std::os::unix::fs::symlink("..", src.join("out")).unwrap();
        let text = format!("namespace: a\nentries: [{{name: x, kind: y, t: {}}}]\n", serde_json::to_string(&format!("file://{reference}")).unwrap());
        write(&src, "a.yaml", text.as_bytes());
        let report = load_directory(&src, &no_env);
        for entry in &report.entries {
            prop_assert!(!entry.field("t").unwrap().as_str().unwrap().contains("TOP SECRET"));
        }
    }

    #[test]
    fn any_override_and_flag_is_taken_or_refused(flag in "([a-z]{1,2}|:|\\.|=|,|\\+|meta|data|kind){0,12}") {
        let mut set = EntrySet::new(vec![entry("a:b", "x", "{a: [1], b: {c: d}}")]);
        if let Ok(pipeline) = Pipeline::standard(Purpose::Run, &Config::empty(), &[flag]) {
            let _ = pipeline.execute(&mut set);
        }
        prop_assert_eq!(set.entries.len(), 1);
    }
}

/// 500 entries in 50 files, each with a Lua file: the boot budget leaves loading
/// 30 ms in a release build. The bound here is loose, for debug builds and busy machines.
#[test]
fn a_large_application_loads_quickly() {
    let dir = tempfile::tempdir().unwrap();
    for f in 0..50 {
        let sub = dir.path().join(format!("m{f}"));
        std::fs::create_dir(&sub).unwrap();
        let mut text = format!("version: \"1.0\"\nnamespace: app.m{f}\nmeta: {{team: core}}\nentries:\n");
        for e in 0..10 {
            text += &format!(
                "  - name: e{e}\n    kind: function.lua\n    meta: {{comment: entry {e}, tags: [a, b]}}\n    source: file://e{e}.lua\n    method: run\n    modules: [json, time, http]\n    imports: {{helper: app.m{f}:e0}}\n    pool: {{size: 4}}\n"
            );
            write(&sub, &format!("e{e}.lua"), "local x = 1\n".repeat(80).as_bytes());
        }
        write(&sub, "_index.yaml", text.as_bytes());
    }
    let start = std::time::Instant::now();
    let report = load_directory(dir.path(), &no_env);
    let took = start.elapsed();
    println!("{} entries of {} files in {took:?}", report.entries.len(), report.files);
    assert_eq!((report.entries.len(), report.problems.len()), (500, 0));
    assert!(took.as_secs() < 5);
}
