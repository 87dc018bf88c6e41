//! A real node with processes written as closures, and services driven by hand.
#![allow(dead_code)]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wippy_hosts::{Host, HostConfig};
use wippy_runtime::clock::RealClock;
use wippy_runtime::dispatch::{DispatcherBuilder, StepContext};
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::payload::{Flat, Map, Value};
use wippy_runtime::process::{
    Control, Event, Exit, Factory, Inherited, Invocation, NoticeKind, Process, Step, commands,
};
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::supervisor::{Report, Reporter, Service};
use wippy_runtime::{Error, Node, Result, SpawnRequest, yaml};

/// Longest wait for anything that should happen at once.
pub const SOON: Duration = Duration::from_secs(20);

pub fn node() -> Arc<Node> {
    let node = Node::new("local", Arc::new(RealClock::new()), Arc::new(SeededEntropy::new(1))).unwrap();
    node.timers().start().unwrap();
    let mut commands = DispatcherBuilder::default();
    commands::register(&mut commands);
    node.set_dispatcher(commands.freeze());
    node
}

/// An entry of kind `kind` whose data is YAML.
pub fn entry(id: &str, kind: &str, data: &str) -> Entry {
    let data = yaml::parse(data).unwrap().root.unwrap().into_value(yaml::Typing::Exact).unwrap();
    Entry { id: EntryId::parse(id), kind: kind.into(), meta: Map::new(), data, origin: None }
}

/// A host that was not started.
pub fn host(node: &Arc<Node>, data: &str) -> Host {
    let entry = entry("app:processes", "process.host", data);
    Host::new(node, &entry.id, &HostConfig::decode(&entry).unwrap()).unwrap()
}

/// A run of a service.
pub struct Run(Receiver<Report>, Reporter);

impl Run {
    pub fn start(service: &dyn Service) -> Run {
        let (tx, rx) = channel();
        let report = Reporter::new(move |r| drop(tx.send(r)));
        service.start(Arc::new(Inherited::default()), report.clone());
        Run(rx, report)
    }
    pub fn running(service: &dyn Service) -> Run {
        let run = Run::start(service);
        assert!(matches!(run.next(), Report::Running));
        run
    }
    pub fn stop(&self, service: &dyn Service, within: Duration) {
        service.stop(self.1.clone(), within);
    }
    pub fn next(&self) -> Report {
        self.0.recv_timeout(SOON).expect("a report")
    }
    pub fn ended(&self) -> Result<()> {
        match self.next() {
            Report::Ended(how) => how,
            other => panic!("{other:?}"),
        }
    }
    pub fn has_reported(&self) -> bool {
        self.0.try_recv().is_ok()
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
        self.body = Some((self.make)(call.args.values()?));
        Ok(())
    }
    fn step(&mut self, cx: &mut StepContext<'_>) -> Step {
        self.body.as_mut().expect("initialised")(cx)
    }
    fn close(&mut self) {
        self.body = None;
    }
}

/// Makes `id` spawnable; `body` is called for each start with the arguments.
pub fn define<F, B>(node: &Node, id: &str, body: F)
where
    F: Fn(Vec<Value>) -> B + Send + Sync + 'static,
    B: FnMut(&mut StepContext<'_>) -> Step + Send + 'static,
{
    let make = move |args| -> Body { Box::new(body(args)) };
    node.register_factory(&EntryId::parse(id), Arc::new(Closures(Arc::new(make))));
}

/// Processes that wait: `obedient` ends with what it is asked to finish for, `deaf` does not hear.
pub fn define_waiters(node: &Node) {
    define(node, "app:obedient", |_| {
        |cx: &mut StepContext<'_>| {
            while let Some(event) = cx.next_event() {
                if let Event::Notice(notice) = event
                    && let NoticeKind::Cancel { reason } = notice.kind
                {
                    return done(format!("{reason} from {}", notice.from));
                }
            }
            Step::Waiting
        }
    });
    define(node, "app:deaf", |_| {
        |cx: &mut StepContext<'_>| {
            while cx.next_event().is_some() {}
            Step::Waiting
        }
    });
    define(node, "app:busy", |_| |_: &mut StepContext<'_>| Step::Yielded);
}

pub fn done(value: impl Into<Value>) -> Step {
    Step::Done(Exit::Value(Flat::of(&[value.into()])))
}

/// Where the ends of processes arrive, as text.
pub struct Exits(Mutex<Receiver<String>>, Sender<String>);

impl Exits {
    pub fn new() -> Exits {
        let (tx, rx) = channel();
        Exits(Mutex::new(rx), tx)
    }
    pub fn spawn(&self, node: &Node, entry: &str, host: &str) -> Result<wippy_runtime::relay::Pid> {
        let tx = self.1.clone();
        let told = move |exit: &Exit| drop(tx.send(shown(exit)));
        node.spawn(SpawnRequest { on_exit: Some(Box::new(told)), ..SpawnRequest::new(EntryId::parse(entry), host) })
    }
    pub fn next(&self) -> String {
        self.0.lock().unwrap().recv_timeout(SOON).expect("a process to end")
    }
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap().try_recv().is_err()
    }
}

pub fn shown(exit: &Exit) -> String {
    match exit {
        Exit::Value(flat) => match flat.first() {
            Ok(Value::Str(text)) => text,
            other => format!("{other:?}"),
        },
        Exit::Error(e) => format!("error {}: {e}", e.kind().as_str()),
    }
}

pub fn refused(result: Result<impl std::fmt::Debug>) -> String {
    let e: Error = result.unwrap_err();
    format!("{}: {e}", e.kind().as_str())
}

pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < SOON, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}
