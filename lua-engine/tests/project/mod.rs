//! A project on disk, installed into a runtime that is put together from real
//! components and runs under a seed. Shared by several test programs, none of
//! which uses all of it.
#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use wippy_runtime::boot::{App, Component, Config, Setup, load_directory};
use wippy_runtime::clock::VirtualClock;
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::events::{Bus, EventReceiver};
use wippy_runtime::functions::FunctionCall;
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{Exit, HostShared, HostState, Inherited, Limits, Message};
use wippy_runtime::registry::{self, Entry, EntryId, MemoryHistory, Registry, RegistryCommands};
use wippy_runtime::relay::{Delivery, Name, Pid};
use wippy_runtime::scheduler::Seeded;
use wippy_runtime::supervisor::SupervisorComponent;
use wippy_runtime::terminal::Terminal;
use wippy_runtime::{Error, Node, Result, SpawnRequest};

pub const HOST: &str = "app:host";

/// A host that runs under the seed.
struct Core {
    scheduler: Arc<Seeded>,
}

impl Component for Core {
    fn name(&self) -> &'static str {
        "core"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        host(setup.node, &self.scheduler, HOST, CapabilitySet::default(), Limits::default())
    }
}

fn host(node: &Node, scheduler: &Arc<Seeded>, id: &str, capabilities: CapabilitySet, limits: Limits) -> Result<()> {
    let id = Name::new(id)?;
    let host = Arc::new(HostShared::new(id, scheduler.clone(), capabilities, limits));
    host.set_state(HostState::Running);
    node.router().register(id, Delivery::Processes(host))
}

/// See the module comment.
pub struct Project {
    pub app: Arc<App>,
    pub dir: tempfile::TempDir,
    pub events: EventReceiver,
    scheduler: Arc<Seeded>,
    clock: Arc<VirtualClock>,
}

/// How a run ends, once it has.
pub type Outcome = Receiver<Result<Flat, Error>>;

impl Project {
    pub fn new() -> Project {
        Project::with(Config::empty(), vec![Arc::new(RegistryCommands)])
    }
    pub fn with(config: Config, more: Vec<Arc<dyn Component>>) -> Project {
        let clock = Arc::new(VirtualClock::new());
        let node = Node::new("test", clock.clone(), Arc::new(SeededEntropy::new(7))).expect("a node");
        let bus = Bus::new();
        let events = bus.channel("lua", "", 1000).expect("an open bus");
        let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), bus);
        let scheduler = Seeded::new();
        let mut components: Vec<Arc<dyn Component>> = vec![
            Arc::new(Core { scheduler: scheduler.clone() }),
            Arc::new(SupervisorComponent),
            wippy_lua::code::component(),
            wippy_runtime::functions::component(),
        ];
        let terminal = Terminal::new(std::io::empty(), std::io::sink(), std::io::sink());
        components.extend(wippy_hosts::components(Arc::new(terminal)));
        components.extend(more);
        let app = App::boot(node, registry, config, components).expect("a runtime");
        let dir = tempfile::tempdir().expect("a directory");
        Project { app, dir, events, scheduler, clock }
    }

    /// Adds another host.
    pub fn host(&self, id: &str, capabilities: CapabilitySet, limits: Limits) {
        host(&self.app.node, &self.scheduler, id, capabilities, limits).expect("a free host id");
    }
    pub fn write(&self, file: &str, text: &str) {
        let path = self.dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a writable directory");
        std::fs::write(path, text).expect("a writable file");
    }
    pub fn entries(&self) -> Vec<Entry> {
        let report = load_directory(self.dir.path(), &|_| None);
        let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        report.entries
    }
    /// Makes what the files say the state of the registry.
    pub fn install(&self) -> Result<()> {
        self.app.install(self.entries()).map(|_| ())
    }
    /// `text` without the directory of the project.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.dir.path().display()), "")
    }

    /// Runs everything until nobody has anything to do.
    pub fn run(&self) {
        self.scheduler.run(&self.app.node, &self.clock, 1_000_000);
    }
    /// Runs until there is an outcome, or nobody has anything to do. Time goes no further than it must.
    pub fn finish(&self, outcome: &Outcome) -> Option<Result<Flat, Error>> {
        loop {
            match outcome.try_recv() {
                Ok(outcome) => return Some(outcome),
                Err(_) if self.scheduler.run(&self.app.node, &self.clock, 1) => return outcome.try_recv().ok(),
                Err(_) => {}
            }
        }
    }
    pub fn spawn(&self, id: &str) -> Result<(Pid, Outcome)> {
        self.spawn_on(HOST, id)
    }
    pub fn spawn_on(&self, host: &str, id: &str) -> Result<(Pid, Outcome)> {
        let (sender, outcome) = channel();
        let request = SpawnRequest {
            on_exit: Some(Box::new(move |exit: &Exit| drop(sender.send(exit.clone().into_result())))),
            ..SpawnRequest::new(EntryId::parse(id), host)
        };
        Ok((self.app.node.spawn(request)?, outcome))
    }
    pub fn call(&self, id: &str, args: &[Value]) -> Result<Outcome> {
        self.call_on(HOST, id, args)
    }
    pub fn call_on(&self, host: &str, id: &str, args: &[Value]) -> Result<Outcome> {
        let (sender, outcome) = channel();
        let node = self.app.node.clone();
        let host = node.process_host(host)?;
        let function = node.functions().get(id)?;
        let call = FunctionCall {
            node,
            args: Flat::of(args),
            inherited: Arc::<Inherited>::default(),
            options: function.options(),
            caller: None,
            host: Some(host),
        };
        let _cancel = function.call(call, Box::new(move |result| drop(sender.send(result))));
        Ok(outcome)
    }
    pub fn send(&self, to: Pid, topic: &str) -> Result<()> {
        self.app.node.router().send(to, Message::new(Pid::none(), topic, &[]))
    }
}

/// A result as cases write it.
pub fn shown(result: Result<Flat, Error>) -> String {
    match result.and_then(|flat| flat.first()) {
        Ok(Value::Str(s)) => s,
        Ok(v) => format!("{v:?}"),
        Err(e) => format!("error {}: {e}", e.kind().as_str()),
    }
}
