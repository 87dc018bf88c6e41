//! Starting processes: the `spawn` family, `exec`, and the Spawner builder.

use std::sync::Arc;

use wippy_runtime::payload::{Flat, Map};
use wippy_runtime::process::commands::{Exec, Spawn};
use wippy_runtime::process::{Inherited, Message};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Pid;
use wippy_runtime::{Error, Kind};

use super::engine::InProcess;
use super::message::push_pid;
use super::module::{encode_args, text_map};
use crate::member;
use crate::modules::security::{ActorObject, ScopeObject};
use crate::native::{Call, Member, Object, Raise, Ret};

/// Which relations a spawn makes.
#[derive(Clone, Copy)]
struct Related {
    monitor: bool,
    link: bool,
}

const PLAIN: Related = Related { monitor: false, link: false };
const MONITORED: Related = Related { monitor: true, link: false };
const LINKED: Related = Related { monitor: false, link: true };
const BOTH: Related = Related { monitor: true, link: true };

fn spawned(call: &mut Call<'_>, reply: Result<Pid, Error>) -> Result<Ret, Raise> {
    match reply {
        Ok(pid) => push_pid(call, pid),
        Err(e) => return call.fail(e),
    }
    Ok(Ret::ONE)
}

fn start(call: &mut Call<'_>, related: Related) -> Result<Ret, Raise> {
    if call.arg_count() < 2 {
        return call.fail(Error::invalid(format!("{} requires at least id and host arguments", call.name())));
    }
    let id = EntryId::parse(&call.text(1)?);
    let host = call.text(2)?.into_owned();
    let args = match encode_args(call, 3, Flat::new()) {
        Ok(args) => args,
        Err(e) => return call.fail(e),
    };
    let Related { monitor, link } = related;
    let request = Spawn { id, host, args, monitor, link, name: None, messages: Vec::new(), inherited: None };
    call.request(request, spawned)
}

pub(super) fn spawn(call: &mut Call<'_>) -> Result<Ret, Raise> {
    start(call, PLAIN)
}
pub(super) fn spawn_monitored(call: &mut Call<'_>) -> Result<Ret, Raise> {
    start(call, MONITORED)
}
pub(super) fn spawn_linked(call: &mut Call<'_>) -> Result<Ret, Raise> {
    start(call, LINKED)
}
pub(super) fn spawn_linked_monitored(call: &mut Call<'_>) -> Result<Ret, Raise> {
    start(call, BOTH)
}

/// Runs an entry to its end; id and host are in slots `at` and `at + 1`.
fn run(call: &mut Call<'_>, at: i32, inherited: Option<Arc<Inherited>>) -> Result<Ret, Raise> {
    if call.arg_count() < at + 1 {
        return call.fail(Error::invalid("exec requires id and host arguments"));
    }
    let (id, host) = (call.text(at)?.into_owned(), call.text(at + 1)?.into_owned());
    let problem = if id.is_empty() {
        Some("process ID required")
    } else if host.is_empty() {
        Some("host ID required")
    } else if EntryId::parse(&id).ns().is_empty() {
        Some("invalid process ID format (namespace:name required)")
    } else {
        None
    };
    if let Some(problem) = problem {
        return call.fail(Error::invalid(problem));
    }
    let args = match encode_args(call, at + 2, Flat::new()) {
        Ok(args) => args,
        Err(e) => return call.fail(e),
    };
    call.request(Exec { id: EntryId::parse(&id), host, args, inherited }, |call, reply| call.answer(reply))
}

pub(super) fn exec(call: &mut Call<'_>) -> Result<Ret, Raise> {
    run(call, 1, None)
}

// ---- the builder

/// Settings for a start; each method gives a new one.
#[derive(Clone)]
struct Spawner {
    inherited: Inherited,
    name: Option<String>,
    messages: Vec<Message>,
    /// Actor or scope was set explicitly.
    secured: bool,
}

impl Object for Spawner {
    const EXPECTED: &'static str = "Spawner";
    const METHODS: &'static [Member] = &[
        member!("with_context", builder_context),
        member!("with_options", builder_options),
        member!("with_actor", builder_actor),
        member!("with_scope", builder_scope),
        member!("with_name", builder_name),
        member!("with_message", builder_message),
        member!("spawn", builder_spawn),
        member!("spawn_monitored", builder_spawn_monitored),
        member!("spawn_linked", builder_spawn_linked),
        member!("spawn_linked_monitored", builder_spawn_linked_monitored),
        member!("exec", builder_exec),
    ];
}

const CUSTOM_CONTEXT: &str = "not allowed to spawn processes with custom context";
const CUSTOM_OPTIONS: &str = "not allowed to spawn processes with custom options";
const CUSTOM_SECURITY: &str = "not allowed to spawn processes with custom security context";

/// Raises `text` unless the caller may do `action` to `resource`.
fn require(call: &Call<'_>, action: &str, resource: &str, text: &str) -> Result<(), Raise> {
    let allowed = call.with_step(|cx| wippy_runtime::dispatch::Gate::new(cx.caller()).allows(action, resource))?;
    if allowed { Ok(()) } else { Err(Raise::text(text.to_owned())) }
}

