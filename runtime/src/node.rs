//! The node: one complete runtime. Holds what every part of it shares and the
//! operations on processes: spawn, finish, lookups.

mod spawn;

pub use spawn::SpawnRequest;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

use crate::clock::Clock;
use crate::dispatch::Dispatcher;
use crate::entropy::Entropy;
use crate::env::Environment;
use crate::error::Error;
use crate::files::Filesystems;
use crate::functions::Functions;
use crate::io::Io;
use crate::maps::FastMap;
use crate::metrics::Metrics;
use crate::process::{Control, Exit, Factory, Ledger, Process, ProcessTable};
use crate::registry::EntryId;
use crate::relay::{Name, Pid, Router};
use crate::resources::Resources;
use crate::security::{AllowAll, Audit, Denials, Policies};
use crate::timers::Timers;
use crate::topology::Names;

/// Told about every process that ends, after its relations are dissolved; must be quick.
pub type ExitObserver = Arc<dyn Fn(Pid, &Exit) + Send + Sync>;

/// See the module comment.
pub struct Node {
    name: Name,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    timers: Arc<Timers>,
    table: Arc<ProcessTable>,
    router: Router,
    names: Names,
    functions: Functions,
    environment: Arc<Environment>,
    filesystems: Arc<Filesystems>,
    resources: Arc<Resources>,
    factories: RwLock<FastMap<Arc<str>, Arc<dyn Factory>>>,
    dispatcher: OnceLock<Dispatcher>,
    policies: OnceLock<Arc<dyn Policies>>,
    audit: OnceLock<Audit>,
    exit_observers: RwLock<Vec<ExitObserver>>,
    io: Io,
    metrics: Arc<Metrics>,
    ledger: Ledger,
    next_seq: AtomicU64,
    /// Requests that the gate refused since the start.
    pub denials: Denials,
    /// Processes that were ended because they computed too long.
    pub cpu_limits_exceeded: AtomicU64,
}

