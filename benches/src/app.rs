//! A node with one process host whose entries are the files of `lua/`.

use std::sync::Arc;

use wippy_hosts::pools::{FunctionPool, PoolConfig};
use wippy_lua::code::{Code, LuaFactory, Plan, Unit, compile};
use wippy_lua::modules::{self, Module};
use wippy_lua::process::NodeSurroundings;
use wippy_lua::state::Program;
use wippy_runtime::clock::RealClock;
use wippy_runtime::dispatch::{CapabilitySet, DispatcherBuilder};
use wippy_runtime::entropy::SystemEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::process::{Actor, Exit, Factory, HostShared, HostState, Inherited, Limits, commands};
use wippy_runtime::registry::{Entry, EntryHandler, EntryId};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::scheduler::{Pool, PoolConfig as Threads};
use wippy_runtime::security::{Engine, Policies};
use wippy_runtime::{Error, Node, SpawnRequest};
use wippy_wasm::Guests;

use crate::{guests, measure};

/// The one host, which the sources name.
pub const HOST: &str = "bench:processes";
/// The other one, where somebody takes all there is.
const HOSTILE: &str = "bench:hostile";

/// A table of `bench:NAME`, made from `lua/NAME.lua`.
macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../lua/", $name, ".lua")))),*]
    };
}

const SOURCES: [(&str, &str); 39] = sources![
    "add",
    "call",
    "compute",
    "count",
    "crasher",
    "fairness",
    "fairness_hog",
    "fairness_probe",
    "fanin",
    "fanin_producer",
    "fanin_sink",
    "fib",
    "fib_driver",
    "first",
    "greeter",
    "idle",
    "lateness",
    "live",
    "live_receiver",
    "nothing",
    "pairs",
    "payload",
    "payload_sink",
    "payload_source",
    "ping",
    "pingpong",
    "pong",
    "ring",
    "ring_node",
    "skynet",
    "skynet_node",
    "sleeper",
    "spawn",
    "strings",
    "strings_driver",
    "supervision",
    "ticker",
    "ticking",
    "timers",
];

/// Files that are functions, not processes.
const FUNCTIONS: [&str; 2] = ["add", "count"];

/// A library that the workloads with latenesses import.
const LIBRARY: &str = "lateness";

/// See the module comment. Its threads end when it is dropped.
pub struct App {
    node: Arc<Node>,
    pools: Vec<Arc<Pool>>,
    on_behalf: Arc<Inherited>,
}

impl App {
    /// A node whose host has `workers` threads. Errors: a thread cannot be started, a source does not compile.
    pub fn start(workers: usize) -> Result<App, Error> {
        let node = Node::new("bench", Arc::new(RealClock::new()), Arc::new(SystemEntropy))?;
        let thread = |e: std::io::Error| Error::internal(format!("cannot start a thread: {e}"));
        node.timers().start().map_err(thread)?;
        let mut dispatcher = DispatcherBuilder::default();
        commands::register(&mut dispatcher);
        node.set_dispatcher(dispatcher.freeze());
        let mut app = App { node, pools: Vec::new(), on_behalf: Arc::default() };
        app.add_host(HOST, workers, Limits { processes: 0, ..Limits::default() })?;
        for (name, source) in SOURCES {
            app.define(name, source, "main")?;
        }
        let yielding = SOURCES.iter().find(|s| s.0 == "fairness").map_or("", |s| s.1);
        app.define_as("fairness_yield", "fairness", yielding, "yielding")?;
        Ok(app)
    }

    fn add_host(&mut self, name: &str, workers: usize, limits: Limits) -> Result<(), Error> {
        let thread = |e: std::io::Error| Error::internal(format!("cannot start a thread: {e}"));
        let pool = Pool::start(&self.node, &Threads { workers, name: name.into() }).map_err(thread)?;
        let (id, pool) = (Name::new(name)?, Arc::new(pool));
        let host = Arc::new(HostShared::new(id, pool.clone(), CapabilitySet::default(), limits));
        self.node.ledger().join(&host);
        host.set_state(HostState::Running);
        self.node.router().register(id, Delivery::Processes(host))?;
        self.pools.push(pool);
        Ok(())
    }

    /// A second host of `workers` threads with `share` thousandths of the machine. Until the end of the program it
    /// computes with all of them.
    pub fn saturate(&mut self, workers: usize, share: u32) -> Result<(), Error> {
        self.add_host(HOSTILE, workers, Limits { cpu_share: share, ..Limits::default() })?;
        let forever = [Value::Str(String::new()), Value::Int(i64::MAX), Value::Bool(false)];
        for _ in 0..workers {
            self.node.spawn(SpawnRequest {
                args: Flat::of(&forever),
                ..SpawnRequest::new(EntryId::parse("bench:fairness_hog"), HOSTILE)
            })?;
        }
        Ok(())
    }

