//! Programs that ask the runtime: registry, event bus, introspection, metrics.
//! The cases are in `tests/runtime/*.lua`; each runs under several seeds and on
//! real threads, in an application whose registry holds a few entries of files.

#[path = "app/mod.rs"]
mod app;
mod project;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use app::{App, Case, Parts, cases, shown};
use wippy_runtime::boot::{Config, Shutdown};
use wippy_runtime::metrics::Reading;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::process::{Inherited, Limits};
use wippy_runtime::registry::{Entry, EntryHandler, EntryId, Lifecycle, NilHistory, SqliteHistory};
use wippy_runtime::security::{Ask, Policies};
use wippy_runtime::supervisor::{Reporter, Service, Supervisor};
use wippy_runtime::{Error, Result};

/// Owns `test.unit`. Data with `bad = true` is refused; with `service = TEXT` it is a service that starts by itself,
/// says the text and, if that is `broken`, ends for good.
struct Units(Arc<Supervisor>);

struct Unit(String);

impl Service for Unit {
    fn start(&self, _: Arc<Inherited>, report: Reporter) {
        match self.0.as_str() {
            "broken" => report.ended(Err(Error::invalid("this unit is broken"))),
            text => {
                report.running();
                report.details(text);
            }
        }
    }
    fn stop(&self, report: Reporter, _: Duration) {
        report.ended(Ok(()));
    }
}

impl EntryHandler for Units {
    fn name(&self) -> &str {
        "units"
    }
    fn kinds(&self) -> &[&str] {
        &["test.unit"]
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        if entry.field("bad").and_then(Value::as_bool) == Some(true) {
            return Err(Error::invalid("this unit is bad"));
        }
        if let Some(text) = entry.field("service").and_then(Value::as_str) {
            let lifecycle = Lifecycle { auto_start: true, ..Lifecycle::default() };
            self.0.register(entry.id.clone(), Arc::new(Unit(text.to_owned())), lifecycle);
        }
        Ok(())
    }
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.create(new)
    }
    fn delete(&self, _: &Arc<Entry>) -> Result<()> {
        Ok(())
    }
}

/// Allows all but a list.
struct Denying(Vec<(String, String)>);

impl Policies for Denying {
    fn allows(&self, ask: &Ask<'_>) -> bool {
        !self.0.iter().any(|(action, resource)| action == ask.action && (resource == "*" || resource == ask.resource))
    }
}

/// What the files of every case hold. Numbers of files are floats.
fn files() -> Vec<Entry> {
    let entry = |id: &str, kind: &str, meta: &[(&str, Value)], data: Value| Entry {
        id: EntryId::parse(id),
        kind: kind.into(),
        meta: meta.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
        data,
        origin: None,
    };
    let max: Map = [("max".to_owned(), Value::Float(5.0))].into_iter().collect();
    let tags: Value = ["red", "sweet"].into_iter().collect();
    vec![
        entry(
            "shop:apple",
            "registry.entry",
            &[("type", "fruit".into()), ("order", 3.0.into()), ("tags", tags)],
            max.into(),
        ),
        entry("shop:beet", "registry.entry", &[("type", "root".into()), ("order", 4.0.into())], Value::Nil),
        entry("shop.eu:apple", "ns.definition", &[("type", "fruit salad".into())], Value::Nil),
        entry(
            "bank:loan",
            "test.unit",
            &[],
            Value::Map([("rate".to_owned(), Value::Float(0.5))].into_iter().collect()),
        ),
    ]
}

fn start(case: &Case, app: App) -> App {
    let supervisor = app.runtime.context.need::<Supervisor>().expect("a supervisor");
    app.runtime.registry.add_handler(Arc::new(Units(supervisor)));
    app.runtime.install(files()).expect("the files' entries");
    if !case.denied.is_empty() {
        app.node.set_policies(Arc::new(Denying(case.denied.clone())));
    }
    for (id, modules, source) in &case.entries {
        let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
        app.define(id, source, &modules);
    }
    app
}

/// Whether the case gives what it expects; notes it otherwise.
fn check(file: &Path, case: &Case, how: &str, app: &App, failures: &mut Vec<String>) -> bool {
    let got = shown(&app.run(&case.entries[0].0, &[]));
    let good = got.trim_end() == case.expect.trim_end();
    if !good {
        let (file, name) = (file.file_name().unwrap_or_default().to_string_lossy(), &case.name);
        let expected = case.expect.trim_end();
        failures.push(format!("{file}: {name} ({how})\n  expected: {expected}\n  got:      {got}"));
    }
    let outlived = app.runtime.bus.subscribers().iter().any(|s| s.system != "supervisor");
    assert!(!outlived, "{}: a subscription outlived its process", case.name);
    good
}

fn file(name: &str) -> (PathBuf, Vec<Case>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runtime").join(name);
    let text = std::fs::read_to_string(&path).expect("a readable case file");
    (path, cases(&text))
}

/// Runs all cases of a file under five seeds and on threads.
fn run(name: &str, parts: impl Fn() -> Parts) {
    run_under(5, name, parts);
}

