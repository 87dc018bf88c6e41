//! A runtime of real components whose entries come from files: under a seed,
//! or on threads where something blocks.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use wippy_runtime::boot::{App, Component, Config, Setup, load_directory};
use wippy_runtime::clock::{Clock, RealClock, VirtualClock};
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::Value;
use wippy_runtime::process::{Exit, HostShared, HostState, Limits};
use wippy_runtime::registry::{self, Entry, EntryId, MemoryHistory, Registry};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::scheduler::{Pool, PoolConfig, Scheduler, Seeded};
use wippy_runtime::supervisor::SupervisorComponent;
use wippy_runtime::terminal::Terminal;
use wippy_runtime::{Error, Node, Result, SpawnRequest};

const HOST: &str = "app:host";

/// A host.
struct Core(Arc<dyn Scheduler>);

impl Component for Core {
    fn name(&self) -> &'static str {
        "core"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        let id = Name::new(HOST)?;
        let host = HostShared::new(id, self.0.clone(), CapabilitySet::default(), Limits::default());
        host.set_state(HostState::Running);
        setup.node.router().register(id, Delivery::Processes(Arc::new(host)))
    }
}

pub struct World {
    pub app: Arc<App>,
    pub dir: tempfile::TempDir,
    scheduler: Arc<dyn Scheduler>,
    seeded: Option<(Arc<Seeded>, Arc<VirtualClock>)>,
}

impl World {
    pub fn seeded(seed: u64) -> World {
        let (clock, scheduler) = (Arc::new(VirtualClock::new()), Seeded::new());
        let node = Node::new("test", clock.clone(), Arc::new(SeededEntropy::new(seed))).expect("a node");
        World::with(node, scheduler.clone(), Some((scheduler, clock)))
    }
    pub fn threads() -> World {
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let node = Node::new("test", clock, Arc::new(SeededEntropy::new(1))).expect("a node");
        let pool = Pool::start(&node, &PoolConfig { workers: 2, name: "test".into() }).expect("threads");
        World::with(node, Arc::new(pool), None)
    }
    fn with(node: Arc<Node>, scheduler: Arc<dyn Scheduler>, seeded: Option<(Arc<Seeded>, Arc<VirtualClock>)>) -> World {
        let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
        let mut components: Vec<Arc<dyn Component>> = vec![
            Arc::new(Core(scheduler.clone())),
            Arc::new(SupervisorComponent),
            wippy_lua::code::component(),
            wippy_runtime::functions::component(),
            wippy_env::component(),
        ];
        let terminal = Terminal::new(std::io::empty(), std::io::sink(), std::io::sink());
        components.extend(wippy_hosts::components(Arc::new(terminal)));
        let app = App::boot(node, registry, Config::empty(), components).expect("a runtime");
        World { app, dir: tempfile::tempdir().expect("a directory"), scheduler, seeded }
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
    /// Makes the files' entries the state. Errors: without the directory of the project.
    pub fn install(&self) -> Result<(), String> {
        let here = format!("{}/", self.dir.path().display());
        self.app.install(self.entries()).map(|_| ()).map_err(|e| e.to_string().replace(&here, ""))
    }

    /// Runs a process to its end.
    pub fn run(&self, id: &str) -> Result<Value> {
        let (sender, outcome) = channel();
        let request = SpawnRequest {
            on_exit: Some(Box::new(move |exit: &Exit| drop(sender.send(exit.clone().into_result())))),
            ..SpawnRequest::new(EntryId::parse(id), HOST)
        };
        self.app.node.spawn(request)?;
        if let Some((scheduler, clock)) = &self.seeded {
            scheduler.run(&self.app.node, clock, 1_000_000);
        }
        let wait = Duration::from_secs(if self.seeded.is_some() { 0 } else { 20 });
        let result = outcome.recv_timeout(wait).map_err(|_| Error::internal("process did not end"))?;
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
