//! A node with one host, on threads or under a seed, and processes written as closures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wippy_runtime::clock::{RealClock, VirtualClock};
use wippy_runtime::dispatch::{CapabilitySet, DispatcherBuilder, StepContext};
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{
    Control, Event, Exit, Factory, HostShared, HostState, Invocation, Limits, Message, Process, Step, commands,
};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::{Delivery, Name, Pid};
use wippy_runtime::scheduler::{Pool, PoolConfig, Scheduler, Seeded};
use wippy_runtime::{Error, Node, Result, SpawnRequest};

pub const HOST: &str = "test:host";

enum Driver {
    Threads,
    Seeded(Arc<Seeded>, Arc<VirtualClock>),
}

pub struct World {
    pub node: Arc<Node>,
    driver: Driver,
    host: Arc<HostShared>,
    /// What processes noted, in order.
    pub log: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub fn seeded(seed: u64) -> World {
        let clock = Arc::new(VirtualClock::new());
        let node = Node::new("local", clock.clone(), Arc::new(SeededEntropy::new(seed))).unwrap();
        let scheduler = Seeded::new();
        World::new(node, scheduler.clone(), Driver::Seeded(scheduler, clock))
    }

    pub fn threads(workers: usize) -> World {
        let node = Node::new("local", Arc::new(RealClock::new()), Arc::new(SeededEntropy::new(1))).unwrap();
        node.timers().start().unwrap();
        let pool = Pool::start(&node, &PoolConfig { name: "law".into(), workers }).unwrap();
        World::new(node, Arc::new(pool), Driver::Threads)
    }

    fn new(node: Arc<Node>, scheduler: Arc<dyn Scheduler>, driver: Driver) -> World {
        let mut commands = DispatcherBuilder::default();
        commands::register(&mut commands);
        node.set_dispatcher(commands.freeze());
        let id = Name::new(HOST).unwrap();
        let host = Arc::new(HostShared::new(id, scheduler, CapabilitySet::default(), Limits::default()));
        host.set_state(HostState::Running);
        node.router().register(id, Delivery::Processes(host.clone())).unwrap();
        World { node, driver, host, log: Arc::default() }
    }

    /// Makes `id` spawnable; `body` is called for each start with the arguments.
    pub fn define<F, B>(&self, id: &str, body: F)
    where
        F: Fn(Vec<Value>) -> B + Send + Sync + 'static,
        B: FnMut(&mut StepContext<'_>) -> Step + Send + 'static,
    {
        let make = move |args| -> Body { Box::new(body(args)) };
        self.node.register_factory(&EntryId::parse(id), Arc::new(Closures(Arc::new(make))));
    }

    pub fn request(&self, id: &str, args: &[Value]) -> SpawnRequest {
        SpawnRequest { args: Flat::of(args), ..SpawnRequest::new(EntryId::parse(id), HOST) }
    }
    pub fn spawn(&self, id: &str, args: &[Value]) -> Pid {
        self.node.spawn(self.request(id, args)).unwrap()
    }
    pub fn note(&self) -> Note {
        Note(self.log.clone())
    }

    /// Runs until all processes have ended.
    pub fn finish(&self) {
        self.run_until(|w| w.node.table().is_empty() && w.host.live() == 0);
    }

    pub fn run_until(&self, done: impl Fn(&World) -> bool) {
        match &self.driver {
            Driver::Seeded(seeded, clock) => {
                for _ in 0..1_000_000 {
                    if done(self) {
                        return;
                    }
                    if !seeded.step(&self.node) {
                        let Some(next) = self.node.timers().next() else { break };
                        clock.advance_to(next);
                        self.node.timers().turn(next);
                    }
                }
            }
            Driver::Threads => {
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs(20) {
                    if done(self) {
                        return;
                    }
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
        }
        assert!(done(self), "did not come to an end; log: {:#?}", self.log.lock());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.host.scheduler.stop();
        self.node.timers().stop();
    }
}

/// Lets a process write into the log.
#[derive(Clone)]
pub struct Note(Arc<Mutex<Vec<String>>>);

impl Note {
    pub fn add(&self, text: impl Into<String>) {
        self.0.lock().push(text.into());
    }
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }
}

type Body = Box<dyn FnMut(&mut StepContext<'_>) -> Step + Send>;
type MakeBody = Arc<dyn Fn(Vec<Value>) -> Body + Send + Sync>;

struct Closures(MakeBody);

impl Factory for Closures {
    fn create(&self) -> Result<Box<dyn Process>> {
        Ok(Box::new(Closure { make: self.0.clone(), body: None }))
    }
    fn method(&self) -> Arc<str> {
        "main".into()
    }
    fn engine(&self) -> &'static str {
        "lua"
    }
}

struct Closure {
    make: MakeBody,
    body: Option<Body>,
}

impl Process for Closure {
    fn init(&mut self, call: &Invocation, _: &Arc<Control>) -> Result<()> {
        let args = call.args.values()?;
        if args.first().and_then(Value::as_str) == Some("fail to start") {
            return Err(Error::invalid("no start"));
        }
        self.body = Some((self.make)(args));
        Ok(())
    }
    fn step(&mut self, cx: &mut StepContext<'_>) -> Step {
        self.body.as_mut().expect("initialised")(cx)
    }
    fn close(&mut self) {
        self.body = None;
    }
}

pub fn done(value: impl Into<Value>) -> Step {
    Step::Done(Exit::Value(Flat::of(&[value.into()])))
}
pub fn fail(text: &str) -> Step {
    Step::Done(Exit::Error(Error::internal(text)))
}

/// Sends `value` under `topic`.
pub fn send(cx: &mut StepContext<'_>, to: Pid, topic: &str, value: impl Into<Value>) -> Result<()> {
    let flat = Flat::of(&[value.into()]);
    let message = Message::new(cx.pid(), topic, flat.as_bytes());
    cx.send(to, message, &to)
}

/// The topic and first payload of a message.
pub fn open(m: &Message) -> (String, Value) {
    let (topic, mut payloads) = m.open();
    let topic = String::from_utf8_lossy(topic).into_owned();
    (topic, if payloads.is_empty() { Value::Nil } else { payloads.value().unwrap() })
}

pub fn pid(v: &Value) -> Pid {
    Pid::parse(v.as_str().unwrap()).unwrap()
}

/// A body that handles one event at a time and waits otherwise.
pub fn on_events(
    mut f: impl FnMut(&mut StepContext<'_>, Event) -> Option<Step> + Send + 'static,
) -> impl FnMut(&mut StepContext<'_>) -> Step + Send + 'static {
    move |cx| {
        while let Some(event) = cx.next_event() {
            if let Some(step) = f(cx, event) {
                return step;
            }
        }
        Step::Waiting
    }
}
