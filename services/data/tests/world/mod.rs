//! A runtime with the modules of this crate: under a seed, or on threads.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use wippy_runtime::boot::{App, Component, Config, Setup};
use wippy_runtime::clock::{Clock, RealClock, VirtualClock};
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::process::{Exit, HostShared, HostState, Limits};
use wippy_runtime::registry::{self, Entry, EntryId, MemoryHistory, Registry};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::scheduler::{Pool, PoolConfig, Scheduler, Seeded};
use wippy_runtime::supervisor::SupervisorComponent;
use wippy_runtime::terminal::Terminal;
use wippy_runtime::{Error, Node, Result, SpawnRequest, yaml};

const HOST: &str = "app:host";
/// How long a process may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A host.
struct Core(Arc<dyn Scheduler>, Limits, CapabilitySet);

impl Component for Core {
    fn name(&self) -> &'static str {
        "core"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        let id = Name::new(HOST)?;
        let host = HostShared::new(id, self.0.clone(), self.2.clone(), self.1.clone());
        host.set_state(HostState::Running);
        setup.node.router().register(id, Delivery::Processes(Arc::new(host)))
    }
}

/// What a world has that differs.
#[derive(Default)]
pub struct Parts {
    /// `None`: on threads.
    pub seed: Option<u64>,
    pub limits: Limits,
    pub capabilities: CapabilitySet,
}

pub struct World {
    pub app: Arc<App>,
    scheduler: Arc<dyn Scheduler>,
    seeded: Option<(Arc<Seeded>, Arc<VirtualClock>)>,
}

impl World {
    pub fn new(parts: Parts) -> World {
        let Some(seed) = parts.seed else {
            let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
            let node = Node::new("test", clock, Arc::new(SeededEntropy::new(1))).expect("a node");
            node.timers().start().expect("a timer thread");
            let pool = Pool::start(&node, &PoolConfig { workers: 2, name: "test".into() }).expect("threads");
            return World::with(node, Arc::new(pool), None, parts);
        };
        let (clock, scheduler) = (Arc::new(VirtualClock::new()), Seeded::new());
        let node = Node::new("test", clock.clone(), Arc::new(SeededEntropy::new(seed))).expect("a node");
        node.io().take_over();
        World::with(node, scheduler.clone(), Some((scheduler, clock)), parts)
    }
    fn with(
        node: Arc<Node>,
        scheduler: Arc<dyn Scheduler>,
        seeded: Option<(Arc<Seeded>, Arc<VirtualClock>)>,
        parts: Parts,
    ) -> World {
        let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
        let mut components: Vec<Arc<dyn Component>> = vec![
            Arc::new(Core(scheduler.clone(), parts.limits, parts.capabilities)),
            Arc::new(SupervisorComponent),
            wippy_lua::code::component(),
            wippy_runtime::functions::component(),
            wippy_data::component(),
        ];
        let terminal = Terminal::new(std::io::empty(), std::io::sink(), std::io::sink());
        components.extend(wippy_hosts::components(Arc::new(terminal)));
        let app = App::boot(node, registry, Config::empty(), components).expect("a runtime");
        World { app, scheduler, seeded }
    }

    /// Runs a process to its end.
    pub fn run(&self, id: &str) -> Result<Value> {
        let (sender, outcome) = channel();
        let request = SpawnRequest {
            on_exit: Some(Box::new(move |exit: &Exit| drop(sender.send(exit.clone().into_result())))),
            ..SpawnRequest::new(EntryId::parse(id), HOST)
        };
        self.app.node.spawn(request)?;
        let start = Instant::now();
        let result = loop {
            if let Some((scheduler, clock)) = &self.seeded {
                scheduler.run(&self.app.node, clock, 1_000_000);
            }
            match outcome.recv_timeout(Duration::from_micros(100)) {
                Ok(result) => break result,
                Err(_) if start.elapsed() < PATIENCE => {}
                Err(_) => return Err(Error::internal("process did not end")),
            }
        };
        result.and_then(|flat| flat.first())
    }
    /// [`World::run`] with the result as text.
    pub fn shown(&self, id: &str) -> String {
        match self.run(id) {
            Ok(Value::Str(text)) => text,
            Ok(other) => format!("{other:?}"),
            Err(e) => format!("error {:?}: {e}", e.kind()),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.scheduler.stop();
        self.app.shutdown(Duration::from_secs(1));
    }
}

/// An entry whose data is YAML.
pub fn entry(id: &str, kind: &str, data: &str) -> Entry {
    let data = yaml::parse(data).expect("YAML").root.expect("data").into_value(yaml::Typing::Exact).expect("a value");
    Entry { id: EntryId::parse(id), kind: kind.into(), meta: Map::new(), data, origin: None }
}

/// A process with the modules of this crate.
pub fn program(id: &str, source: &str) -> Entry {
    let mut program = entry(id, "process.lua", "{method: main, modules: [compress, crypto, text, time]}");
    if let Value::Map(data) = &mut program.data {
        data.insert("source".into(), source.into());
    }
    program
}
