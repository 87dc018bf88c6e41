//! The parts that speed is made of, one at a time: `cargo bench -p wippy-benches`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use wippy::components::{self, Shared};
use wippy_benches::App;
use wippy_runtime::Node;
use wippy_runtime::boot::{self, Config, Shutdown, Switches};
use wippy_runtime::clock::RealClock;
use wippy_runtime::entropy::SystemEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::logging::{Logging, Options};
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::process::{Actor, Batch, Event, EventQueue, Message};
use wippy_runtime::registry::{self, Entry, EntryHandler, EntryId, MemoryHistory, Registry};
use wippy_runtime::relay::Pid;
use wippy_runtime::security::{Check, Effect, Engine, Filter, Policies, Policy, Scope};
use wippy_runtime::terminal::Terminal;
use wippy_runtime::yaml;

#[global_allocator]
static ALLOCATOR: wippy_allocator::Allocator = wippy_allocator::Allocator;

/// The map of the `payload` workload: 18 texts, a map, a list.
fn record() -> Value {
    let mut map: Map = (1..=18).map(|i| (format!("field_{i:02}"), Value::from("x".repeat(36)))).collect();
    let nested =
        Map::from([("a".to_owned(), Value::Int(1)), ("b".into(), Value::Float(1.5)), ("c".into(), "text".into())]);
    map.insert("nested".into(), Value::Map(nested));
    map.insert("numbers".into(), (1..=10i64).collect());
    Value::Map(map)
}

fn codec(c: &mut Criterion) {
    let (number, record) = (Value::Int(7), record());
    c.bench_function("flat: encode a number", |b| b.iter(|| Flat::of([black_box(&number)])));
    c.bench_function("flat: encode a map of 20 fields", |b| b.iter(|| Flat::of([black_box(&record)])));
    let bytes = Flat::of([&record]);
    c.bench_function("flat: decode a map of 20 fields", |b| b.iter(|| black_box(&bytes).first()));
}

fn queue(c: &mut Criterion) {
    let message = || Event::Message(Message::new(Pid::none(), "topic", &[]));
    let (queue, mut batch) = (EventQueue::default(), Batch::default());
    for n in [1, 100] {
        c.bench_function(&format!("event queue: {n} in, all out"), |b| {
            b.iter_batched(
                || (0..n).map(|_| message()).collect::<Vec<_>>(),
                |events| {
                    for event in events {
                        assert!(queue.push(event, 0, 0).is_ok());
                    }
                    queue.take_all(&mut batch);
                    batch.clear();
                },
                BatchSize::SmallInput,
            )
        });
    }
}

/// From the request to the exit hook: VM, first step, end.
fn spawn(c: &mut Criterion) {
    let app = App::start(1).expect("a node");
    c.bench_function("spawn and await a process that does nothing", |b| b.iter(|| app.run("nothing", &[])));
}

/// Like an application: a fifth libraries, two fifths functions, a fifth processes, a fifth data.
fn entries() -> Vec<Entry> {
    let dir = tempfile::tempdir().expect("a directory");
    let body: String = (0..18)
        .map(|n| format!("local function f{n}(a: number, b: string): string\n    return b .. tostring(a)\nend\n"))
        .collect::<String>()
        + "return { main = function() return f1(1, 'x') end }\n";
    std::fs::write(dir.path().join("code.lua"), body).expect("a file");
    let mut yaml = String::from("version: \"1.0\"\nnamespace: app\nentries:\n");
    for n in 0..500 {
        yaml += &match n % 5 {
            0 => format!("  - {{name: e{n}, kind: library.lua, source: file://code.lua}}\n"),
            1 | 2 => format!(
                "  - {{name: e{n}, kind: function.lua, method: main, modules: [json], imports: {{lib: \"app:e0\"}}, source: file://code.lua}}\n"
            ),
            3 => format!(
                "  - {{name: e{n}, kind: process.lua, imports: {{lib: \"app:e5\"}}, source: file://code.lua}}\n"
            ),
            _ => format!("  - {{name: e{n}, kind: registry.entry, data: {{a: {n}}}}}\n"),
        };
    }
    std::fs::write(dir.path().join("_index.yaml"), yaml).expect("a file");
    loaded(dir.path())
}

