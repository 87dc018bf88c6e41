//! A runtime with one host, whose code is Lua sources given as text.
#![allow(dead_code)]

mod samples;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use wippy_lua::code::{Code, LuaFactory, Plan, Unit, compile};
use wippy_lua::modules;
use wippy_lua::process::NodeSurroundings;
use wippy_lua::state::Program;
use wippy_lua::types::{ModuleTypes, TypeSource};
use wippy_runtime::boot::{self, Component, Config, Setup, Shutdown};
use wippy_runtime::clock::{Clock, RealClock, VirtualClock};
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::events::{Bus, EventsComponent};
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{Exit, HostShared, HostState, Limits, commands};
use wippy_runtime::registry::{EntryId, History, MemoryHistory, Registry, RegistryCommands};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::scheduler::{Pool, PoolConfig, Scheduler, Seeded};
use wippy_runtime::supervisor::SupervisorComponent;
use wippy_runtime::system::SystemComponent;
use wippy_runtime::topology::groups::{self, LocalScope, ScopeConfig, Scopes};
use wippy_runtime::{Error, Node, SpawnRequest, streams};

pub const HOST: &str = "app:host";
/// How long a process may take.
const PATIENCE: Duration = Duration::from_secs(20);

enum Driver {
    Seeded(Arc<Seeded>, Arc<VirtualClock>),
    Pool(Arc<Pool>),
}

pub struct App {
    pub node: Arc<Node>,
    pub runtime: Arc<boot::App>,
    driver: Driver,
}

/// What an application has besides its code.
pub struct Parts {
    pub limits: Limits,
    pub history: Arc<dyn History>,
    /// Threads of the host, if it has any.
    pub workers: usize,
}

impl Default for Parts {
    fn default() -> Parts {
        Parts { limits: Limits::default(), history: Arc::new(MemoryHistory::new()), workers: 2 }
    }
}

/// The core commands, and the modules a program may list.
struct Core;

impl Component for Core {
    fn name(&self) -> &'static str {
        "core"
    }
    fn load(&self, setup: &Setup<'_>) -> wippy_runtime::Result<()> {
        let catalogue = Arc::new(modules::Catalogue::default());
        setup.context.set(Shutdown::new())?;
        setup.commands(commands::register);
        setup.commands(streams::register);
        setup.commands(|c| modules::system::register(c, catalogue));
        let scopes = scopes();
        setup.commands(|c| groups::register(c, scopes, setup.registry.clone()));
        Ok(())
    }
}

/// The scopes `app:groups`, `app:small` with limits, and `app:stopped`.
fn scopes() -> Arc<Scopes> {
    let scopes = Arc::new(Scopes::default());
    let small = ScopeConfig { max_groups: 2, max_members_per_group: 3, monitor_buffer: 4, ..ScopeConfig::default() };
    for (id, config) in [("groups", ScopeConfig::default()), ("small", small), ("stopped", ScopeConfig::default())] {
        let scope = LocalScope::new(EntryId::new("app", id), config);
        if id != "stopped" {
            scope.start();
        }
        scopes.add(scope);
    }
    scopes
}

impl App {
    /// Single-threaded under a seed, on virtual time.
    pub fn seeded(seed: u64) -> App {
        App::seeded_with(seed, Parts::default())
    }
    pub fn seeded_with(seed: u64, parts: Parts) -> App {
        let clock = Arc::new(VirtualClock::new());
        let node = Node::new("test", clock.clone(), Arc::new(SeededEntropy::new(seed))).expect("a node");
        node.io().take_over();
        let seeded = Seeded::new();
        App::with(node, Driver::Seeded(seeded.clone(), clock), seeded, parts)
    }
    /// Real threads, real time.
    pub fn pool(limits: Limits) -> App {
        App::pool_with(Parts { limits, ..Parts::default() })
    }
    pub fn pool_with(parts: Parts) -> App {
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let node = Node::new("test", clock, Arc::new(SeededEntropy::new(1))).expect("a node");
        node.timers().start().expect("a timer thread");
        let pool = Pool::start(&node, &PoolConfig { workers: parts.workers, name: "test".into() }).expect("threads");
        let pool = Arc::new(pool);
        App::with(node, Driver::Pool(pool.clone()), pool, parts)
    }
    fn with(node: Arc<Node>, driver: Driver, scheduler: Arc<dyn Scheduler>, parts: Parts) -> App {
        let registry = Registry::new(Default::default(), parts.history, Bus::new());
        let components: Vec<Arc<dyn Component>> = vec![
            Arc::new(Core),
            Arc::new(EventsComponent),
            Arc::new(RegistryCommands),
            Arc::new(SupervisorComponent),
            Arc::new(SystemComponent::default()),
        ];
        let runtime = boot::App::boot(node.clone(), registry, Config::empty(), components).expect("a runtime");
        let id = Name::new(HOST).expect("room for a name");
        let host = Arc::new(HostShared::new(id, scheduler, CapabilitySet::default(), parts.limits));
        host.set_state(HostState::Running);
        node.router().register(id, Delivery::Processes(host)).expect("a free host id");
        App { node, runtime, driver }
    }

