//! Programs that mean harm, one a file in `attacks/`, on a sandboxed host. Each
//! says which limit it meets and how it ends. Meanwhile a neighbour on another
//! host does its work: it must neither fail nor be late.
//!
//! Lateness is compared with that of a thread of the operating system that
//! does the same beside it, and with that of a neighbour before the guest came,
//! so that a busy machine is not the guest's fault; a guest that disturbs is
//! tried five times.
//!
//! `cargo test -p wippy-tests --test attacks -- --ignored every` runs one after
//! the other; with `all` they are let loose together, for
//! `WIPPY_ATTACK_SECONDS` (600).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use wippy::components::{self, Shared};
use wippy_runtime::boot::{App, Config, Shutdown, Switches};
use wippy_runtime::clock::RealClock;
use wippy_runtime::entropy::{Entropy, SeededEntropy, SystemEntropy};
use wippy_runtime::events::Bus;
use wippy_runtime::logging::{Logging, Options};
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::process::{Exit, Message};
use wippy_runtime::registry::{self, Entry, EntryId, MemoryHistory, Registry};
use wippy_runtime::relay::Pid;
use wippy_runtime::{Node, SpawnRequest, yaml};

/// How much later than the thread beside it a neighbour may be, in nanoseconds.
const LATE: f64 = 5e6;
/// How long a guest may take that ends by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the others may do what they do.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
/// How long a neighbour is watched without a guest.
const BEFORE: Duration = Duration::from_millis(60);
const TENANTS: &str = "app:tenants";
const NEIGHBOURS: &str = "app:neighbours";

struct Guest {
    name: String,
    modules: String,
    /// How its end may begin, one way or another behind ` | `.
    ends: String,
    source: String,
}

fn guests() -> Vec<Guest> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/attacks");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("attacks").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let source = std::fs::read_to_string(path).expect("a guest");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let says = |what: &str| {
            let line = source.lines().find_map(|line| line.strip_prefix("-- ")?.strip_prefix(what)?.strip_prefix(": "));
            line.map(str::to_owned)
        };
        let needed = |what: &str| says(what).unwrap_or_else(|| panic!("{name} does not say its `{what}`"));
        assert!(!needed("attack").is_empty() && !needed("limit").is_empty());
        Guest { modules: says("modules").unwrap_or_default(), ends: needed("ends"), name: name.clone(), source }
    };
    files.iter().map(read).collect()
}

fn entry(name: &str, kind: &str, data: &str) -> Entry {
    let data = yaml::parse(data).unwrap().root.unwrap().into_value(yaml::Typing::Exact).unwrap();
    Entry { id: EntryId::new("app", name), kind: kind.into(), meta: Map::new(), data, origin: None }
}

fn code(name: &str, kind: &str, source: &str, modules: &str) -> Entry {
    let mut code = entry(name, kind, &format!("{{method: main, modules: [{modules}]}}"));
    if let Value::Map(data) = &mut code.data {
        data.insert("source".to_owned(), source.into());
    }
    code
}