    /// From now on everything runs as somebody whose scope has `policies` policies, one of which allows all of
    /// `process.*`; the others are about other actions. Once.
    pub fn restrict(&mut self, policies: usize) -> Result<(), Error> {
        let engine = Engine::new(false, Bus::new(), self.node.clock().clone());
        let policy = |i: usize| {
            let action = if i == 0 { "process.*".to_owned() } else { format!("store.{i}.*") };
            let fields = [("actions", action), ("resources", "*".to_owned()), ("effect", "allow".to_owned())];
            let fields: Map = fields.map(|(k, v)| (k.to_owned(), Value::Str(v))).into_iter().collect();
            let (id, kind) = (EntryId::new("bench", &format!("policy{i}")), "security.policy".to_owned());
            let data = Value::Map(Map::from([("policy".to_owned(), Value::Map(fields))]));
            Arc::new(Entry { id, kind, meta: Map::new(), data, origin: None })
        };
        let entries: Vec<Arc<Entry>> = (0..policies.max(1)).map(policy).collect();
        entries.iter().try_for_each(|entry| engine.create(entry))?;
        engine.commit()?;
        let ids: Vec<EntryId> = entries.iter().map(|e| e.id.clone()).collect();
        let actor = Arc::new(Actor { id: "bench".into(), meta: Map::new() });
        let scope = engine.scope(&ids, &[]);
        self.node.set_policies(engine);
        self.on_behalf = Arc::new(Inherited { actor: Some(actor), scope, ..Inherited::default() });
        Ok(())
    }

    /// Puts guests in WebAssembly in the place of the Lua processes and functions that a workload uses.
    pub fn use_wasm(&self) -> Result<(), Error> {
        let compiler = Guests::new(&self.node)?;
        for (name, text) in guests::PROCESSES {
            self.put_guest(&compiler, name, text)?;
        }
        let functions = guests::module(guests::FUNCTIONS)?;
        for name in FUNCTIONS {
            let id = EntryId::parse(&format!("bench:{name}"));
            let wit = format!("{name}: func(a: s32, b: s32) -> s32");
            self.function(&id, compiler.function(&id, &functions, name, &wit, None)?)?;
        }
        self.drive("fib", "fib_driver")
    }

    /// Has `driver` take the place of a workload that computes: a guest does that.
    pub fn drive(&self, workload: &str, driver: &str) -> Result<(), Error> {
        let source = SOURCES.iter().find(|s| s.0 == driver).map_or("", |s| s.1);
        self.define(workload, source, "main")
    }

    /// Puts only the answering side of `pingpong` into WebAssembly.
    pub fn mix(&self) -> Result<(), Error> {
        let text = guests::PROCESSES.iter().find(|p| p.0 == "pong").map_or("", |p| p.1);
        self.put_guest(&Guests::new(&self.node)?, "pong", text)
    }

    fn put_guest(&self, compiler: &Guests, name: &str, text: &str) -> Result<(), Error> {
        let id = EntryId::parse(&format!("bench:{name}"));
        self.node.register_factory(&id, compiler.process(&id, &guests::process(text)?)?);
        Ok(())
    }

    /// Makes a function callable, in place of what was called by that id.
    pub fn function(&self, id: &EntryId, factory: Arc<dyn Factory>) -> Result<(), Error> {
        let kind = format!("function.{}", factory.engine());
        let entry = Entry { id: id.clone(), kind, meta: Map::new(), data: Value::Map(Map::new()), origin: None };
        FunctionPool::new(&self.node, &entry, factory, PoolConfig::default())?.install();
        Ok(())
    }

    fn define(&self, name: &str, source: &str, method: &str) -> Result<(), Error> {
        self.define_as(name, name, source, method)
    }

    fn define_as(&self, name: &str, file: &str, source: &str, method: &str) -> Result<(), Error> {
        let id = format!("bench:{name}");
        let time = modules::find("time").ok_or_else(|| Error::internal("no module time"))?;
        let funcs = modules::find("funcs").ok_or_else(|| Error::internal("no module funcs"))?;
        let modules: [&'static Module; 3] = [time, funcs, &measure::MODULE];
        let unit = |id: &str, name: &str, source: &str, alias: Option<&str>| -> Result<Unit, Error> {
            let code = Code::new(compile(id, &format!("{name}.lua"), source)?);
            Ok(Unit { id: id.to_owned(), aliases: alias.into_iter().map(str::to_owned).collect(), code })
        };
        let mut libraries = Vec::new();
        if source.contains("lateness.percentiles(") {
            let text = SOURCES.iter().find(|s| s.0 == LIBRARY).map_or("", |s| s.1);
            libraries.push(unit("bench:lateness", LIBRARY, text, Some(LIBRARY))?);
        }
        let program = Program::new(&*id, &modules, Arc::new(NodeSurroundings::new(&self.node)));
        let plan =
            Plan::new(program, libraries, unit(&id, file, source, None)?, method.into(), FUNCTIONS.contains(&name));
        let (id, factory) = (EntryId::parse(&id), Arc::new(LuaFactory::new(Arc::new(plan))));
        if FUNCTIONS.contains(&name) {
            return self.function(&id, factory);
        }
        self.node.register_factory(&id, factory);
        Ok(())
    }

    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Runs entry `bench:name` to its end and gives its result. Blocks.
    /// Errors: it does not start, or what it fails with.
    pub fn run(&self, name: &str, args: &[Value]) -> Result<Value, Error> {
        let (tx, rx) = std::sync::mpsc::channel();
        let request = SpawnRequest {
            args: Flat::of(args),
            inherited: self.on_behalf.clone(),
            on_exit: Some(Box::new(move |exit: &Exit| drop(tx.send(exit.clone())))),
            ..SpawnRequest::new(EntryId::parse(&format!("bench:{name}")), HOST)
        };
        self.node.spawn(request)?;
        let exit = rx.recv().map_err(|_| Error::internal("the process was lost"))?;
        exit.into_result().and_then(|flat| flat.first())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        use wippy_runtime::scheduler::Scheduler;
        self.pools.iter().for_each(|pool| pool.stop());
        self.node.timers().stop();
    }
}
