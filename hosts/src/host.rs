//! A process host as a service: threads while it runs, and the way to its end.
//!
//! Its id is known to the router as long as its entry exists, so that whoever
//! uses it before its start or after its stop hears why it cannot.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wippy_runtime::process::{HostShared, HostState, Inherited};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Name;
use wippy_runtime::scheduler::{Pool, Scheduler};
use wippy_runtime::supervisor::{Reporter, Service};
use wippy_runtime::{Error, Node, Result};

use crate::config::HostConfig;
use crate::drain::drain;

/// See the module comment.
pub struct Host(Arc<Inner>);

struct Inner {
    node: Weak<Node>,
    shared: Arc<HostShared>,
    pool: Arc<Pool>,
    state: Mutex<State>,
}

struct State {
    workers: usize,
    /// Has threads.
    up: bool,
    /// Its entry is gone.
    retired: bool,
}

impl Host {
    /// A host that the router knows and that has not been started. Errors: its id is in use; too many names.
    pub fn new(node: &Arc<Node>, id: &EntryId, config: &HostConfig) -> Result<Host> {
        let pool = Arc::new(Pool::new(node, id.as_str()));
        let name = Name::new(id.as_str())?;
        let shared = HostShared::new(name, pool.clone(), config.capabilities.clone(), config.limits.clone())
            .with_walls(config.walls.clone())
            .with_strict_imports(config.strict_imports);
        let shared = Arc::new(shared);
        node.router().register_processes(&shared)?;
        node.ledger().join(&shared);
        let state = State { workers: config.workers, up: false, retired: false };
        Ok(Host(Arc::new(Inner { node: Arc::downgrade(node), shared, pool, state: Mutex::new(state) })))
    }
    /// What its processes share.
    pub fn shared(&self) -> &Arc<HostShared> {
        &self.0.shared
    }
    /// Changes the number of threads, now and for later starts; processes go on. Errors: the operating system refuses
    /// a thread.
    pub fn set_workers(&self, workers: usize) -> Result<()> {
        let mut state = self.0.state.lock();
        if state.up {
            self.0.pool.resize(workers).map_err(|e| no_thread(&e))?;
        }
        state.workers = workers;
        Ok(())
    }
    /// Threads that run now.
    pub fn threads(&self) -> usize {
        self.0.pool.stats().threads
    }
    /// The entry is gone: the router forgets the host, at once or when it has stopped.
    pub fn retire(&self) {
        let mut state = self.0.state.lock();
        state.retired = true;
        if !state.up {
            self.0.forget();
        }
    }
}

impl Inner {
    fn forget(&self) {
        if let Some(node) = self.node.upgrade() {
            node.router().unregister_processes(&self.shared);
        }
    }
    fn stopped(&self) {
        let mut state = self.state.lock();
        state.up = false;
        self.pool.stop();
        if state.retired {
            self.forget();
        }
    }
}

impl Service for Host {
    fn start(&self, _: Arc<Inherited>, report: Reporter) {
        let mut state = self.0.state.lock();
        if let Err(e) = self.0.pool.resize(state.workers) {
            drop(state);
            self.0.pool.stop();
            return report.ended(Err(no_thread(&e)));
        }
        state.up = true;
        self.0.shared.set_state(HostState::Running);
        drop(state);
        report.running();
    }

    fn stop(&self, report: Reporter, within: Duration) {
        let Some(node) = self.0.node.upgrade() else { return report.ended(Ok(())) };
        let host = self.0.clone();
        let done = move |how| {
            host.stopped();
            report.ended(how);
        };
        drain(&node, &self.0.shared, within, Box::new(done));
    }
}

fn no_thread(e: &std::io::Error) -> Error {
    Error::unavailable(format!("cannot start a thread: {e}")).retryable(true)
}
