//! Terminal hosts: command-line processes with the terminal attached. When one
//! ends its result is shown and the program is asked to end with its code.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wippy_runtime::boot::{App, Shutdown};
use wippy_runtime::logging::Logging;
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{Control, Exit, HostShared, Invocation};
use wippy_runtime::registry::{EntryId, Registry};
use wippy_runtime::relay::Pid;
use wippy_runtime::terminal::{Output, Terminal, TerminalSession};
use wippy_runtime::{Error, Node, Result, SpawnRequest};

use crate::config::HostKind;

/// How long a command waits for its host to run.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What all terminal hosts of one program share.
pub(crate) struct Console {
    terminal: Arc<Terminal>,
    shutdown: OnceLock<Arc<Shutdown>>,
    logging: OnceLock<Arc<Logging>>,
}

impl Console {
    pub fn new(terminal: Arc<Terminal>) -> Console {
        Console { terminal, shutdown: OnceLock::new(), logging: OnceLock::new() }
    }
    pub fn terminal(&self) -> &Arc<Terminal> {
        &self.terminal
    }
    /// Learns who can end the program and hush its log; without them results are only shown.
    pub fn connect(&self, app: &App) {
        if let Some(shutdown) = app.context.get::<Shutdown>() {
            let _ = self.shutdown.set(shutdown);
        }
        if let Some(logging) = app.context.get::<Logging>() {
            let _ = self.logging.set(logging);
        }
    }

    /// Attaches the terminal to all processes of `host`. With `hide_logs` no log lines are written while one runs.
    pub fn serve(self: &Arc<Self>, host: &HostShared, hide_logs: Arc<AtomicBool>) {
        let console = self.clone();
        host.on_start(Box::new(move |control, call| console.welcome(control, call, &hide_logs)));
    }

    fn welcome(self: &Arc<Self>, control: &Arc<Control>, call: &Invocation, hide_logs: &AtomicBool) {
        let session = Arc::new(TerminalSession::new(self.terminal.clone(), texts(&call.args)));
        control.attach(session.clone());
        let logging = self.logging.get().filter(|_| hide_logs.load(Ordering::Relaxed));
        let quiet = logging.map(Logging::quiet);
        let console = self.clone();
        let ended = move |exit: &Exit| {
            drop(quiet);
            session.end();
            console.conclude(exit);
        };
        // The process is new, so it has not ended.
        let _ = control.on_exit(Box::new(ended));
    }

    fn conclude(&self, exit: &Exit) {
        let (output, code) = outcome(exit);
        if let Some((to, mut text)) = output {
            text.push(b'\n');
            if let Err(error) = self.terminal.write(to, &text) {
                tracing::debug!(%error, "the result of a command could not be written");
            }
        }
        if let Some(shutdown) = self.shutdown.get() {
            shutdown.request(code);
        }
    }
}

/// The texts among the arguments: the argument list of the program.
fn texts(args: &Flat) -> Vec<Vec<u8>> {
    let values = args.values().unwrap_or_default();
    let text = |value| match value {
        Value::Str(text) => Some(text.into_bytes()),
        Value::Bytes(bytes) => Some(bytes.to_vec()),
        _ => None,
    };
    values.into_iter().filter_map(text).collect()
}

/// What is shown of a result, and the exit code.
fn outcome(exit: &Exit) -> (Option<(Output, Vec<u8>)>, u8) {
    let value = match exit {
        Exit::Error(e) => return (Some((Output::Stderr, once(&e.to_string()).into())), 1),
        Exit::Value(flat) if flat.is_empty() => Value::Nil,
        Exit::Value(flat) => flat.first().unwrap_or(Value::Nil),
    };
    match value {
        Value::Str(text) => (Some((Output::Stdout, text.into_bytes())), 0),
        Value::Bytes(bytes) => (Some((Output::Stdout, bytes.to_vec())), 0),
        // As the operating system does, only the lowest byte counts.
        Value::Int(n) => (None, n as u8),
        Value::Float(f) if f.is_finite() => (None, f as i64 as u8),
        Value::Float(_) => (None, 1),
        Value::Bool(fine) => (None, u8::from(!fine)),
        _ => (None, 0),
    }
}