const NEIGHBOUR: &str = r#"
return function()
    local stop, late = process.listen("stop"), {}
    while true do
        local due = time.now():unix_nano() + 5e6
        local got = channel.select({ time.after("5ms"):case_receive(), stop:case_receive() })
        if got.channel == stop then return late end
        late[#late + 1] = time.now():unix_nano() - due
    end
end"#;

const SINK: &str = "return function() channel.new():receive() end";
const CALLS_ITSELF: &str = r#"
return { main = function()
    local value, err = require("funcs").call("app:calls_itself")
    return value or err:kind()
end }"#;

/// A runtime with the two hosts and all guests.
struct Arena {
    app: Arc<App>,
}

impl Arena {
    fn new(guests: &[Guest]) -> Arena {
        let config = Config::empty();
        let clock = Arc::new(RealClock::new());
        let node = Node::new("local", clock.clone(), Arc::new(SystemEntropy)).expect("a node");
        node.timers().start().expect("a thread");
        let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
        let logging = Logging::install(Options::from_config(&config, Switches::default(), true), clock);
        let terminal = wippy_terminal::stdio();
        let shared = Shared { shutdown: Shutdown::new(), logging, terminal, memory_limit: None };
        let app = App::boot(node, registry, config, components::all(shared)).expect("a runtime");
        let tenants = "{sandbox: true, host: {workers: 1}, lifecycle: {auto_start: true}, \
                        limits: {processes: 50, cpu: {call: 400ms}}}";
        let mut entries = vec![
            entry("tenants", "process.host", tenants),
            entry("neighbours", "process.host", "{host: {workers: 1}, lifecycle: {auto_start: true}}"),
            code("neighbour", "process.lua", NEIGHBOUR, "time"),
            code("sink", "process.lua", SINK, ""),
            code("calls_itself", "function.lua", CALLS_ITSELF, "funcs"),
        ];
        entries.extend(guests.iter().map(|g| code(&g.name, "process.lua", &g.source, &g.modules)));
        app.install(entries).expect("entries that can be loaded");
        let arena = Arena { app };
        arena.wait("hosts", || [TENANTS, NEIGHBOURS].iter().all(|host| arena.node().process_host(host).is_ok()));
        arena
    }
    fn node(&self) -> &Arc<Node> {
        &self.app.node
    }
    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < PATIENCE, "{what}: not in time");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn spawn(&self, name: &str, host: &str, args: &[Value]) -> wippy_runtime::Result<(Pid, Receiver<Exit>)> {
        let (tx, rx) = channel();
        let request = SpawnRequest {
            args: Flat::of(args),
            on_exit: Some(Box::new(move |exit: &Exit| drop(tx.send(exit.clone())))),
            ..SpawnRequest::new(EntryId::new("app", name), host)
        };
        Ok((self.node().spawn(request)?, rx))
    }
    fn neighbour(&self) -> Neighbour {
        let (pid, exit) = self.spawn("neighbour", NEIGHBOURS, &[]).expect("a neighbour");
        Neighbour { pid, exit }
    }
    /// Runs a guest to its end; how it ended.
    fn run(&self, guest: &Guest, neighbour: Pid) -> String {
        let sink = self.spawn("sink", TENANTS, &[]).map_or(String::new(), |(pid, _)| pid.to_string());
        let args = [Value::Str(neighbour.to_string()), Value::Str(sink)];
        let (pid, exit) = match self.spawn(&guest.name, TENANTS, &args) {
            Ok(started) => started,
            Err(e) => return format!("{} {e}", e.kind().as_str()),
        };
        let ends_itself = guest.ends != "terminated";
        let ended = exit.recv_timeout(if ends_itself { PATIENCE } else { LONG_ENOUGH }).ok();
        match ended {
            Some(Exit::Value(value)) => match value.first() {
                Ok(Value::Str(text)) => format!("value {text}"),
                other => format!("value {other:?}"),
            },
            Some(Exit::Error(e)) => format!("{} {e}", e.kind().as_str()),
            None if ends_itself => "does not end".to_owned(),
            None => {
                let _ = self.node().terminate(pid);
                match exit.recv_timeout(PATIENCE) {
                    Ok(_) => "terminated".to_owned(),
                    Err(_) => "cannot be terminated".to_owned(),
                }
            }
        }
    }
    /// Ends what a guest has left behind.
    fn clear(&self, after: &str) {
        let host = self.node().process_host(TENANTS).expect("the host runs");
        self.wait(&format!("the end of all guests after {after}"), || {
            let all = self.node().table().all();
            all.iter().filter(|p| p.host.id == host.id).for_each(|p| p.kill());
            host.live() == 0
        });
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.app.shutdown(Duration::from_secs(5));
    }
}

struct Neighbour {
    pid: Pid,
    exit: Receiver<Exit>,
}

impl Neighbour {
    /// Ends it; its latenesses in nanoseconds. Errors: it has failed.
    fn stop(self, arena: &Arena) -> Result<Vec<f64>, String> {
        let _ = arena.node().router().send(self.pid, Message::new(Pid::none(), "stop", &[]));
        match self.exit.recv_timeout(PATIENCE) {
            Ok(Exit::Value(value)) => match value.first() {
                Ok(Value::List(late)) => Ok(late.iter().filter_map(Value::as_float).collect()),
                // An empty table is no list.
                _ => Ok(Vec::new()),
            },
            Ok(Exit::Error(e)) => Err(format!("a neighbour failed: {e}")),
            Err(_) => Err("a neighbour does not answer any more".to_owned()),
        }
    }
}

