//! Applications out of real components, written as cases: entries of the
//! registry, what their main returns, and who may not do what.
//!
//! Sections: `--- case NAME`, `--- entry ID [MODULE|META=VALUE...]` (a process),
//! `--- function ID [MODULE|META=VALUE|pool.FIELD=VALUE...]`, `--- yaml` (entries of
//! the namespace `app`), `--- deny ACTION RESOURCE`, `--- expect`.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use wippy_runtime::boot::{self, Component, Config};
use wippy_runtime::clock::{Clock, RealClock, VirtualClock};
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::process::{Exit, HostShared, HostState, Limits};
use wippy_runtime::registry::{Entry, EntryId, MemoryHistory, Registry};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::scheduler::{Pool, PoolConfig, Scheduler, Seeded};
use wippy_runtime::security::{Ask, Policies};
use wippy_runtime::supervisor::SupervisorComponent;
use wippy_runtime::terminal::Terminal;
use wippy_runtime::yaml::{self, Typing};
use wippy_runtime::{Error, Node, Result, SpawnRequest};

pub const HOST: &str = "app:host";

/// Allows everything else.
struct Denied(Vec<(String, String)>);

impl Policies for Denied {
    fn allows(&self, ask: &Ask<'_>) -> bool {
        !self.0.iter().any(|(action, resource)| action == ask.action && resource == ask.resource)
    }
}

enum Driver {
    Seeded(Arc<Seeded>, Arc<VirtualClock>),
    Threads(Arc<Pool>),
}

pub struct Application {
    app: Arc<boot::App>,
    driver: Driver,
}

impl Application {
    /// Single-threaded under a seed, on virtual time.
    pub fn seeded(seed: u64, case: &Case) -> Result<Application> {
        let clock = Arc::new(VirtualClock::new());
        let node = Node::new("test", clock.clone(), Arc::new(SeededEntropy::new(seed)))?;
        let seeded = Seeded::new();
        Application::with(node, seeded.clone(), Driver::Seeded(seeded, clock), case)
    }
    /// Real threads, real time.
    pub fn threads(case: &Case) -> Result<Application> {
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let node = Node::new("test", clock, Arc::new(SeededEntropy::new(1)))?;
        node.timers().start().expect("a timer thread");
        let config = PoolConfig { workers: 2, name: "test".into() };
        let pool = Arc::new(Pool::start(&node, &config).expect("threads"));
        Application::with(node, pool.clone(), Driver::Threads(pool), case)
    }
    fn with(node: Arc<Node>, scheduler: Arc<dyn Scheduler>, driver: Driver, case: &Case) -> Result<Application> {
        let registry = Registry::new(Default::default(), Arc::new(MemoryHistory::new()), Bus::new());
        let mut components: Vec<Arc<dyn Component>> =
            vec![Arc::new(SupervisorComponent), wippy_runtime::functions::component(), wippy_lua::code::component()];
        let terminal = Terminal::new(std::io::empty(), std::io::sink(), std::io::sink());
        components.extend(wippy_hosts::components(Arc::new(terminal)));
        if !case.denied.is_empty() {
            node.set_policies(Arc::new(Denied(case.denied.clone())));
        }
        let app = boot::App::boot(node, registry, Config::empty(), components)?;
        let id = Name::new(HOST)?;
        let host = Arc::new(HostShared::new(id, scheduler, CapabilitySet::default(), Limits::default()));
        host.set_state(HostState::Running);
        app.node.router().register(id, Delivery::Processes(host))?;
        app.install(case.entries.clone())?;
        Ok(Application { app, driver })
    }

