//! A node with one process host whose entries are the files of `lua/`.

use std::sync::Arc;

use wippy_lua::code::{Code, LuaFactory, Plan, Unit, compile};
use wippy_lua::modules::{self, Module};
use wippy_lua::process::NodeSurroundings;
use wippy_lua::state::Program;
use wippy_runtime::clock::RealClock;
use wippy_runtime::dispatch::{CapabilitySet, DispatcherBuilder};
use wippy_runtime::entropy::SystemEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::process::{Actor, Exit, HostShared, HostState, Inherited, Limits, commands};
use wippy_runtime::registry::{Entry, EntryHandler, EntryId};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::scheduler::{Pool, PoolConfig};
use wippy_runtime::security::{Engine, Policies};
use wippy_runtime::{Error, Node, SpawnRequest};
use wippy_wasm::Guests;
use wit_component::StringEncoding;
use wit_parser::Resolve;

use crate::measure;

/// The one host, which the sources name.
pub const HOST: &str = "bench:processes";

/// A table of `bench:NAME`, made from `lua/NAME.lua`.
macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../lua/", $name, ".lua")))),*]
    };
}

const SOURCES: [(&str, &str); 31] = sources![
    "crasher",
    "fairness",
    "fairness_hog",
    "fairness_probe",
    "fanin",
    "fanin_producer",
    "fanin_sink",
    "fib",
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
    "supervision",
    "ticker",
    "ticking",
    "timers",
];

/// Entries that are there in WebAssembly as well.
const GUESTS: [(&str, &str); 3] = [
    ("live_receiver", include_str!("../wasm/live_receiver.wat")),
    ("ping", include_str!("../wasm/ping.wat")),
    ("pong", include_str!("../wasm/pong.wat")),
];
/// Workloads whose processes they are.
pub const WASM_WORKLOADS: [&str; 2] = ["live", "pingpong"];

/// A guest with the description of its world, as tool chains put it in.
fn guest(text: &str) -> Result<Vec<u8>, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::internal(format!("cannot make a guest: {e}"));
    let mut module = wat::parse_str(text).map_err(|e| failed(&e))?;
    let mut resolve = Resolve::default();
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../wasm-guest-sdk/wit");
    let (package, _) = resolve.push_dir(contract).map_err(|e| failed(&e))?;
    let world = resolve.select_world(&[package], Some("process")).map_err(|e| failed(&e))?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(|e| failed(&e))?;
    Ok(module)
}

/// A library that the workloads with latenesses import.
const LIBRARY: &str = "lateness";

/// See the module comment. Its threads end when it is dropped.
pub struct App {
    node: Arc<Node>,
    pool: Arc<Pool>,
    on_behalf: Arc<Inherited>,
}

impl App {
    /// A node whose host has `workers` threads. Errors: a thread cannot be started, a source does not compile.
    pub fn start(workers: usize) -> Result<App, Error> {
        let node = Node::new("bench", Arc::new(RealClock::new()), Arc::new(SystemEntropy))?;
        let thread = |e: std::io::Error| Error::internal(format!("cannot start a thread: {e}"));
        node.timers().start().map_err(thread)?;
        let pool = Arc::new(Pool::start(&node, &PoolConfig { workers, name: HOST.into() }).map_err(thread)?);
        let mut dispatcher = DispatcherBuilder::default();
        commands::register(&mut dispatcher);
        node.set_dispatcher(dispatcher.freeze());
        let id = Name::new(HOST)?;
        let limits = Limits { processes: 0, ..Limits::default() };
        let host = Arc::new(HostShared::new(id, pool.clone(), CapabilitySet::default(), limits));
        host.set_state(HostState::Running);
        node.router().register(id, Delivery::Processes(host))?;
        let app = App { node, pool, on_behalf: Arc::default() };
        for (name, source) in SOURCES {
            app.define(name, source, "main")?;
        }
        let yielding = SOURCES.iter().find(|s| s.0 == "fairness").map_or("", |s| s.1);
        app.define_as("fairness_yield", "fairness", yielding, "yielding")?;
        Ok(app)
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

    /// Puts guests in WebAssembly in the place of the Lua processes that a workload starts.
    pub fn use_wasm(&self) -> Result<(), Error> {
        let guests = Guests::new(&self.node)?;
        for (name, text) in GUESTS {
            let id = EntryId::parse(&format!("bench:{name}"));
            self.node.register_factory(&id, guests.process(&id, &guest(text)?)?);
        }
        Ok(())
    }

    fn define(&self, name: &str, source: &str, method: &str) -> Result<(), Error> {
        self.define_as(name, name, source, method)
    }

    fn define_as(&self, name: &str, file: &str, source: &str, method: &str) -> Result<(), Error> {
        let id = format!("bench:{name}");
        let time = modules::find("time").ok_or_else(|| Error::internal("no module time"))?;
        let modules: [&'static Module; 2] = [time, &measure::MODULE];
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
        let plan = Plan::new(program, libraries, unit(&id, file, source, None)?, method.into(), false);
        self.node.register_factory(&EntryId::parse(&id), Arc::new(LuaFactory::new(Arc::new(plan))));
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
        self.pool.stop();
        self.node.timers().stop();
    }
}
