//! The kind `process.service`: one process that the supervisor keeps running.
//!
//! A run is one process with a pid of its own. Its normal end is an end for
//! good; a failure is the supervisor's to judge. Stopping asks the process to
//! finish and waits; one that does not is left to its host.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::{Exit, Inherited};
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, EntryHandler, EntryId, Lifecycle};
use wippy_runtime::relay::{Name, Pid};
use wippy_runtime::supervisor::{Reporter, Service, Supervisor};
use wippy_runtime::{Error, Kind, Node, Result, SpawnRequest};

use crate::control::CONTROL_HOST;

/// What an entry says.
#[derive(Clone, Debug, PartialEq)]
struct ServiceConfig {
    process: EntryId,
    host: String,
    input: Vec<Value>,
    lifecycle: Lifecycle,
}

impl ServiceConfig {
    /// Errors (Invalid): `process is required`, `host is required`, `invalid host: node:control`, a field of a wrong
    /// type.
    fn decode(entry: &Entry) -> Result<ServiceConfig> {
        let data = Fields::new(entry)?;
        let config = ServiceConfig {
            process: data.id("process")?,
            host: data.str("host")?.to_owned(),
            input: data.list("input")?.to_vec(),
            lifecycle: Lifecycle::decode(&data)?,
        };
        if config.host == CONTROL_HOST {
            return Err(data.error("host", format_args!("invalid host: {CONTROL_HOST}")));
        }
        data.finish_and_log();
        Ok(config)
    }
}

/// The owner of the kind.
pub(crate) struct ServiceHandler {
    node: Weak<Node>,
    supervisor: Arc<Supervisor>,
}

impl ServiceHandler {
    pub fn new(node: &Arc<Node>, supervisor: Arc<Supervisor>) -> ServiceHandler {
        ServiceHandler { node: Arc::downgrade(node), supervisor }
    }
    fn service(&self, config: &ServiceConfig) -> Arc<ProcessService> {
        Arc::new(ProcessService { node: self.node.clone(), config: config.clone(), run: Mutex::default() })
    }
}

impl EntryHandler for ServiceHandler {
    fn name(&self) -> &str {
        "process.service"
    }
    fn kinds(&self) -> &[&str] {
        &["process.service"]
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        let config = ServiceConfig::decode(entry)?;
        self.supervisor.register(entry.id.clone(), self.service(&config), config.lifecycle);
        Ok(())
    }
    /// Process, host and input count from the next run on; the one that runs is left alone.
    fn update(&self, old: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        let config = ServiceConfig::decode(new)?;
        let before = ServiceConfig::decode(old)?;
        if before == (ServiceConfig { lifecycle: before.lifecycle.clone(), ..config.clone() }) {
            self.supervisor.update(new.id.clone(), config.lifecycle);
        } else {
            self.supervisor.register_for_next_run(new.id.clone(), self.service(&config), config.lifecycle);
        }
        Ok(())
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.supervisor.remove(entry.id.clone());
        Ok(())
    }
}

/// See the module comment.
struct ProcessService {
    node: Weak<Node>,
    config: ServiceConfig,
    run: Mutex<Option<Run>>,
}

/// The run under way.
#[derive(Clone, Copy)]
struct Run {
    /// The pid that watches the process; its parent.
    watcher: Pid,
    process: Pid,
}

impl ProcessService {
    fn spawn(&self, on_behalf: Arc<Inherited>, report: Reporter) -> Result<Run> {
        let node = self.node.upgrade().ok_or_else(|| Error::unavailable("the node is gone"))?;
        let watcher = node.new_pid(Name::new(CONTROL_HOST)?);
        let request = SpawnRequest {
            args: Flat::of(&self.config.input),
            parent: Some(watcher),
            inherited: on_behalf,
            on_exit: Some(Box::new(move |exit| report.ended(outcome(exit)))),
            ..SpawnRequest::new(self.config.process.clone(), self.config.host.clone())
        };
        let process = node.spawn(request)?;
        Ok(Run { watcher, process })
    }
}

/// How the supervisor sees the end of the process.
fn outcome(exit: &Exit) -> Result<()> {
    match exit.error() {
        None => Ok(()),
        // A special error that says: this is a normal end.
        Some(e) if *e.kind() == Kind::EXITED => Ok(()),
        // Whether another try is useless is for the process's own error to say.
        Some(e) => Err(Error::new(Kind::INTERNAL, "process failed").because(e.clone())),
    }
}

impl Service for ProcessService {
    fn start(&self, on_behalf: Arc<Inherited>, report: Reporter) {
        // Up before the process can have ended: the reports are in order then.
        report.running();
        match self.spawn(on_behalf, report.clone()) {
            Ok(run) => *self.run.lock() = Some(run),
            Err(cause) => report.ended(Err(Error::internal("start process").because(cause))),
        }
    }

    fn stop(&self, report: Reporter, _: Duration) {
        let run = *self.run.lock();
        let Some((node, run)) = self.node.upgrade().zip(run) else { return report.ended(Ok(())) };
        // A process that is gone has reported its end.
        if let Err(error) = node.cancel(run.watcher, run.process, "service stopping") {
            tracing::debug!(pid = %run.process, %error, "process has ended before it was asked to");
        }
    }
}