    /// Runs process `id` to its end and gives its result.
    pub fn run(&self, id: &EntryId) -> Result<Value> {
        let (node, (sender, outcome)) = (&self.app.node, channel());
        node.spawn(SpawnRequest {
            on_exit: Some(Box::new(move |exit: &Exit| drop(sender.send(exit.clone())))),
            ..SpawnRequest::new(id.clone(), HOST)
        })?;
        let stuck = || Error::internal("process did not end");
        let exit: Exit = match &self.driver {
            Driver::Seeded(seeded, clock) => {
                seeded.run(node, clock, 1_000_000);
                outcome.try_recv().map_err(|_| stuck())?
            }
            Driver::Threads(_) => outcome.recv_timeout(Duration::from_secs(20)).map_err(|_| stuck())?,
        };
        exit.into_result().and_then(|flat: Flat| flat.first())
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        if let Driver::Threads(pool) = &self.driver {
            pool.stop();
        }
        self.app.shutdown(Duration::ZERO);
    }
}

#[derive(Default)]
pub struct Case {
    pub name: String,
    /// The first one is the main process.
    pub entries: Vec<Entry>,
    /// Action and resource.
    pub denied: Vec<(String, String)>,
    pub expect: String,
}

pub fn cases(text: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    for section in text.split("--- ").skip(1) {
        let (header, body) = section.split_once('\n').unwrap_or((section, ""));
        let words: Vec<&str> = header.split_whitespace().collect();
        if words[0] == "case" {
            all.push(Case { name: header["case ".len()..].to_owned(), ..Case::default() });
            // A main without modules may follow at once.
            if !body.is_empty() {
                all.last_mut().expect("a case").entries.push(code("process.lua", &["app:main"], body));
            }
            continue;
        }
        let case = all.last_mut().expect("a file begins with a case");
        match words[..] {
            ["entry", ..] => case.entries.push(code("process.lua", &words[1..], body)),
            ["function", ..] => case.entries.push(code("function.lua", &words[1..], body)),
            ["yaml"] => case.entries.extend(entries(body)),
            ["deny", action, resource] => case.denied.push((action.to_owned(), resource.to_owned())),
            ["expect"] => case.expect = body.trim_end().to_owned(),
            _ => panic!("unknown section {header:?}"),
        }
    }
    all
}

fn code(kind: &str, words: &[&str], source: &str) -> Entry {
    let (mut modules, mut meta, mut data) = (Vec::new(), Map::new(), Map::new());
    for word in &words[1..] {
        match word.split_once('=') {
            None => modules.push(Value::from(*word)),
            Some((path, value)) => {
                let value = value.parse::<i64>().map_or(Value::from(value), Value::Int);
                let to = if path.starts_with("pool.") { &mut data } else { &mut meta };
                insert(to, path, value);
            }
        }
    }
    data.insert("source".into(), source.into());
    data.insert("method".into(), "main".into());
    data.insert("modules".into(), modules.into());
    Entry { id: EntryId::parse(words[0]), kind: kind.into(), meta, data: data.into(), origin: None }
}

fn insert(map: &mut Map, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(map.insert(path.to_owned(), value)),
        Some((key, rest)) => match map.entry(key.to_owned()).or_insert_with(|| Map::new().into()) {
            Value::Map(inner) => insert(inner, rest, value),
            other => panic!("{path}: {other:?} is no map"),
        },
    }
}

fn entries(text: &str) -> Vec<Entry> {
    let root = yaml::parse(text).expect("valid YAML").root.expect("entries");
    let Value::List(list) = root.into_value(Typing::Json).expect("plain values") else { panic!("a list of entries") };
    let entry = |value: Value| {
        let Value::Map(mut data) = value else { panic!("an entry is a map") };
        let mut take = |key: &str| data.shift_remove(key).unwrap_or_default();
        let (name, kind, meta) = (take("name"), take("kind"), take("meta"));
        let text = |v: Value| v.as_str().expect("a text").to_owned();
        let meta = meta.as_map().cloned().unwrap_or_default();
        Entry { id: EntryId::new("app", &text(name)), kind: text(kind), meta, data: data.into(), origin: None }
    };
    list.into_iter().map(entry).collect()
}

/// A result as the cases write it.
pub fn shown(result: &Result<Value>) -> String {
    match result {
        Ok(Value::Str(s)) => s.clone(),
        Ok(v) => format!("{v:?}"),
        Err(e) => format!("error {}: {e}", e.kind().as_str()),
    }
}