impl Node {
    /// A node with an id, a clock and a source of randomness. Its timers do not turn until
    /// [`Timers::start`] is called or somebody turns them.
    pub fn new(name: &str, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Arc<Node>, Error> {
        // A node called `local` is left out of pids.
        let name = Name::new(if name == "local" { "" } else { name })?;
        let table = Arc::new(ProcessTable::default());
        Ok(Arc::new(Node {
            name,
            timers: Arc::new(Timers::new(clock.clone())),
            clock,
            entropy,
            router: Router::new(name, table.clone()),
            table,
            names: Names::default(),
            functions: Functions::default(),
            environment: Arc::default(),
            filesystems: Arc::default(),
            resources: Arc::default(),
            factories: RwLock::default(),
            dispatcher: OnceLock::new(),
            policies: OnceLock::new(),
            audit: OnceLock::new(),
            exit_observers: RwLock::default(),
            io: Io::default(),
            metrics: Arc::default(),
            ledger: Ledger::default(),
            next_seq: AtomicU64::new(1),
            denials: Denials::default(),
            cpu_limits_exceeded: AtomicU64::new(0),
        }))
    }

    pub fn name(&self) -> Name {
        self.name
    }
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }
    pub fn timers(&self) -> &Arc<Timers> {
        &self.timers
    }
    pub fn table(&self) -> &Arc<ProcessTable> {
        &self.table
    }
    pub fn router(&self) -> &Router {
        &self.router
    }
    pub fn names(&self) -> &Names {
        &self.names
    }
    pub fn functions(&self) -> &Functions {
        &self.functions
    }
    pub fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }
    pub fn filesystems(&self) -> &Arc<Filesystems> {
        &self.filesystems
    }
    pub fn resources(&self) -> &Arc<Resources> {
        &self.resources
    }
    pub fn io(&self) -> &Io {
        &self.io
    }
    /// What the hosts compute.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Sets the frozen command table; once, before anything runs. A second call is ignored and logged.
    pub fn set_dispatcher(&self, dispatcher: Dispatcher) {
        if self.dispatcher.set(dispatcher).is_err() {
            tracing::error!("the command table is frozen already");
        }
    }
    /// The frozen command table; an empty one before boot has set it.
    pub fn dispatcher(&self) -> &Dispatcher {
        static NONE: OnceLock<Dispatcher> = OnceLock::new();
        self.dispatcher.get().unwrap_or_else(|| NONE.get_or_init(Dispatcher::default))
    }
    /// Sets the policy engine; once. Without one everything is allowed.
    pub fn set_policies(&self, policies: Arc<dyn Policies>) {
        if self.policies.set(policies).is_err() {
            tracing::error!("the policy engine is set already");
        }
    }
    pub fn policies(&self) -> &dyn Policies {
        match self.policies.get() {
            Some(p) => &**p,
            None => &AllowAll,
        }
    }
    /// Sets where refusals are written down; once. Without, they are logged at debug level.
    pub fn set_audit(&self, audit: Audit) {
        if self.audit.set(audit).is_err() {
            tracing::error!("the audit log is set already");
        }
    }
    pub(crate) fn audit(&self) -> &Audit {
        static NONE: Audit = Audit::DEBUG;
        self.audit.get().unwrap_or(&NONE)
    }
    /// Whether anything may be refused to anybody.
    #[inline]
    pub(crate) fn may_refuse(&self) -> bool {
        self.policies.get().is_some_and(|p| p.may_refuse())
    }

    /// Makes `id` spawnable, replacing what was there.
    pub fn register_factory(&self, id: &EntryId, factory: Arc<dyn Factory>) {
        self.factories.write().insert(id.text(), factory);
    }
    pub fn remove_factory(&self, id: &EntryId) {
        self.factories.write().remove(id.as_str());
    }
    /// Errors: NotFound `factory not found`.
    pub fn factory(&self, id: &EntryId) -> Result<Arc<dyn Factory>, Error> {
        let factory = self.factories.read().get(id.as_str()).cloned();
        factory.ok_or_else(|| Error::not_found("factory not found").detail("factory_id", id.as_str()))
    }

    /// A pid that no process has had in this run.
    pub fn new_pid(&self, host: Name) -> Pid {
        Pid::new(self.name, host, self.next_seq.fetch_add(1, Ordering::Relaxed))
    }

    pub fn observe_exits(&self, observer: ExitObserver) {
        self.exit_observers.write().push(observer);
    }

    /// Cancels the requests a process has in flight and lets go of what it holds: its code is replaced.
    pub(crate) fn end_run(&self, control: &Arc<Control>) {
        let cancels = control.with_exits(|e| std::mem::take(&mut e.cancels)).unwrap_or_default();
        cancels.into_iter().for_each(|(_, cancel)| cancel());
        control.release_all();
    }

    /// The end of a process, in the order that programs can rely on: it leaves the routing table and its groups, its
    /// names are free, watchers and links hear of it, then hooks run.
    pub(crate) fn finish(&self, control: &Arc<Control>, process: Box<dyn Process>, exit: Exit) {
        self.table.remove(control.pid());
        control.queue.close();
        control.state.finish();
        control.host.leave();
        control.take_departures().into_iter().for_each(|depart| depart());
        self.dissolve(control, &exit);
        let mut exits = control.end_exits();
        // Those of somebody who did not know yet that the process has ended.
        exits.departures.into_iter().for_each(|depart| depart());
        exits.cancels.into_iter().for_each(|(_, cancel)| cancel());
        drop(exits.held.take_all());
        for observer in self.exit_observers.read().iter() {
            observer(control.pid(), &exit);
        }
        exits.hooks.into_iter().for_each(|hook| hook(&exit));
        match exits.reclaim {
            Some(reclaim) => reclaim(process, exit),
            None => drop(process),
        }
        control.host.finished();
    }
}
