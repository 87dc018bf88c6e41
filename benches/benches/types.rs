//! What types cost: `cargo bench -p wippy-benches --bench types`.
//!
//! Validation of a record with 20 fields, from Lua; parsing and checking 100,000 lines on one core; the start of an
//! application of 500 entries with and without `lua.type_system.strict`, with what was found kept or not.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use wippy::components::{self, Shared};
use wippy_lua::code::compile;
use wippy_lua::process::NodeSurroundings;
use wippy_lua::state::Program;
use wippy_lua::types::{ModuleTypes, TypeSource};
use wippy_lua::vm::Vm;
use wippy_lua_types::{Imports, check};
use wippy_runtime::Node;
use wippy_runtime::boot::{self, Config, Shutdown, Switches};
use wippy_runtime::clock::RealClock;
use wippy_runtime::entropy::SystemEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::logging::{Logging, Options};
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{self, Entry, MemoryHistory, Registry};
use wippy_runtime::terminal::Terminal;

#[global_allocator]
static ALLOCATOR: wippy_allocator::Allocator = wippy_allocator::Allocator;

/// A record of 20 fields: texts, numbers, an optional one, a literal, a nested record, an array.
const RECORD: &str = r#"
type Place = {street: string, city: string}
type Record = {
    id: string, name: string, mail: string, phone: string, note: string, label: string, kind: "a" | "b", size: integer,
    count: integer, price: number, rate: number, active: boolean, hidden: boolean, created: integer, updated: integer,
    owner: string?, parent: string, tags: {string}, place: Place, extra: any
}
local record = {
    id = "1", name = "n", mail = "m", phone = "p", note = "", label = "l", kind = "b", size = 1, count = 2, price = 1.5,
    rate = 0.5, active = true, hidden = false, created = 1, updated = 2, parent = "x", tags = {"a", "b"},
    place = {street = "s", city = "c"}, extra = 5, owner = "o"
}
return function(n)
    for _ = 1, n do
        local value, err = Record:is(record)
        if err then error(err) end
    end
end
"#;

fn node() -> Arc<Node> {
    Node::new("local", Arc::new(RealClock::new()), Arc::new(SystemEntropy)).expect("a node")
}

fn validate(c: &mut Criterion) {
    let node = node();
    let mut program = Program::new("bench:types", &[], Arc::new(NodeSurroundings::new(&node)));
    let types = ModuleTypes::new("bench:types", TypeSource::Text(RECORD.to_owned()), vec![]);
    program.add_types(types.expect("a source with types"));
    let code = compile("bench:types", "types.lua", RECORD).unwrap_or_else(|e| panic!("{}", e.rendered));
    let image = program.image(Vec::new());
    let vm = Vm::new(Arc::new(program), image, usize::MAX).expect("memory for a VM");
    vm.enter(|stack| {
        stack.load(&code, "bench:types").expect("code of our own");
        assert!(stack.call(0, 1), "{:?}", stack.bytes(-1));
    });
    c.bench_function("types: validate a record of 20 fields", |b| {
        b.iter_custom(|n| {
            let start = Instant::now();
            vm.enter(|stack| {
                stack.push_copy(1);
                stack.push_int(i64::try_from(n).unwrap_or(i64::MAX));
                assert!(stack.call(1, 0), "{:?}", stack.bytes(-1));
            });
            start.elapsed()
        })
    });
}

/// Typed code as people write it, `lines` lines of it.
fn source(lines: usize) -> String {
    let mut text = String::from("local M = {}\n");
    for n in 0..lines.div_ceil(20) {
        let _ = write!(
            text,
            r#"type Item{n} = {{id: string, price: number, count: integer, tags?: {{string}}}}
function M.total{n}(items: {{Item{n}}}, rate: number): (number, string?)
    local sum = 0.0
    for i, item in ipairs(items) do
        if item.count > 0 and item.price >= 0 then
            sum = sum + item.price * item.count * rate
        elseif item.tags then
            for _, tag in ipairs(item.tags) do
                if tag == "skip" then sum = sum - i end
            end
        end
    end
    if sum < 0 then return 0, "negative: " .. tostring(sum) end
    return sum, nil
end
function M.f{n}(v: any): number?
    local items, err = M.total{n}({{{{id = "a", price = 1.5, count = 2}}}}, 0.5)
    if err then return nil end
    return type(v) == "number" and v + items or items
end
"#
        );
    }
    text + "return M\n"
}

