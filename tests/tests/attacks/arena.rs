//! A runtime with two hosts: a sandbox for the guests, and one for neighbours
//! that do their work.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use wippy::components::{self, Shared};
use wippy_runtime::boot::{App, Config, Shutdown, Switches};
use wippy_runtime::clock::RealClock;
use wippy_runtime::entropy::SystemEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::logging::{Logging, Options};
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{Exit, Message};
use wippy_runtime::registry::{self, ChangeSet, Entry, EntryId, MemoryHistory, Registry};
use wippy_runtime::relay::Pid;
use wippy_runtime::{Node, SpawnRequest};

use crate::guests::{Guest, code, entry};

/// How long a guest may take that ends by itself.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long the others may do what they do.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
const TENANTS: &str = "app:tenants";
const NEIGHBOURS: &str = "app:neighbours";

/// It keeps as many measurements as the longest single guest needs, and no more: its own memory is no guest's fault.
const NEIGHBOUR: &str = r#"
return function()
    local stop, late, n = process.listen("stop"), {}, 0
    while true do
        local due = time.now():unix_nano() + 5e6
        local got = channel.select({ time.after("5ms"):case_receive(), stop:case_receive() })
        if got.channel == stop then return late end
        late[n % 2048 + 1] = time.now():unix_nano() - due
        n = n + 1
    end
end"#;

const SINK: &str = "return function() channel.new():receive() end";
const CALLS_ITSELF: &str = r#"
return { main = function()
    local value, err = require("funcs").call("app:calls_itself")
    return value or err:kind()
end }"#;
/// Has a module that no sandbox grants.
const PRIVILEGED: &str = "return function() return 'in' end";
/// Starts a guest again as often as it ends.
const SUPERVISOR: &str = r#"
return function(neighbour, sink, guest)
    local events = process.events()
    while true do
        assert(process.spawn_monitored(guest, "app:tenants", neighbour, sink))
        events:receive()
    end
end"#;

/// See the module comment.
pub struct Arena {
    app: Arc<App>,
    /// Code of guests in WebAssembly.
    dir: tempfile::TempDir,
}

impl Arena {
    pub fn new(guests: &[Guest]) -> Arena {
        let config = Config::empty();
        let clock = Arc::new(RealClock::new());
        let node = Node::new("local", clock.clone(), Arc::new(SystemEntropy)).expect("a node");
        node.timers().start().expect("a thread");
        let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
        let logging = Logging::install(Options::from_config(&config, Switches::default(), true), clock);
        let terminal = wippy_terminal::stdio();
        let shared = Shared { shutdown: Shutdown::new(), logging, terminal, memory_limit: None };
        let app = App::boot(node, registry, config, components::all(shared)).expect("a runtime");
        let dir = tempfile::tempdir().expect("a directory");
        let tenants = "{sandbox: true, host: {workers: 1}, lifecycle: {auto_start: true}, \
             limits: {processes: 50, cpu: {call: 60s}}}";
        let mut entries = vec![
            entry("tenants", "process.host", tenants),
            entry("neighbours", "process.host", "{host: {workers: 1}, lifecycle: {auto_start: true}}"),
            entry("guests", "fs.directory", &format!("{{directory: {}}}", dir.path().display())),
            code("neighbour", "process.lua", NEIGHBOUR, "time"),
            code("sink", "process.lua", SINK, ""),
            code("calls_itself", "function.lua", CALLS_ITSELF, "funcs"),
            code("privileged", "process.lua", PRIVILEGED, "registry"),
            code("supervisor", "process.lua", SUPERVISOR, ""),
        ];
        entries.extend(guests.iter().filter(|g| !g.comes_late).map(|g| g.entry(dir.path())));
        app.install(entries).expect("entries that can be loaded");
        let arena = Arena { app, dir };
        arena.wait("hosts", || [TENANTS, NEIGHBOURS].iter().all(|host| arena.node().process_host(host).is_ok()));
        arena
    }
    pub fn node(&self) -> &Arc<Node> {
        &self.app.node
    }
    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < PATIENCE, "{what}: not in time");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn spawn(&self, id: EntryId, host: &str, args: &[Value]) -> wippy_runtime::Result<(Pid, Receiver<Exit>)> {
        let (tx, rx) = channel();
        let request = SpawnRequest {
            args: Flat::of(args),
            on_exit: Some(Box::new(move |exit: &Exit| drop(tx.send(exit.clone())))),
            ..SpawnRequest::new(id, host)
        };
        Ok((self.node().spawn(request)?, rx))
    }
    pub fn neighbour(&self) -> Neighbour {
        let (pid, exit) = self.spawn(EntryId::new("app", "neighbour"), NEIGHBOURS, &[]).expect("a neighbour");
        Neighbour { pid, exit }
    }

    /// Installs the code of a guest that comes late.
    fn install(&self, entry: Entry) -> wippy_runtime::Result<()> {
        self.app.registry.apply(ChangeSet::new().create(entry)).map(drop)
    }
    /// Runs a guest to its end; how it ended.
    pub fn run(&self, guest: &Guest, neighbour: Pid) -> String {
        if !guest.comes_late {
            return self.let_loose(guest, neighbour);
        }
        if let Err(e) = self.install(guest.entry(self.dir.path())) {
            return format!("refused {e}");
        }
        let ended = self.let_loose(guest, neighbour);
        self.app.registry.apply(ChangeSet::new().delete(guest.id())).expect("an entry that can be deleted");
        ended
    }
    fn let_loose(&self, guest: &Guest, neighbour: Pid) -> String {
        let sink =
            self.spawn(EntryId::new("app", "sink"), TENANTS, &[]).map_or(String::new(), |(pid, _)| pid.to_string());
        let mut args = vec![Value::Str(neighbour.to_string()), Value::Str(sink)];
        args.retain(|_| guest.takes_arguments);
        let id = match guest.is_restarted {
            true => {
                args.push(guest.id().to_string().into());
                EntryId::new("app", "supervisor")
            }
            false => guest.id(),
        };
        let (pid, exit) = match self.spawn(id, TENANTS, &args) {
            Ok(started) => started,
            Err(e) => return format!("{} {e}", e.kind().as_str()),
        };
        let ends_itself = guest.ends_itself();
        let ended = exit.recv_timeout(if ends_itself { PATIENCE } else { LONG_ENOUGH }).ok();
        match ended {
            Some(Exit::Value(value)) => match value.first() {
                Ok(Value::Str(text)) => format!("value {text}"),
                Ok(Value::Int(n)) => format!("value {n}"),
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
    pub fn clear(&self, after: &str) {
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

/// Waits 5 ms at a time, and notes by how much it was late.
pub struct Neighbour {
    pub pid: Pid,
    exit: Receiver<Exit>,
}

impl Neighbour {
    /// Ends it; its latenesses in nanoseconds. Errors: it has failed.
    pub fn stop(self, arena: &Arena) -> Result<Vec<f64>, String> {
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
