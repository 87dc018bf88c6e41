//! The `system` module: what the runtime says about itself, and its few knobs.
//!
//! Facts and permissions are those of [`wippy_runtime::system`]; only the list
//! of Lua modules is known here.

use std::sync::Arc;

use wippy_runtime::dispatch::{DispatcherBuilder, Gate, Permissions, Request};
use wippy_runtime::payload::Value;
use wippy_runtime::system::commands::{Collect, Exit, Fact, Lock, Read, Set, Setting};
use wippy_runtime::{Error, Result as RuntimeResult};

use super::{Catalogue, Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Raise, Ret};

pub static MODULE: Module = Module {
    name: "system",
    value: ModuleValue::Table(MEMBERS),
    class: &["process", "nondeterministic"],
    description: "The runtime: memory, hosts, services, the node",
};

const MEMBERS: &[Member] = &[
    member!("exit", exit),
    member!("modules", modules),
    Member::table("memory", MEMORY),
    Member::table("gc", GC),
    Member::table("runtime", RUNTIME),
    Member::table("process", PROCESS),
    Member::table("supervisor", SUPERVISOR),
    Member::table("hosts", HOSTS),
    Member::table("node", NODE),
    Member::table("cluster", CLUSTER),
    Member::table("raft", RAFT),
    Member::table("lock", LOCK),
];

const MEMORY: &[Member] = &[
    member!("stats", |c| read(c, Fact::MemoryStats)),
    member!("allocated", |c| read(c, Fact::Allocated)),
    member!("heap_objects", |c| read(c, Fact::HeapObjects)),
    member!("get_limit", |c| read(c, Fact::MemoryLimit)),
    member!("set_limit", |c| {
        let limit = c.opt_int(1)?;
        set(c, Setting::MemoryLimit(limit))
    }),
];

const GC: &[Member] = &[
    member!("collect", collect),
    member!("get_percent", |c| read(c, Fact::GcPercent)),
    member!("set_percent", |c| {
        let percent = c.opt_int(1)?;
        set(c, Setting::GcPercent(percent))
    }),
];

const RUNTIME: &[Member] = &[
    member!("goroutines", |c| read(c, Fact::Tasks)),
    member!("cpu_count", |c| read(c, Fact::Cpus)),
    member!("max_procs", |c| match c.opt_int(1)? {
        Some(n) => set(c, Setting::MaxProcs(n)),
        None => read(c, Fact::MaxProcs),
    }),
];

const PROCESS: &[Member] = &[
    member!("pid", |c| read(c, Fact::ProcessId)),
    member!("hostname", |c| read(c, Fact::Hostname)),
    member!("cwd", |c| read(c, Fact::WorkingDirectory)),
];

const SUPERVISOR: &[Member] = &[
    member!("state", |c| {
        let id = c.text(1)?.into_owned();
        read(c, Fact::Service(id))
    }),
    member!("states", |c| read(c, Fact::Services)),
];

const HOSTS: &[Member] = &[
    member!("list", |c| read(c, Fact::Hosts)),
    member!("processes", |c| {
        let id = c.text(1)?.into_owned();
        read(c, Fact::Processes(id))
    }),
];

const NODE: &[Member] = &[
    member!("id", |c| read(c, Fact::NodeId)),
    member!("addr", |c| read(c, Fact::NodeAddress)),
    member!("role", |c| read(c, Fact::NodeRole)),
];

const CLUSTER: &[Member] = &[
    member!("members", |c| read(c, Fact::Members)),
    member!("leader", |c| read(c, Fact::Leader)),
    member!("size", |c| read(c, Fact::ClusterSize)),
];

const RAFT: &[Member] = &[
    member!("is_leader", |c| read(c, Fact::Raft)),
    member!("is_member", |c| read(c, Fact::Raft)),
    member!("role", |c| read(c, Fact::Raft)),
    member!("term", |c| read(c, Fact::Raft)),
    member!("commit_index", |c| read(c, Fact::Raft)),
    member!("stats", |c| read(c, Fact::RaftStats)),
];

const LOCK: &[Member] = &[member!("acquire", |c| lock(c, true)), member!("release", |c| lock(c, false))];

/// Pushes `value, nil` or `nil, err`.
fn answered(call: &mut Call<'_>, reply: RuntimeResult<Value>) -> Result<Ret, Raise> {
    match reply {
        Ok(value) => {
            call.push_value(&value)?;
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn read(call: &mut Call<'_>, fact: Fact) -> Result<Ret, Raise> {
    call.request(Read(fact), answered)
}

fn set(call: &mut Call<'_>, setting: Setting) -> Result<Ret, Raise> {
    call.request(Set(setting), answered)
}

fn exit(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let code = if call.is_nil_or_none(1) { Some(0) } else { call.integer(1) };
    call.request(Exit { code }, |call, reply| match reply {
        Ok(true) => {
            call.push_bool(true);
            call.fine()
        }
        Ok(false) => Err(call.expected(1, "integer")),
        Err(e) => call.fail(e),
    })
}

fn collect(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.request(Collect, |call, reply| match reply {
        Ok(()) => {
            call.collect_garbage();
            call.push_bool(true);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn lock(call: &mut Call<'_>, acquire: bool) -> Result<Ret, Raise> {
    let name = call.text(1)?.into_owned();
    call.request(Lock { name, acquire }, |call, reply| answered(call, reply.map(Value::Bool)))
}

/// The Lua modules a program may list. Reply: plain data.
struct Modules;

impl Request for Modules {
    const NAME: &'static str = "system.modules";
    const CAPABILITY: &'static str = "system";
    const PERMISSIONS: Permissions = Some(&[("system.read", "`modules`")]);
    type Reply = Value;
    fn authorize(&self, gate: &Gate<'_>) -> RuntimeResult<()> {
        gate.require("system.read", "modules", || Error::invalid("permission denied: system.read on modules"))
    }
}

fn modules(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.request(Modules, |call, reply| match reply {
        Err(e) if e.details().is_some_and(|d| d.contains_key("command_id")) => {
            call.fail(Error::internal("code manager not available"))
        }
        reply => answered(call, reply),
    })
}

/// Registers the command that knows the Lua modules.
pub fn register(commands: &mut DispatcherBuilder, catalogue: Arc<Catalogue>) {
    commands.sync(move |_, _: Modules| Ok(catalogue.all().into_iter().map(described).collect()));
}

fn described(module: &'static Module) -> Value {
    let fields = [
        ("name", module.name.into()),
        ("description", module.description.into()),
        ("class", module.class.iter().copied().collect()),
    ];
    Value::Map(fields.into_iter().map(|(k, v): (&str, Value)| (k.to_owned(), v)).collect())
}