fn parse_and_check(c: &mut Criterion) {
    let source = source(100_000);
    let lines = source.lines().count();
    let mut group = c.benchmark_group("types");
    group.sample_size(10);
    group.bench_function(format!("parse {lines} lines"), |b| b.iter(|| wippy_lua_syntax::parse(&source)));
    let parsed = wippy_lua_syntax::parse(&source);
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    let checked = check(&parsed.root, &Imports::default());
    assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics.first());
    group.bench_function(format!("check {lines} lines"), |b| b.iter(|| check(&parsed.root, &Imports::default())));
    group.finish();
}

/// An application of 500 entries: 100 libraries in chains of five, and 400 processes that import two of them.
fn entries() -> Vec<Entry> {
    let id = |n: usize| registry::EntryId::new("app", &format!("e{n:03}"));
    let entry = |n: usize| {
        let group = n / 5;
        let (kind, source, imported) = if n.is_multiple_of(5) {
            let base = group.checked_sub(1).filter(|_| !group.is_multiple_of(5));
            ("library.lua", include_str!("types/library.lua"), base.map(|base| ("base", base)).into_iter().collect())
        } else {
            ("process.lua", include_str!("types/process.lua"), vec![("lib_a", group), ("lib_b", (group + 50) % 100)])
        };
        // What an alias means is the same everywhere in a program.
        let alias = |group: usize| format!("lib{group}");
        let source = imported.iter().fold(source.to_owned(), |source, (name, group)| {
            source.replace(&format!("\"{name}\""), &format!("\"{}\"", alias(*group)))
        });
        let imports = imported.iter().map(|(_, group)| (alias(*group), Value::from(id(group * 5).as_str())));
        let modules = ["json", "time"].map(Value::from).to_vec();
        let data = Map::from([
            ("source".to_owned(), Value::Str(source)),
            ("imports".to_owned(), Value::Map(imports.collect())),
            ("modules".to_owned(), Value::List(modules)),
        ]);
        Entry { id: id(n), kind: kind.into(), meta: Map::new(), data: Value::Map(data), origin: None }
    };
    (0..500).map(entry).collect()
}

/// How long the start took.
fn boot_application(entries: Vec<Entry>, config: Config) -> Duration {
    let node = node();
    let clock = Arc::new(RealClock::new());
    node.timers().start().expect("a thread");
    let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
    let logging = Logging::install(Options::from_config(&config, Switches::default(), true), clock);
    let terminal = Arc::new(Terminal::stdio());
    let shared = Shared { shutdown: Shutdown::new(), logging, terminal, memory_limit: None };
    let start = Instant::now();
    let app = boot::App::boot(node, registry, config, components::all(shared)).expect("a runtime");
    app.install(entries).expect("an application");
    let took = start.elapsed();
    app.shutdown(Duration::from_secs(5));
    took
}

/// Names of what is measured, whether types are checked, and whether what was found is kept; the last finds it there.
const BOOTS: [(&str, bool, bool); 4] = [
    ("without types", false, false),
    ("with types, nothing kept", true, false),
    ("with types, for the first time", true, true),
    ("with types", true, true),
];

fn boot_with_types(c: &mut Criterion) {
    let entries = entries();
    let mut group = c.benchmark_group("types");
    group.sample_size(10);
    let kept = tempfile::tempdir().expect("a directory");
    for (name, types, cache) in BOOTS {
        let config = |dir: &Path| {
            let mut config = Config::empty();
            for key in ["type_system.enabled", "type_system.strict"] {
                config.set("lua", key, types);
            }
            config.set("lua", "cache.enabled", cache);
            config.set("lua", "cache.dir", dir.to_string_lossy().into_owned());
            config
        };
        group.bench_function(format!("boot 500 entries {name}"), |b| {
            let first = name.ends_with("first time");
            // Only the start counts: what is checked and written after it, and the end, do not.
            b.iter_custom(|n| {
                let start = |_| {
                    let new = first.then(|| tempfile::tempdir().expect("a directory"));
                    boot_application(entries.clone(), config(new.as_ref().map_or(kept.path(), |new| new.path())))
                };
                (0..n).map(start).sum()
            })
        });
    }
    group.finish();
}

criterion_group!(types, validate, parse_and_check, boot_with_types);
criterion_main!(types);
