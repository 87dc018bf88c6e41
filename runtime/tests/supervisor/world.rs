//! A registry, a supervisor and services that do as they are told, on virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wippy_runtime::clock::{Clock, VirtualClock};
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::events::{Bus, Event, EventSink, Subscription};
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::process::Inherited;
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::*;
use wippy_runtime::supervisor::{Reporter, Service, Supervisor};
use wippy_runtime::timers::TimerTarget;
use wippy_runtime::{Error, Node, Result, duration};

/// A call of the supervisor.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    Start,
    Stop,
}

/// Says what is wrong with a call of the service with this id and data, if anything.
pub type Check = fn(&Supervisor, &Stage, Call, &EntryId, &Value) -> Option<String>;

pub struct World {
    pub node: Arc<Node>,
    pub clock: Arc<VirtualClock>,
    pub registry: Registry,
    pub supervisor: Arc<Supervisor>,
    pub stage: Arc<Stage>,
    _updates: Subscription,
}

impl World {
    pub fn new(seed: u64, check: Check) -> World {
        let clock = Arc::new(VirtualClock::new());
        let node = Node::new("local", clock.clone(), Arc::new(SeededEntropy::new(seed))).unwrap();
        let bus = Bus::new();
        let registry = Registry::new(Config::default(), Arc::new(MemoryHistory::new()), bus.clone());
        let supervisor = Supervisor::new(&node, &bus).unwrap();
        let stage = Arc::new(Stage {
            node: node.clone(),
            supervisor: Arc::downgrade(&supervisor),
            check,
            log: Mutex::default(),
            wrong: Mutex::default(),
            runs: Mutex::default(),
        });
        registry.add_handler(Arc::new(Handler { supervisor: supervisor.clone(), stage: stage.clone() }));
        registry.add_observer(supervisor.clone());
        let updates = bus.subscribe("supervisor", "service.update", Arc::new(Updates(stage.clone()))).unwrap();
        World { node, clock, registry, supervisor, stage, _updates: updates }
    }

    /// Lets time pass; timers fire on the way.
    pub fn wait(&self, time: Duration) {
        let end = self.clock.now() + time.as_nanos() as u64;
        while let Some(next) = self.node.timers().next().filter(|next| *next <= end) {
            self.clock.advance_to(next);
            self.node.timers().turn(next);
        }
        self.clock.advance_to(end);
        self.node.timers().turn(end);
    }
    /// Lets what is due happen.
    pub fn pass(&self) {
        self.wait(Duration::from_millis(1));
    }
    pub fn ask(&self, kind: &str, id: &EntryId) {
        self.registry.bus().publish(Event::new("supervisor", kind, id.as_str(), Value::Nil));
    }
}

/// What the services share: the log and the runs there are.
pub struct Stage {
    node: Arc<Node>,
    supervisor: Weak<Supervisor>,
    check: Check,
    pub log: Mutex<Vec<String>>,
    /// What should not have happened. (The supervisor catches panics of services.)
    pub wrong: Mutex<Vec<String>>,
    pub runs: Mutex<BTreeMap<EntryId, Live>>,
}

/// A run that has not ended.
pub struct Live {
    pub report: Reporter,
    /// Data of the entry that the run was started from.
    pub data: Value,
}

impl Stage {
    pub fn note(&self, text: String) {
        let seconds = self.node.clock().now() as f64 / 1e9;
        self.log.lock().push(format!("{seconds:.2} {text}"));
    }
    fn check(&self, call: Call, id: &EntryId, data: &Value) {
        let supervisor = self.supervisor.upgrade().expect("a supervisor");
        let wrong = (self.check)(&supervisor, self, call, id, data);
        self.wrong.lock().extend(wrong);
    }
    /// Ends the run of `id` in the name of its service.
    pub fn end(&self, id: &EntryId, how: Result<()>) {
        let live = self.runs.lock().remove(id);
        if let Some(live) = live {
            live.report.ended(how);
        }
    }
    fn later(
        self: &Arc<Self>,
        id: &EntryId,
        delay: Duration,
        act: impl FnOnce(&Arc<Stage>, &EntryId) + Send + 'static,
    ) {
        let (stage, id) = (self.clone(), id.clone());
        self.node.timers().arm_after(delay, TimerTarget::Call(Box::new(move || act(&stage, &id))));
    }
}

/// A service that acts by the fields `starts` and `stops` of its entry.
pub struct Actor {
    id: EntryId,
    stage: Arc<Stage>,
    data: Value,
    /// How its starts go, one after the other; the last one again and again. `run`, `fail`, `fatal`, `cancel`, `hang`,
    /// `panic`, `once` (runs and is done), or a time after which it runs.
    starts: Vec<String>,
    /// How its stops go: `now`, `never`, `badly`, or a time.
    stops: String,
    begun: Mutex<usize>,
}

