//! The answers to [`Fact`]s.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::commands::{Fact, Setting};
use super::memory::memory_use;
use crate::boot::{AppContext, Shutdown};
use crate::dispatch::Caller;
use crate::error::{Error, Kind, Result};
use crate::node::Node;
use crate::payload::{Map, Value};
use crate::process::{Control, HostShared};
use crate::registry::EntryId;
use crate::relay::Delivery;
use crate::supervisor::{ServiceState, Supervisor};

/// Where the knobs are, and what has been counted.
pub(super) struct Facts {
    memory_limit: AtomicI64,
    /// Negative: off.
    gc_percent: AtomicI64,
    max_procs: AtomicI64,
    collections: AtomicU64,
    shutdown: OnceLock<Arc<Shutdown>>,
    supervisor: OnceLock<Arc<Supervisor>>,
}

fn number(n: impl Into<f64>) -> Value {
    Value::Float(n.into())
}

/// Counts and sizes become floats, exact below 2^53.
fn count(n: u64) -> Value {
    Value::Float(n as f64)
}

fn record<const N: usize>(pairs: [(&str, Value); N]) -> Map {
    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

fn cpus() -> u64 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as u64)
}

/// An off switch reads as the default.
fn percent(stored: i64) -> Value {
    number(if stored < 0 { 100.0 } else { stored as f64 })
}

impl Facts {
    pub fn new(memory_limit: i64) -> Facts {
        Facts {
            memory_limit: AtomicI64::new(memory_limit),
            gc_percent: AtomicI64::new(100),
            max_procs: AtomicI64::new(cpus() as i64),
            collections: AtomicU64::new(0),
            shutdown: OnceLock::new(),
            supervisor: OnceLock::new(),
        }
    }

    /// Takes what other components have left, once all have loaded.
    pub fn connect(&self, context: &AppContext) {
        if let Some(shutdown) = context.get() {
            let _ = self.shutdown.set(shutdown);
        }
        if let Some(supervisor) = context.get() {
            let _ = self.supervisor.set(supervisor);
        }
    }

    fn supervisor(&self) -> Result<&Supervisor> {
        self.supervisor.get().map(|s| &**s).ok_or_else(|| Error::internal("service info not available"))
    }

    /// Asks for the end of the program. Errors: Internal if it was put together without a way to do that.
    pub fn exit(&self, code: i64) -> Result<()> {
        let shutdown = self.shutdown.get().ok_or_else(|| Error::internal("shutdown not available"))?;
        shutdown.request(code as u8);
        Ok(())
    }

    pub fn collected(&self) {
        self.collections.fetch_add(1, Ordering::Relaxed);
    }

    /// Turns a knob; gives where it was. Errors: Invalid for a place it does not have.
    pub fn set(&self, setting: Setting) -> Result<Value> {
        let turn = |knob: &AtomicI64, to: i64| knob.swap(to, Ordering::Relaxed);
        Ok(match setting {
            Setting::MemoryLimit(None) => return Err(Error::invalid("memory limit value required")),
            Setting::MemoryLimit(Some(n)) if n < -1 => {
                return Err(Error::invalid("limit must be non-negative or -1"));
            }
            Setting::MemoryLimit(Some(n)) => number(turn(&self.memory_limit, if n < 0 { i64::MAX } else { n }) as f64),
            Setting::GcPercent(None) => return Err(Error::invalid("percent value required")),
            Setting::GcPercent(Some(n)) => percent(turn(&self.gc_percent, n)),
            Setting::MaxProcs(n) if n <= 0 => return Err(Error::invalid("GOMAXPROCS value must be positive")),
            Setting::MaxProcs(n) => number(turn(&self.max_procs, n) as f64),
        })
    }

    pub fn answer(&self, caller: &Caller, fact: &Fact) -> Result<Value> {
        let node = &caller.node;
        let knob = |knob: &AtomicI64| number(knob.load(Ordering::Relaxed) as f64);
        Ok(match fact {
            Fact::MemoryStats => self.memory_stats(node),
            Fact::Allocated => count(memory_use().heap),
            Fact::HeapObjects => count(node.table().len() as u64),
            Fact::MemoryLimit => knob(&self.memory_limit),
            Fact::GcPercent => percent(self.gc_percent.load(Ordering::Relaxed)),
            Fact::Tasks => count(tasks(node)),
            Fact::MaxProcs => knob(&self.max_procs),
            Fact::Cpus => count(cpus()),
            Fact::ProcessId => number(std::process::id()),
            Fact::Hostname => rustix::system::uname().nodename().to_string_lossy().as_ref().into(),
            Fact::WorkingDirectory => working_directory()?,
            Fact::Service(id) if id.is_empty() => return Err(Error::invalid("service ID required")),
            Fact::Service(id) => {
                let state = self.supervisor()?.state(&EntryId::parse(id));
                service_record(&state.map_err(|e| e.with_kind(Kind::INTERNAL))?)
            }
            Fact::Services => self.supervisor()?.states().iter().map(service_record).collect(),
            Fact::Hosts => hosts(node).iter().map(|(id, host)| host_record(id, host)).collect(),
            Fact::Processes(id) if id.is_empty() => return Err(Error::invalid("host ID required")),
            Fact::Processes(id) => processes(node, id)?,
            Fact::NodeId => node_id(node),
            Fact::NodeAddress => return Err(Error::internal("local node address not available")),
            Fact::NodeRole => "non-member".into(),
            Fact::Members => Value::List(vec![record([("id", node_id(node)), ("is_local", true.into())]).into()]),
            Fact::Leader => "".into(),
            Fact::ClusterSize => number(1),
            Fact::Raft | Fact::RaftStats => return Err(Error::internal("raft not available")),
        })
    }