/// `a: a: b` as `a: b`: an error that was wrapped in its own context.
fn once(text: &str) -> &str {
    let twice = text.split_once(": ").filter(|(prefix, rest)| {
        let again = rest.strip_prefix(prefix);
        again.is_some_and(|rest| rest.starts_with(": "))
    });
    twice.map_or(text, |(_, rest)| rest)
}

/// A process to run on a terminal host.
#[derive(Clone, Debug)]
pub struct Command {
    pub entry: EntryId,
    /// The terminal host; `None`: the only one there is.
    pub host: Option<String>,
    pub arguments: Vec<String>,
}

/// Starts a command; its end asks for the end of the program. Blocks until its host runs, at most 5 seconds.
///
/// Errors: NotFound `no terminal.host found in registry`; Invalid `multiple terminal hosts found (<ids>), use --host to
/// specify`; `failed to start process on host: <host>: <cause>`.
pub fn run(app: &App, command: Command) -> Result<Pid> {
    let host = match command.host {
        Some(host) => host,
        None => only_host(&app.registry)?,
    };
    wait_for(&app.node, &host);
    let arguments: Vec<Value> = command.arguments.into_iter().map(Value::Str).collect();
    let request = SpawnRequest { args: Flat::of(&arguments), ..SpawnRequest::new(command.entry, &*host) };
    app.node.spawn(request).map_err(|cause| {
        Error::new(cause.kind().clone(), format!("failed to start process on host: {host}")).because(cause)
    })
}

fn only_host(registry: &Registry) -> Result<String> {
    let snapshot = registry.snapshot();
    let mut ids: Vec<&EntryId> =
        snapshot.state.iter().filter(|e| e.kind == HostKind::TERMINAL).map(|e| &e.id).collect();
    ids.sort_unstable();
    match ids[..] {
        [] => Err(Error::not_found("no terminal.host found in registry")),
        [id] => Ok(id.to_string()),
        _ => {
            let ids: Vec<&str> = ids.into_iter().map(EntryId::as_str).collect();
            let ids = ids.join(", ");
            Err(Error::invalid(format!("multiple terminal hosts found ({ids}), use --host to specify")))
        }
    }
}

/// Blocks until the host takes processes, or for [`PATIENCE`].
fn wait_for(node: &Node, host: &str) {
    let deadline = node.clock().now() + PATIENCE.as_nanos() as u64;
    while node.process_host(host).is_err() && node.clock().now() < deadline {
        std::thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_exit_codes() {
        let value = |v: Value| Exit::Value(Flat::of(&[v]));
        let error = |text: &str| Exit::Error(Error::internal(text));
        let shown = |to, text: &str| Some((to, text.as_bytes().to_vec()));
        let cases = [
            (Exit::Value(Flat::new()), (None, 0)),
            (value(Value::Nil), (None, 0)),
            (value("done".into()), (shown(Output::Stdout, "done"), 0)),
            (value(3.into()), (None, 3)),
            (value(Value::Float(2.9)), (None, 2)),
            (value(Value::Float(-1.5)), (None, 255)),
            (value(Value::Float(f64::NAN)), (None, 1)),
            (value(Value::Float(f64::INFINITY)), (None, 1)),
            (value(256.into()), (None, 0)),
            (value(true.into()), (None, 0)),
            (value(false.into()), (None, 1)),
            (value(Value::List(vec![1.into()])), (None, 0)),
            (error("it broke"), (shown(Output::Stderr, "it broke"), 1)),
            (error("app:x:3: app:x:3: it broke"), (shown(Output::Stderr, "app:x:3: it broke"), 1)),
            (error("a: ab: c"), (shown(Output::Stderr, "a: ab: c"), 1)),
            (Exit::Error(Error::internal("run").because(Error::internal("x"))), (shown(Output::Stderr, "run: x"), 1)),
        ];
        for (exit, want) in cases {
            assert_eq!(outcome(&exit), want, "{exit:?}");
        }
    }
}