impl Service for Actor {
    fn start(&self, _: Arc<Inherited>, report: Reporter) {
        let live = Live { report: report.clone(), data: self.data.clone() };
        self.stage.check(Call::Start, &self.id, &self.data);
        if self.stage.runs.lock().insert(self.id.clone(), live).is_some() {
            self.stage.wrong.lock().push(format!("two runs of {}", self.id));
        }
        let begun = std::mem::replace(&mut *self.begun.lock(), self.starts.len());
        let at = if begun >= self.starts.len() { self.starts.len() - 1 } else { begun };
        *self.begun.lock() = at + 1;
        match self.starts[at].as_str() {
            "run" => report.running(),
            "once" => {
                report.running();
                self.stage.end(&self.id, Ok(()));
            }
            "fail" => self.stage.end(&self.id, Err(Error::unavailable("no luck").retryable(true))),
            "fatal" => self.stage.end(&self.id, Err(Error::invalid("bad configuration"))),
            "cancel" => self.stage.end(&self.id, Err(Error::canceled("context canceled").with_retryable(None))),
            "hang" => {}
            "panic" => {
                self.stage.runs.lock().remove(&self.id);
                // Without the message that a panic prints.
                std::panic::resume_unwind(Box::new("as the case wants it"));
            }
            time => {
                let delay = duration::parse_std(time).unwrap();
                self.stage.later(&self.id, delay, move |_, _| report.running());
            }
        }
    }

    fn stop(&self, report: Reporter, within: Duration) {
        self.stage.check(Call::Stop, &self.id, &self.data);
        match self.stops.as_str() {
            "now" => self.stage.end(&self.id, Ok(())),
            "badly" => self.stage.end(&self.id, Err(Error::internal("cannot clean up"))),
            "never" => self.stage.note(format!("{} ignores a stop within {within:?}", self.id)),
            time => {
                report.details("cleaning up");
                let delay = duration::parse_std(time).unwrap();
                self.stage.later(&self.id, delay, |stage, id| stage.end(id, Ok(())));
            }
        }
    }
}

/// Owns `test.service`. The field `change` says what an update means to it: `restart` (as registered anew), `in place`,
/// `next run`. The field `refuse` makes it refuse.
struct Handler {
    supervisor: Arc<Supervisor>,
    stage: Arc<Stage>,
}

impl Handler {
    fn service(&self, entry: &Entry) -> Result<(Arc<Actor>, Lifecycle)> {
        let fields = Fields::new(entry)?;
        if let Some(why) = fields.opt_str("refuse")? {
            return Err(entry.error(why));
        }
        let lifecycle = Lifecycle::decode(&fields)?;
        let starts: Vec<String> = fields.list_of_str("starts")?.into_iter().map(str::to_owned).collect();
        let actor = Actor {
            id: entry.id.clone(),
            stage: self.stage.clone(),
            data: entry.data.clone(),
            starts: if starts.is_empty() { vec!["run".into()] } else { starts },
            stops: fields.str_or("stops", "now")?.to_owned(),
            begun: Mutex::new(0),
        };
        Ok((Arc::new(actor), lifecycle))
    }
}

impl EntryHandler for Handler {
    fn name(&self) -> &str {
        "test.service"
    }
    fn kinds(&self) -> &[&str] {
        &["test.service"]
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        let (service, lifecycle) = self.service(entry)?;
        self.supervisor.register(entry.id.clone(), service, lifecycle);
        Ok(())
    }
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        let (service, lifecycle) = self.service(new)?;
        match new.field("change").and_then(Value::as_str) {
            Some("in place") => self.supervisor.update(new.id.clone(), lifecycle),
            Some("next run") => self.supervisor.register_for_next_run(new.id.clone(), service, lifecycle),
            _ => self.supervisor.register(new.id.clone(), service, lifecycle),
        }
        Ok(())
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.supervisor.remove(entry.id.clone());
        Ok(())
    }
}

/// Writes state changes into the log.
struct Updates(Arc<Stage>);

impl EventSink for Updates {
    fn accept(&self, event: &Arc<Event>) -> bool {
        let text = |key: &str| event.data.get(key).and_then(Value::as_str);
        let details = text("details").map(|d| format!(": {d}")).unwrap_or_default();
        let retries = match event.data.get("retry_count").and_then(Value::as_int) {
            Some(n) if n > 0 => format!(" ({n})"),
            _ => String::new(),
        };
        let status = text("status").unwrap_or("?");
        self.0.note(format!("{} {status}{retries}{details}", event.path));
        true
    }
}

/// An entry from the short form of a case: fields of the test's own, the rest is its lifecycle.
pub fn entry(id: &str, fields: Map) -> Entry {
    let (mut data, mut lifecycle) = (Map::new(), Map::new());
    let mut kind = "test.service";
    for (key, value) in fields {
        match key.as_str() {
            "plain" => kind = "registry.entry",
            "starts" | "stops" | "change" | "refuse" | "func" | "groups" => drop(data.insert(key, value)),
            _ => drop(lifecycle.insert(key, value)),
        }
    }
    data.insert("lifecycle".into(), lifecycle.into());
    Entry { id: EntryId::resolve(id, "a"), kind: kind.into(), meta: Map::new(), data: data.into(), origin: None }
}