    /// Makes `id` spawnable.
    pub fn define(&self, id: &str, source: &str, module_names: &[&str]) {
        self.try_define(id, source, module_names).unwrap_or_else(|e| panic!("{e}"));
    }
    /// Makes `id` spawnable unless `source` does not compile: then gives what the compiler says.
    pub fn try_define(&self, id: &str, source: &str, module_names: &[&str]) -> Result<(), String> {
        let find = |name: &&str| modules::find(name).or_else(|| samples::find(name));
        let modules: Vec<_> = module_names.iter().map(|m| find(m).unwrap_or_else(|| panic!("module {m}"))).collect();
        let mut program = Program::new(id, &modules, Arc::new(NodeSurroundings::new(&self.node)));
        if let Some(types) = ModuleTypes::new(id, TypeSource::Text(source.to_owned()), vec![]) {
            program.add_types(types);
        }
        let code = compile(id, "test.lua", source).map_err(|e| e.rendered)?;
        let main = Unit { id: id.to_owned(), aliases: Vec::new(), code: Code::new(code) };
        let plan = Plan::new(program, Vec::new(), main, "main".into(), false);
        self.node.register_factory(&EntryId::parse(id), Arc::new(LuaFactory::new(Arc::new(plan))));
        Ok(())
    }

    /// Runs entry `id` to its end, in at most `steps` steps of all processes together, and gives its result.
    pub fn run_within(&self, id: &str, args: &[Value], steps: usize) -> Result<Value, Error> {
        let Driver::Seeded(seeded, clock) = &self.driver else { return self.run(id, args) };
        let exit = self.begin(id, args)?;
        seeded.run(&self.node, clock, steps);
        let exit = exit.try_recv().map_err(|_| Error::internal(format!("process did not end in {steps} steps")))?;
        exit.into_result().and_then(|flat| flat.first())
    }

    /// Starts entry `id` and gives where its exit will come.
    fn begin(&self, id: &str, args: &[Value]) -> Result<Receiver<Exit>, Error> {
        let (tx, rx) = std::sync::mpsc::channel();
        let request = SpawnRequest {
            args: Flat::of(args),
            on_exit: Some(Box::new(move |exit: &Exit| drop(tx.send(exit.clone())))),
            ..SpawnRequest::new(EntryId::parse(id), HOST)
        };
        self.node.spawn(request).map(|_| rx)
    }

    /// Runs entry `id` to its end and gives its result.
    pub fn run(&self, id: &str, args: &[Value]) -> Result<Value, Error> {
        let rx = self.begin(id, args)?;
        let exit = match &self.driver {
            Driver::Seeded(seeded, clock) => {
                let start = Instant::now();
                loop {
                    seeded.run(&self.node, clock, 1_000_000);
                    match rx.try_recv() {
                        Ok(exit) => break exit,
                        // What blocks runs on threads of its own, in real time.
                        Err(_) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_micros(50)),
                        Err(_) => return Err(Error::internal("process did not end")),
                    }
                }
            }
            Driver::Pool(_) => rx.recv_timeout(PATIENCE).map_err(|_| Error::internal("process did not end"))?,
        };
        exit.into_result().and_then(|flat| flat.first())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Driver::Pool(pool) = &self.driver {
            pool.stop();
            self.node.timers().stop();
        }
    }
}

/// A file of cases: each names itself, its entries, and what its main returns.
pub struct Case {
    pub name: String,
    /// Actions and resources that are denied; `*` is every resource.
    pub denied: Vec<(String, String)>,
    /// Id, modules, source.
    pub entries: Vec<(String, Vec<String>, String)>,
    pub expect: String,
}

/// Reads `--- case NAME`, `--- deny ACTION RESOURCE`, `--- entry ID [modules...]`, `--- expect` sections.
pub fn cases(text: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut lines: VecDeque<&str> = text.lines().collect();
    let mut in_expect = false;
    while let Some(line) = lines.pop_front() {
        if let Some(name) = line.strip_prefix("--- case ") {
            let name = name.to_owned();
            all.push(Case { name, denied: Vec::new(), entries: Vec::new(), expect: String::new() });
            in_expect = false;
            continue;
        }
        let Some(case) = all.last_mut() else { continue };
        if let Some((action, resource)) = line.strip_prefix("--- deny ").and_then(|deny| deny.split_once(' ')) {
            case.denied.push((action.to_owned(), resource.to_owned()));
        } else if let Some(entry) = line.strip_prefix("--- entry ") {
            let mut words = entry.split_whitespace().map(str::to_owned);
            let id = words.next().expect("an id");
            case.entries.push((id, words.collect(), String::new()));
            in_expect = false;
        } else if line == "--- expect" {
            in_expect = true;
        } else {
            if !in_expect && case.entries.is_empty() {
                case.entries.push(("app:main".into(), Vec::new(), String::new()));
            }
            let to = match case.entries.last_mut() {
                Some(entry) if !in_expect => &mut entry.2,
                _ => &mut case.expect,
            };
            to.push_str(line);
            to.push('\n');
        }
    }
    all
}

/// A result as the cases write it.
pub fn shown(result: &Result<Value, Error>) -> String {
    match result {
        Ok(Value::Str(s)) => s.clone(),
        Ok(v) => format!("{v:?}"),
        Err(e) => format!("error {}: {e}", e.kind().as_str()),
    }
}