/// What a thread of its own sees that does the same as a neighbour.
fn control(stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<f64>> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let mut late = Vec::new();
        while !stop.load(SeqCst) {
            let due = Instant::now() + Duration::from_millis(5);
            std::thread::sleep(Duration::from_millis(5));
            late.push(due.elapsed().as_nanos() as f64);
        }
        late
    })
}

/// The value that three of four do not exceed.
fn third_quartile(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() * 3 / 4).copied().unwrap_or_default()
}

/// One attempt: how the guest ended, and by how much the neighbour was later than without it, in nanoseconds.
fn attempt(arena: &Arena, guest: &Guest) -> Result<(String, f64), String> {
    let alone = arena.neighbour();
    std::thread::sleep(BEFORE);
    let alone = third_quartile(alone.stop(arena)?);
    let neighbour = arena.neighbour();
    let stop = Arc::new(AtomicBool::new(false));
    let beside = control(&stop);
    let ended = arena.run(guest, neighbour.pid);
    std::thread::sleep(Duration::from_millis(20));
    stop.store(true, SeqCst);
    let late = neighbour.stop(arena);
    let beside = beside.join().map_err(|_| "the thread failed".to_owned())?;
    arena.clear(&guest.name);
    Ok((ended, third_quartile(late?) - third_quartile(beside).max(alone)))
}

#[test]
#[ignore = "takes a minute, and measures time: it wants a machine that is not full"]
fn every_attack_ends_as_it_says_and_disturbs_nobody() {
    let guests = guests();
    assert!(guests.len() >= 25, "{} guests", guests.len());
    let arena = Arena::new(&guests);
    let mut failures = Vec::new();
    for guest in &guests {
        let mut worst = f64::INFINITY;
        for _ in 0..5 {
            match attempt(&arena, guest) {
                Err(e) => failures.push(format!("{}: {e}", guest.name)),
                Ok((ended, _)) if !guest.ends.split(" | ").any(|end| ended.starts_with(end)) => {
                    let shown: String = ended.chars().take(300).collect();
                    failures.push(format!("{}: ended as `{shown}`, not as `{}`", guest.name, guest.ends));
                }
                Ok((_, late)) => {
                    worst = worst.min(late);
                    if late > LATE {
                        continue;
                    }
                }
            }
            break;
        }
        if worst.is_finite() && worst > LATE {
            failures.push(format!("{}: the neighbour was {:.1} ms late", guest.name, worst / 1e6));
        }
    }
    assert!(failures.is_empty(), "{} of {} guests:\n{}", failures.len(), guests.len(), failures.join("\n"));
}

/// Pages in memory, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

#[test]
#[ignore = "takes ten minutes"]
fn all_attacks_together_leave_nothing_behind() {
    let seconds = std::env::var("WIPPY_ATTACK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(600);
    let guests = guests();
    let arena = Arena::new(&guests);
    let neighbours: Vec<Neighbour> = (0..200).map(|_| arena.neighbour()).collect();
    let (random, target) = (SeededEntropy::new(1), neighbours[0].pid);
    let round = |until: Instant| {
        let mut runs = 0;
        while Instant::now() < until {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    let guest = &guests[random.below(guests.len() as u64) as usize];
                    scope.spawn(|| arena.run(guest, target));
                }
            });
            runs += 4;
            arena.clear("a round");
        }
        runs
    };
    // What is allocated once, for the first of its kind, is no leak.
    let mut runs = round(Instant::now() + Duration::from_secs(seconds / 5));
    let before = resident();
    runs += round(Instant::now() + Duration::from_secs(seconds - seconds / 5));
    let after = resident();
    println!("{runs} guests in {seconds} s; {} MiB before, {} MiB after", before >> 20, after >> 20);
    for neighbour in neighbours {
        neighbour.stop(&arena).expect("no neighbour fails");
    }
    assert!(after < before + before / 2 + (64 << 20), "{before} bytes before, {after} after");
}
