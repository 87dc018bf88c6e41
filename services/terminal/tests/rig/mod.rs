//! A runtime put together from real components whose terminal is a pipe and two buffers.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wippy_hosts::terminal::{self, Command};
use wippy_runtime::boot::{App, Component, Config, Setup, Shutdown};
use wippy_runtime::clock::RealClock;
use wippy_runtime::entropy::SeededEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::{self, Entry, EntryId, MemoryHistory, Registry};
use wippy_runtime::relay::Pid;
use wippy_runtime::supervisor::SupervisorComponent;
use wippy_runtime::terminal::Terminal;
use wippy_runtime::{Node, Result, yaml};

/// Longest wait for anything that should happen at once.
const SOON: Duration = Duration::from_secs(20);

/// Bytes that were written.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Leaves in the context what the program makes.
struct Program(Arc<Shutdown>);

impl Component for Program {
    fn name(&self) -> &'static str {
        "program"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.context.set(self.0.clone())
    }
}

/// See the module comment.
pub struct Desk {
    pub app: Arc<App>,
    pub shutdown: Arc<Shutdown>,
    pub stdout: Paper,
    pub stderr: Paper,
    pub keyboard: Option<std::io::PipeWriter>,
}

impl Desk {
    pub fn new() -> Desk {
        let (input, keyboard) = std::io::pipe().unwrap();
        let (stdout, stderr) = (Paper::default(), Paper::default());
        let terminal = Arc::new(Terminal::new(input, stdout.clone(), stderr.clone()));
        let node = Node::new("local", Arc::new(RealClock::new()), Arc::new(SeededEntropy::new(1))).unwrap();
        node.timers().start().unwrap();
        let registry = Registry::new(registry::Config::default(), Arc::new(MemoryHistory::new()), Bus::new());
        let shutdown = Shutdown::new();
        let mut components: Vec<Arc<dyn Component>> = vec![
            Arc::new(Program(shutdown.clone())),
            Arc::new(SupervisorComponent),
            wippy_lua::code::component(),
            wippy_terminal::component(),
        ];
        components.extend(wippy_hosts::components(terminal));
        let app = App::boot(node, registry, Config::empty(), components).unwrap();
        Desk { app, shutdown, stdout, stderr, keyboard: Some(keyboard) }
    }

    pub fn types(&mut self, text: &str) {
        self.keyboard.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }
    pub fn run(&self, entry: &str, host: Option<&str>, arguments: &[String]) -> Result<Pid> {
        let (entry, host) = (EntryId::parse(entry), host.map(str::to_owned));
        terminal::run(&self.app, Command { entry, host, arguments: arguments.to_vec() })
    }
    /// Waits for the wish to end the program, ends it, and gives its exit code.
    pub fn finish(self) -> u8 {
        wait_until("the end of the command", || self.shutdown.is_requested());
        self.app.shutdown(SOON);
        self.shutdown.code()
    }
}

pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < SOON, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// An entry whose data is YAML.
pub fn entry(id: &str, kind: &str, data: &str) -> Entry {
    let data = yaml::parse(data).unwrap().root.unwrap().into_value(yaml::Typing::Exact).unwrap();
    Entry { id: EntryId::parse(id), kind: kind.into(), meta: Map::new(), data, origin: None }
}

/// A terminal host and a process host.
pub fn hosts() -> Vec<Entry> {
    vec![
        entry("app:terminal", "terminal.host", "lifecycle: {auto_start: true}"),
        entry("app:processes", "process.host", "{host: {workers: 2}, lifecycle: {auto_start: true}}"),
    ]
}

pub fn process(id: &str, modules: &[&str], source: &str) -> Entry {
    let mut program = entry(id, "process.lua", "{method: main}");
    let modules = modules.iter().map(|m| Value::from(*m)).collect();
    let fields = [("source", Value::from(source)), ("modules", Value::List(modules))];
    if let Value::Map(data) = &mut program.data {
        data.extend(fields.map(|(k, v)| (k.to_owned(), v)));
    }
    program
}