fn run_under(seeds: u64, name: &str, parts: impl Fn() -> Parts) {
    let (path, all) = file(name);
    let mut failures = Vec::new();
    for case in &all {
        let seeded = |seed| (format!("seed {seed}"), start(case, App::seeded_with(seed, parts())));
        let mut runs = (0..seeds).map(seeded);
        if runs.all(|(how, app)| check(&path, case, &how, &app, &mut failures)) {
            check(&path, case, "threads", &start(case, App::pool_with(parts())), &mut failures);
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn registry() {
    run("registry.lua", Parts::default);
}

#[test]
fn registry_on_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let n = std::cell::Cell::new(0);
    // One seed: every run waits for the disk many times.
    run_under(1, "registry.lua", || {
        n.set(n.get() + 1);
        let history = SqliteHistory::open(dir.path().join(format!("{}.db", n.get()))).expect("a history");
        Parts { history: Arc::new(history), ..Parts::default() }
    });
}

#[test]
fn registry_without_history() {
    run("registry_nil.lua", || Parts { history: Arc::new(NilHistory), ..Parts::default() });
}

#[test]
fn one_worker_is_enough() {
    run("apply.lua", || Parts { workers: 1, ..Parts::default() });
}

#[test]
fn events() {
    run("events.lua", Parts::default);
}

#[test]
fn events_within_a_mailbox() {
    let limits = || Limits { mailbox_messages: 10, ..Limits::default() };
    run("events_limited.lua", || Parts { limits: limits(), ..Parts::default() });
}

#[test]
fn system() {
    run("system.lua", Parts::default);
}

#[test]
fn a_program_ends_the_runtime() {
    let source = r#"
        local system = require("system")
        return function()
            local bad = select(2, pcall(system.exit, "x"))
            local ok, err = system.exit()
            assert(ok == true and err == nil)
            assert(system.exit(256 + 7))
            return bad
        end"#;
    let app = App::seeded(1);
    app.define("app:main", source, &["system"]);
    let shutdown = app.runtime.context.need::<Shutdown>().expect("a way to end the program");
    assert!(!shutdown.is_requested());
    let bad = "bad argument #1 to exit (integer expected, got string)";
    assert_eq!(app.run("app:main", &[]), Ok(bad.into()));
    assert_eq!(shutdown.wait(), 7);
}

#[test]
fn metrics_reach_the_collector() {
    let source = r#"
        local metrics = require("metrics")
        return function()
            for i = 1, 3 do metrics.counter_inc("orders", { region = "eu" }) end
            metrics.gauge_set("depth", 4) metrics.gauge_dec("depth")
            metrics.histogram("took", 0.2)
            return metrics.counter_add("bad name", 1)
        end"#;
    let app = App::seeded(1);
    app.define("app:main", source, &["metrics"]);
    assert_eq!(app.run("app:main", &[]), Ok(Value::Bool(true)));
    let reading = |name: &str, labels: &[(&str, &str)]| app.node.metrics().reading(name, labels);
    assert_eq!(reading("orders", &[("region", "eu")]), Some(Reading::Counter(3.0)));
    assert_eq!(reading("depth", &[]), Some(Reading::Gauge(3.0)));
    assert!(matches!(reading("took", &[]), Some(Reading::Histogram { sum: 0.2, .. })));
    assert_eq!(reading("bad name", &[]), None);
    assert_eq!(reading("metrics_invalid_total", &[]), Some(Reading::Counter(1.0)));
    assert_eq!(reading("eventbus_subscribers_active", &[]), Some(Reading::Gauge(1.0)));
    assert_eq!(reading("wippy_host_processes", &[("host", "app:host")]), Some(Reading::Gauge(0.0)));
    assert!(
        matches!(reading("wippy_host_steps_total", &[("host", "app:host")]), Some(Reading::Counter(n)) if n >= 1.0)
    );
}

#[test]
fn calls_are_measured_when_that_is_wanted() {
    let files = r#"
namespace: app
entries:
  - { name: good, kind: function.lua, method: run, source: 'return { run = function() require("time").sleep("300ms") end }', modules: [time] }
  - name: bad
    kind: function.lua
    method: run
    source: 'return { run = function() error(errors.new{ message = "no", kind = errors.UNAVAILABLE, retryable = true }) end }'
    meta: { options: { retry: { max_attempts: 3 } } }
"#;
    for enabled in [true, false] {
        let mut config = Config::empty();
        config.set("metrics", "interceptor.enabled", enabled);
        let project = project::Project::with(config, Vec::new());
        project.write("_index.yaml", files);
        project.install().expect("valid entries");
        for id in ["app:good", "app:good", "app:bad"] {
            let outcome = project.call(id, &[]).expect("a function");
            assert_eq!(project.finish(&outcome).expect("an end").is_ok(), id == "app:good");
        }
        let metrics = project.app.node.metrics();
        let counted = |id: &str, status: &str| {
            metrics.reading("wippy_function_calls", &[("function_id", id), ("status", status)])
        };
        let good = [("function_id", "app:good")];
        if !enabled {
            assert_eq!(counted("app:good", "success"), None);
            continue;
        }
        assert_eq!(counted("app:good", "success"), Some(Reading::Counter(2.0)));
        assert_eq!(counted("app:good", "error"), None);
        assert_eq!(counted("app:bad", "error"), Some(Reading::Counter(1.0)));
        assert_eq!(metrics.reading("wippy_function_in_flight", &good), Some(Reading::Gauge(0.0)));
        let Some(Reading::Histogram { buckets, sum }) = metrics.reading("wippy_function_duration", &good) else {
            panic!("durations are observed");
        };
        assert_eq!(buckets.iter().sum::<u64>(), 2);
        assert!((0.6..0.7).contains(&sum), "{sum}");
    }
}