fn new_spawner(call: &Call<'_>) -> Result<Spawner, Raise> {
    let control = call.engine()?.control().ok_or_else(|| Raise::text("no PID found in frame context"))?;
    let inherited = (*control.frame().inherited).clone();
    Ok(Spawner { inherited, name: None, messages: Vec::new(), secured: false })
}

pub(super) fn with_context(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let spawner = new_spawner(call)?;
    add_context(call, spawner, 1, true)
}

pub(super) fn with_options(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let spawner = new_spawner(call)?;
    add_options(call, spawner, 1)
}

fn add_context(call: &mut Call<'_>, mut spawner: Spawner, i: i32, strict: bool) -> Result<Ret, Raise> {
    require(call, "process.context", "context", CUSTOM_CONTEXT)?;
    if spawner.secured {
        require(call, "process.security", "security", CUSTOM_SECURITY)?;
    }
    call.table(i)?;
    let values = text_map(call, i, strict)?.ok_or_else(|| call.bad_argument(i, "context keys must be strings"))?;
    spawner.inherited = spawner.inherited.with_values(values).map_err(|e| Raise::text(e.to_string()))?;
    call.push_object(spawner);
    Ok(Ret::ONE)
}

fn add_options(call: &mut Call<'_>, mut spawner: Spawner, i: i32) -> Result<Ret, Raise> {
    require(call, "process.context", "context", CUSTOM_OPTIONS)?;
    call.table(i)?;
    let options: Map = text_map(call, i, true)?.ok_or_else(|| call.bad_argument(i, "options keys must be strings"))?;
    if let Some(network) = options.get("network").and_then(|n| n.as_str()) {
        require(call, "network.select", network, &format!("not allowed: network {network}"))?;
        spawner.inherited.network = Some(network.into());
    }
    call.push_object(spawner);
    Ok(Ret::ONE)
}

fn builder_context(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let spawner = call.userdata::<Spawner>(1)?.clone();
    add_context(call, spawner, 2, false)
}

fn builder_options(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let spawner = call.userdata::<Spawner>(1)?.clone();
    add_options(call, spawner, 2)
}

fn builder_actor(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut spawner = call.userdata::<Spawner>(1)?.clone();
    require(call, "process.security", "security", CUSTOM_SECURITY)?;
    if call.is_nil_or_none(2) {
        return Err(call.bad_argument(2, "actor cannot be nil"));
    }
    spawner.inherited.actor = Some(call.userdata::<ActorObject>(2)?.0.clone());
    spawner.secured = true;
    call.push_object(spawner);
    Ok(Ret::ONE)
}

fn builder_scope(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut spawner = call.userdata::<Spawner>(1)?.clone();
    require(call, "process.security", "security", CUSTOM_SECURITY)?;
    if call.is_nil_or_none(2) {
        return Err(call.bad_argument(2, "scope cannot be nil"));
    }
    spawner.inherited.scope = Some(call.userdata::<ScopeObject>(2)?.0.clone());
    spawner.secured = true;
    call.push_object(spawner);
    Ok(Ret::ONE)
}

fn builder_name(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut spawner = call.userdata::<Spawner>(1)?.clone();
    let name = call.text(2)?.into_owned();
    if name.is_empty() {
        return Err(call.bad_argument(2, "name cannot be empty"));
    }
    spawner.name = Some(name);
    call.push_object(spawner);
    Ok(Ret::ONE)
}

fn builder_message(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut spawner = call.userdata::<Spawner>(1)?.clone();
    let topic = call.str(2)?;
    if topic.first() == Some(&b'@') {
        return Err(call.bad_argument(2, "cannot send to @ topics"));
    }
    let body = encode_args(call, 3, Flat::build(|w| w.str(topic)))?;
    spawner.messages.push(Message::from_body(Pid::none(), body));
    call.push_object(spawner);
    Ok(Ret::ONE)
}

fn builder_start(call: &mut Call<'_>, related: Related) -> Result<Ret, Raise> {
    let spawner = call.userdata::<Spawner>(1)?.clone();
    if call.arg_count() < 3 {
        return Err(Raise::text(format!("{} requires at least id and host arguments", call.name())));
    }
    let id = EntryId::parse(&call.text(2)?);
    let host = call.text(3)?.into_owned();
    let args = encode_args(call, 4, Flat::new())?;
    let request = Spawn {
        id,
        host,
        args,
        monitor: related.monitor,
        link: related.link,
        name: spawner.name,
        messages: spawner.messages,
        inherited: Some(Arc::new(spawner.inherited)),
    };
    call.request(request, |call, reply| match reply {
        Err(e) if *e.kind() == Kind::PERMISSION_DENIED => Err(Raise::text(e.to_string())),
        reply => spawned(call, reply),
    })
}

fn builder_spawn(call: &mut Call<'_>) -> Result<Ret, Raise> {
    builder_start(call, PLAIN)
}
fn builder_spawn_monitored(call: &mut Call<'_>) -> Result<Ret, Raise> {
    builder_start(call, MONITORED)
}
fn builder_spawn_linked(call: &mut Call<'_>) -> Result<Ret, Raise> {
    builder_start(call, LINKED)
}
fn builder_spawn_linked_monitored(call: &mut Call<'_>) -> Result<Ret, Raise> {
    builder_start(call, BOTH)
}

fn builder_exec(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let spawner = call.userdata::<Spawner>(1)?.clone();
    run(call, 2, Some(Arc::new(spawner.inherited)))
}