    /// The names are those of Go's `runtime.MemStats`. There is no collector of the whole program: what the system
    /// counts stands for the heap, the peak for everything ever allocated.
    fn memory_stats(&self, node: &Node) -> Value {
        let used = memory_use();
        let heap = count(used.heap);
        let percent = self.gc_percent.load(Ordering::Relaxed).max(0) as f64;
        let zero = || number(0);
        let stats = record([
            ("alloc", heap.clone()),
            ("total_alloc", count(used.peak)),
            ("sys", count(used.resident)),
            ("heap_alloc", heap.clone()),
            ("heap_sys", heap.clone()),
            ("heap_idle", zero()),
            ("heap_in_use", heap),
            ("heap_released", zero()),
            ("heap_objects", count(node.table().len() as u64)),
            ("stack_in_use", count(used.stack)),
            ("stack_sys", count(used.stack)),
            ("mspan_in_use", zero()),
            ("mspan_sys", zero()),
            ("num_gc", count(self.collections.load(Ordering::Relaxed))),
            ("next_gc", number(used.heap as f64 * (1.0 + percent / 100.0))),
        ]);
        stats.into()
    }
}

fn service_record(state: &ServiceState) -> Value {
    let mut fields = record([
        ("id", state.id.as_str().into()),
        ("status", state.status.as_str().into()),
        ("desired", state.desired.as_str().into()),
        ("retry_count", number(state.retry_count)),
        ("last_update", number(state.last_update as f64)),
        ("started_at", number(state.started_at.unwrap_or(0) as f64)),
    ]);
    if let Some(details) = &state.details {
        fields.insert("details".into(), details.as_str().into());
    }
    fields.into()
}

fn node_id(node: &Node) -> Value {
    let name = node.name().text();
    if name.is_empty() { "local".into() } else { (&*name).into() }
}

fn working_directory() -> Result<Value> {
    match std::env::current_dir() {
        Ok(path) => Ok(path.to_string_lossy().as_ref().into()),
        Err(e) => Err(Error::internal(format!("the working directory cannot be found out: {e}"))),
    }
}

fn hosts(node: &Node) -> Vec<(Arc<str>, Arc<HostShared>)> {
    let process_host = |(id, delivery)| match delivery {
        Delivery::Processes(host) => Some((id, host)),
        Delivery::Mailbox(_) | Delivery::Calls => None,
    };
    node.router().hosts().into_iter().filter_map(process_host).collect()
}

/// Live processes and running calls, and the threads that serve them.
fn tasks(node: &Node) -> u64 {
    let workers: usize = hosts(node).iter().map(|(_, host)| host.scheduler.workers()).sum();
    (node.table().len() + workers) as u64
}

fn host_record(id: &str, host: &HostShared) -> Value {
    let stats = host.scheduler.stats();
    let fields = record([
        ("id", id.into()),
        ("workers", count(host.scheduler.workers() as u64)),
        ("processes", count(host.live() as u64)),
        ("executed", count(stats.executed)),
        ("stolen", count(stats.stolen)),
        ("queue_depth", count(stats.queued as u64)),
    ]);
    fields.into()
}

/// All that runs on one host, by number: its processes and the function calls they make.
fn processes(node: &Node, id: &str) -> Result<Value> {
    let known = hosts(node).into_iter().find(|(host, _)| **host == *id);
    let Some((_, host)) = known else {
        return Err(Error::internal(format!("host not found: {id}")));
    };
    let mut all = node.table().all();
    all.retain(|control| Arc::ptr_eq(&control.host, &host));
    all.sort_by_key(|control| control.pid().seq());
    Ok(all.iter().map(|control| process_record(id, control)).collect())
}

fn process_record(host: &str, control: &Control) -> Value {
    let frame = control.frame();
    let mut fields = record([
        ("pid", control.pid().to_string().into()),
        ("host", host.into()),
        ("source", frame.entry.as_str().into()),
        ("state", control.state.get().as_str().into()),
        ("steps", count(control.steps())),
        ("started_at", number(control.started as f64)),
    ]);
    if let Some(parent) = frame.parent.filter(|p| !p.is_none()) {
        fields.insert("parent".into(), parent.to_string().into());
    }
    if let Some(actor) = &frame.inherited.actor {
        fields.insert("actor_id".into(), actor.id.as_str().into());
    }
    let mut stats = record([
        ("memory", count(control.memory.load(Ordering::Relaxed))),
        ("memory_peak", count(control.memory_peak.load(Ordering::Relaxed))),
        ("mailbox", count(control.queue.len() as u64)),
    ]);
    if control.memory_limit() > 0 {
        stats.insert("memory_limit".into(), count(control.memory_limit() as u64));
    }
    fields.insert("stats".into(), stats.into());
    fields.into()
}
