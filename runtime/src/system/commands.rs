//! What processes may ask the runtime about itself, and under which permission.

use std::sync::Arc;

use super::facts::Facts;
use crate::dispatch::{DispatcherBuilder, Gate, Permissions, Request};
use crate::error::{Error, Result};
use crate::payload::Value;

/// One thing to know. All numbers of answers are floats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    MemoryStats,
    Allocated,
    HeapObjects,
    MemoryLimit,
    GcPercent,
    Tasks,
    MaxProcs,
    Cpus,
    ProcessId,
    Hostname,
    WorkingDirectory,
    /// The state of one service.
    Service(String),
    Services,
    Hosts,
    /// The processes of one host.
    Processes(String),
    NodeId,
    NodeAddress,
    NodeRole,
    Members,
    Leader,
    ClusterSize,
    /// A fact about this node's part in raft.
    Raft,
    RaftStats,
}

impl Fact {
    /// The resource of the permission `system.read`.
    pub fn resource(&self) -> &'static str {
        match self {
            Fact::MemoryStats | Fact::Allocated | Fact::HeapObjects => "memory",
            Fact::MemoryLimit => "memory_limit",
            Fact::GcPercent => "gc_percent",
            Fact::Tasks => "goroutines",
            Fact::MaxProcs => "gomaxprocs",
            Fact::Cpus => "cpu",
            Fact::ProcessId => "pid",
            Fact::Hostname => "hostname",
            Fact::WorkingDirectory => "cwd",
            Fact::Service(_) | Fact::Services => "supervisor",
            Fact::Hosts | Fact::Processes(_) => "hosts",
            Fact::NodeId | Fact::NodeAddress | Fact::NodeRole => "node",
            Fact::Members | Fact::Leader | Fact::ClusterSize => "cluster",
            Fact::Raft => "raft",
            Fact::RaftStats => "raft_stats",
        }
    }
}

fn require(gate: &Gate<'_>, action: &str, resource: &str) -> Result<()> {
    gate.require(action, resource, || Error::invalid(format!("permission denied: {action} on {resource}")))
}

/// Asks for a fact. Reply: plain data as the Lua module `system` documents it.
pub struct Read(pub Fact);

impl Request for Read {
    const NAME: &'static str = "system.read";
    const CAPABILITY: &'static str = "system";
    const PERMISSIONS: Permissions = Some(&[("system.read", "what is read")]);
    type Reply = Value;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        require(gate, "system.read", self.0.resource())
    }
}

/// A knob and where to turn it; `None`: the caller did not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Bytes, -1 for no limit.
    MemoryLimit(Option<i64>),
    GcPercent(Option<i64>),
    MaxProcs(i64),
}

/// Turns a knob. Reply: where it was.
pub struct Set(pub Setting);

impl Request for Set {
    const NAME: &'static str = "system.control";
    const CAPABILITY: &'static str = "system.control";
    const PERMISSIONS: Permissions = Some(&[("system.control", "what is set"), ("system.gc", "`gc_percent`")]);
    type Reply = Value;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        match self.0 {
            Setting::MemoryLimit(_) => require(gate, "system.control", "memory_limit"),
            Setting::MaxProcs(_) => require(gate, "system.control", "gomaxprocs"),
            Setting::GcPercent(_) => require(gate, "system.gc", "gc_percent"),
        }
    }
}

/// Says that the caller is about to collect its garbage; each process does that for itself.
pub struct Collect;

impl Request for Collect {
    const NAME: &'static str = "system.gc";
    const CAPABILITY: &'static str = "system.gc";
    const PERMISSIONS: Permissions = Some(&[("system.gc", "`gc`")]);
    type Reply = ();
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        require(gate, "system.gc", "gc")
    }
}

/// Acquires or releases a lock of the cluster. Reply: whether that was done.
pub struct Lock {
    pub name: String,
    pub acquire: bool,
}

impl Request for Lock {
    const NAME: &'static str = "system.lock";
    const CAPABILITY: &'static str = "system.lock";
    const PERMISSIONS: Permissions = Some(&[("system.lock", "lock name")]);
    type Reply = bool;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        gate.require("system.lock", &self.name, || {
            Error::permission_denied(format!("permission denied: system.lock on {}", self.name))
        })
    }
}

/// Asks for the end of the program, as a signal does. Reply: false, and nothing was done, if there is no valid code.
pub struct Exit {
    /// The exit code of the program, of which the system keeps the lowest eight bits.
    pub code: Option<i64>,
}

impl Request for Exit {
    const NAME: &'static str = "system.exit";
    const CAPABILITY: &'static str = "system.exit";
    const PERMISSIONS: Permissions = Some(&[("system.exit", "")]);
    type Reply = bool;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        gate.require("system.exit", "", || Error::invalid("permission denied: system.exit"))
    }
}

/// Registers the commands.
pub(super) fn register(commands: &mut DispatcherBuilder, facts: &Arc<Facts>) {
    let f = facts.clone();
    commands.sync(move |caller, Read(fact)| f.answer(caller, &fact));
    let f = facts.clone();
    commands.sync(move |_, Set(setting)| f.set(setting));
    let f = facts.clone();
    commands.sync(move |_, Exit { code }| code.map_or(Ok(false), |code| f.exit(code).map(|()| true)));
    let f = facts.clone();
    commands.sync(move |_, Collect| {
        f.collected();
        Ok(())
    });
    commands.sync(|_, _: Lock| Err(Error::internal("lock service not available")));
}