fn loaded(dir: &Path) -> Vec<Entry> {
    let report = boot::load_directory(dir, &|_| None);
    assert_eq!((report.problems.len(), report.entries.len()), (0, 500));
    report.entries
}

fn boot_application(entries: Vec<Entry>) {
    let (config, clock) = (Config::empty(), Arc::new(RealClock::new()));
    let node = Node::new("local", clock.clone(), Arc::new(SystemEntropy)).expect("a node");
    node.timers().start().expect("a thread");
    let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
    let logging = Logging::install(Options::from_config(&config, Switches::default(), true), clock);
    let terminal = Arc::new(Terminal::stdio());
    let shared = Shared { shutdown: Shutdown::new(), logging, terminal, memory_limit: None };
    let app = boot::App::boot(node, registry, config, components::all(shared)).expect("a runtime");
    app.install(entries).expect("an application");
    app.shutdown(std::time::Duration::from_secs(5));
}

fn boot_500(c: &mut Criterion) {
    let entries = entries();
    let mut group = c.benchmark_group("boot");
    group.sample_size(20);
    group.bench_function("500 entries, loaded to stopped", |b| {
        b.iter_batched(|| entries.clone(), boot_application, BatchSize::PerIteration)
    });
    group.finish();
}

/// A scope of policies for one action each, as entries have them: all with a condition on the actor.
fn guarded(n: usize) -> Arc<Scope> {
    let engine = Engine::new(false, Bus::new(), Arc::new(RealClock::new()));
    let ids: Vec<EntryId> = (0..n).map(|i| EntryId::new("p", &i.to_string())).collect();
    for (i, id) in ids.iter().enumerate() {
        let data = format!(
            "policy: {{ actions: store.{i}, resources: 'app:*', effect: allow, \
             conditions: [{{ field: actor.meta.team, operator: eq, value: core }}] }}"
        );
        let data = yaml::parse(&data).expect("YAML").root.expect("a document").into_value(yaml::Typing::Exact);
        let (id, kind, data) = (id.clone(), "security.policy".to_owned(), data.expect("a value"));
        engine.create(&Arc::new(Entry { id, kind, meta: Map::new(), data, origin: None })).expect("a policy");
    }
    engine.commit().expect("policies");
    engine.scope(&ids, &[]).expect("a scope")
}

/// One request judged by a hundred policies.
fn check(c: &mut Criterion) {
    let policy = |i: usize, action: &str, resource: &str, effect| {
        let (actions, resources) = (Filter::new([action]), Filter::new([resource]));
        Arc::new(Policy::new(EntryId::new("p", &i.to_string()), actions, resources, effect))
    };
    let effect = |i: usize| if i % 10 == 9 { Effect::Deny } else { Effect::Allow };
    let scopes = [
        ("100 actions", Scope::new((0..100).map(|i| policy(i, &format!("store.{i}"), "app:main", effect(i))))),
        ("100 on `*`", Scope::new((0..100).map(|i| policy(i, "*", &format!("app:r{i}*"), effect(i))))),
        ("100 on `*` and `*`", Scope::new((0..100).map(|i| policy(i, "*", "*", Effect::Allow)))),
        (
            "100 on `*`, all matching",
            Scope::new(
                (0..100).map(|i| policy(i, "*", &format!("{}*", &"app:r50/deeper/path"[..i % 19]), Effect::Allow)),
            ),
        ),
    ];
    let guarded = ("100 actions, each with a condition", guarded(100));
    let scopes = scopes.map(|(name, scope)| (name, Arc::new(scope)));
    let scopes: Vec<_> = scopes.into_iter().chain([guarded]).collect();
    let meta = Map::from([("team".to_owned(), "core".into())]);
    let (actor, attributes) = (Actor { id: "ann".into(), meta }, Map::new());
    for (name, scope) in &scopes {
        for (action, resource) in [("store.50", "app:main"), ("store.50", "app:r50/deeper/path")] {
            let ask = Check { actor: &actor, action, resource, attributes: &attributes };
            c.bench_function(&format!("check of {resource} by {name}: {:?}", scope.evaluate(&ask)), |b| {
                b.iter(|| scope.evaluate(black_box(&ask)))
            });
        }
    }
}

criterion_group!(parts, codec, queue, spawn, check, boot_500);
criterion_main!(parts);
