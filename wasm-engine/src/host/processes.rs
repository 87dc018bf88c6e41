//! Other processes: starting, writing to, watching and ending them; names.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList, WasmStr};
use wippy_runtime::dispatch::{Gate, StepContext};
use wippy_runtime::payload::{Flat, Value};
use wippy_runtime::process::commands::{Control, Exec, RegisterName, Relate, Spawn, UnregisterName};
use wippy_runtime::process::{Inherited, Message, State};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Pid;
use wippy_runtime::topology::NameScope;
use wippy_runtime::{Error, Result};

use super::bindings::wippy::process::types::{Error as GuestError, Payload, Pid as GuestPid, Target};
use super::bindings::wippy::process::{names, processes};
use super::payload::{self, error_to};
use super::types::{pid_from, pid_to};
use crate::process::GuestState;

type Reply<T> = wasmtime::Result<std::result::Result<T, GuestError>>;

fn reply<T>(result: Result<T>) -> Reply<T> {
    Ok(result.map_err(|e| error_to(&e)))
}

/// A destination as denials show it.
struct Shown<'a>(&'a Target);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Target::Name(name) => f.write_str(name),
            Target::Pid(pid) => match pid_from(*pid) {
                Some(pid) => pid.fmt(f),
                None => f.write_str("{?}"),
            },
        }
    }
}

fn resolve(cx: &StepContext<'_>, target: &Target) -> Result<Pid> {
    match target {
        Target::Pid(pid) => pid_from(*pid).ok_or_else(|| Error::not_found("process not found")),
        Target::Name(name) => cx.node().resolve(name),
    }
}

impl GuestState {
    /// Asks for something that is answered at once.
    pub fn ask<R: wippy_runtime::dispatch::Request>(&self, request: R) -> wasmtime::Result<Result<R::Reply>> {
        let answer = self.with_step(|cx| cx.call_at_once(request))?;
        Ok(answer.unwrap_or_else(|| Err(Error::internal(format!("{} takes time here", R::NAME)))))
    }
    fn relate(&mut self, target: Target, what: Relate) -> Reply<()> {
        let shown = Shown(&target).to_string();
        match self.with_step(|cx| resolve(cx, &target))? {
            Ok(target) => reply(self.ask(Control { what, target, shown })?),
            Err(e) => reply(Err(e)),
        }
    }
    /// What a new process or call inherits with these values laid over; `None`: what this one has. Errors:
    /// PermissionDenied.
    pub fn inherited(
        &mut self,
        context: Vec<(String, Payload)>,
        options: &wippy_runtime::payload::Map,
        rules: &ContextRules,
    ) -> wasmtime::Result<Result<Option<Arc<Inherited>>>> {
        if context.is_empty() && options.is_empty() {
            return Ok(Ok(None));
        }
        let asks_context = !context.is_empty() || rules.options_need_permission;
        let limit = self.message_limit();
        let values = match payload::to_map(&mut self.table, context, limit) {
            Ok(values) => values,
            Err(e) => return Ok(Err(e)),
        };
        let network = options.get("network").and_then(Value::as_str);
        let allowed = self.with_step(|cx| {
            let gate = Gate::new(cx.caller());
            if asks_context {
                gate.require(rules.action, "context", || Error::permission_denied(rules.denied))?;
            }
            match network {
                Some(network) => gate.require("network.select", network, || {
                    Error::permission_denied(format!("not allowed: network {network}"))
                }),
                None => Ok(()),
            }
        })?;
        Ok(allowed.and_then(|()| {
            let mut inherited = self.control.frame().inherited.with_values(values)?;
            if let Some(network) = network {
                inherited.network = Some(network.into());
            }
            Ok(Some(Arc::new(inherited)))
        }))
    }
}

/// The permission for a context of one's own.
pub struct ContextRules {
    pub action: &'static str,
    pub denied: &'static str,
    pub options_need_permission: bool,
}

const SPAWN: ContextRules = ContextRules {
    action: "process.context",
    denied: "not allowed to spawn processes with custom context",
    options_need_permission: true,
};

impl processes::Host for GuestState {
    fn spawn(
        &mut self,
        entry: String,
        host: String,
        args: Vec<Payload>,
        options: processes::SpawnOptions,
    ) -> Reply<GuestPid> {
        let limit = self.message_limit();
        let with = match payload::to_map(&mut self.table, options.options, limit) {
            Ok(with) => with,
            Err(e) => return reply(Err(e)),
        };
        let inherited = match self.inherited(options.context, &with, &SPAWN)? {
            Ok(inherited) => inherited,
            Err(e) => return reply(Err(e)),
        };
        let args = match payload::encode(&mut self.table, args, limit) {
            Ok(args) => args,
            Err(e) => return reply(Err(e)),
        };
        let mut messages = Vec::new();
        for first in options.messages {
            match self.message(Pid::none(), &first.topic, first.payloads) {
                Ok(message) => messages.push(message),
                Err(e) => return reply(Err(e)),
            }
        }
        let request = Spawn {
            id: EntryId::parse(&entry),
            host,
            args,
            monitor: options.relation.contains(processes::Relation::MONITORED),
            link: options.relation.contains(processes::Relation::LINKED),
            name: options.name.filter(|name| !name.is_empty()),
            messages,
            inherited,
        };
        reply(self.ask(request)?.map(pid_to))
    }

    async fn exec(&mut self, entry: String, host: String, args: Vec<Payload>) -> Reply<Payload> {
        let id = EntryId::parse(&entry);
        let problem = if entry.is_empty() {
            Some("process ID required")
        } else if host.is_empty() {
            Some("host ID required")
        } else if id.ns().is_empty() {
            Some("invalid process ID format (namespace:name required)")
        } else {
            None
        };
        if let Some(problem) = problem {
            return reply(Err(Error::invalid(problem)));
        }
        let limit = self.message_limit();
        let args = match payload::encode(&mut self.table, args, limit) {
            Ok(args) => args,
            Err(e) => return reply(Err(e)),
        };
        let result = self.request(Exec { id, host, args, inherited: None }).await?;
        let form = self.tables;
        reply(result.and_then(|flat| payload::read_reply(&mut self.table, &flat, form)))
    }

    fn send(&mut self, _: Target, _: String, _: Vec<Payload>) -> Reply<()> {
        Err(wasmtime::Error::msg("add_send takes the place of this"))
    }

    fn cancel(&mut self, to: Target, reason: String) -> Reply<()> {
        self.relate(to, Relate::Cancel { reason })
    }
    fn terminate(&mut self, to: Target) -> Reply<()> {
        self.relate(to, Relate::Terminate)
    }
    fn monitor(&mut self, to: Target) -> Reply<()> {
        self.relate(to, Relate::Monitor)
    }
    fn unmonitor(&mut self, to: Target) -> Reply<()> {
        self.relate(to, Relate::Unmonitor)
    }
    fn link(&mut self, to: Target) -> Reply<()> {
        self.relate(to, Relate::Link)
    }
    fn unlink(&mut self, to: Target) -> Reply<()> {
        self.relate(to, Relate::Unlink)
    }
}

impl GuestState {
    fn message(&mut self, from: Pid, topic: &str, payloads: Vec<Payload>) -> Result<Message> {
        check_topic(topic)?;
        let limit = self.message_limit();
        let mut body = Flat::new();
        body.append(|w| {
            w.str(topic.as_bytes());
            payload::write_all(&mut self.table, w, payloads, limit)
        })?;
        Ok(Message::from_body(from, body))
    }

    fn post(&mut self, to: &Target, message: Result<Message>) -> Reply<()> {
        let message = match message {
            Ok(message) => message,
            Err(e) => return reply(Err(e)),
        };
        let last = &self.destination;
        let (sent, found) = self.with_step(|cx| {
            let pid = match resolve(cx, to) {
                Ok(pid) => pid,
                Err(e) => return (Err(e), None),
            };
            // Only pids are remembered: names change hands.
            match last.as_ref().filter(|d| d.pid() == pid && d.state.get() != State::Complete) {
                Some(process) => (cx.send_to(pid, process, message, &Shown(to)), None),
                None => (cx.send(pid, message, &Shown(to)), Some(cx.node().router().process(pid))),
            }
        })?;
        if let Some(process) = found {
            self.destination = process;
        }
        reply(sent)
    }
}

fn check_topic(topic: &str) -> Result<()> {
    if topic.starts_with('@') { Err(Error::invalid("cannot send to @ topics")) } else { Ok(()) }
}

/// Puts a `send` into the place of the one of the interface. The bindings would copy topic and payloads out of the
/// guest's memory before they are copied into the message; this one reads them where they lie.
pub fn add_send(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    type Params = (Target, WasmStr, WasmList<Payload>);
    linker.allow_shadowing(true);
    linker.instance(PROCESSES)?.func_wrap(
        "send",
        |mut cx: StoreContextMut<'_, GuestState>, (to, topic, payloads): Params| {
            if payloads.len() > MAX_PAYLOADS {
                let text = format!("a message may have {MAX_PAYLOADS} payloads");
                return Ok((Err(error_to(&Error::limit_exceeded(text))),));
            }
            // However large messages may be, no more is copied than for other calls.
            let limit = cx.data().message_limit().min(cx.hostcall_fuel());
            let mut body = Flat::new();
            let written = body.append(|w| -> wasmtime::Result<Result<()>> {
                {
                    let topic = topic.to_str(&cx)?;
                    if let Err(e) = check_topic(&topic) {
                        return Ok(Err(e));
                    }
                    w.str(topic.as_bytes());
                }
                let start = w.position();
                for at in 0..payloads.len() {
                    let Some(payload) = payloads.get(&mut cx, at).transpose()? else { break };
                    if let Err(e) = payload::write_next(&mut cx.data_mut().table, w, payload, start, limit) {
                        return Ok(Err(e));
                    }
                }
                Ok(Ok(()))
            })?;
            let state = cx.data_mut();
            let from = state.control.pid();
            Ok((state.post(&to, written.map(|()| Message::from_body(from, body)))?,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Payloads of one message: each is read by itself, which takes some time even where there is nothing in it.
const MAX_PAYLOADS: usize = 10_000;
/// The interface of [`processes::Host`].
const PROCESSES: &str = "wippy:process/processes@0.1.0";

fn scope(scope: names::Scope) -> NameScope {
    match scope {
        names::Scope::Local => NameScope::Local,
        names::Scope::Eventual => NameScope::Eventual,
        names::Scope::Consistent => NameScope::Consistent,
        names::Scope::Strong => NameScope::Strong,
    }
}

impl names::Host for GuestState {
    fn register(&mut self, name: String, owner: Option<GuestPid>, reach: names::Scope) -> Reply<()> {
        let pid = match owner.map(|owner| pid_from(owner).ok_or_else(|| Error::invalid("invalid pid"))) {
            None => None,
            Some(Ok(pid)) => Some(pid),
            Some(Err(e)) => return reply(Err(e)),
        };
        reply(self.ask(RegisterName { name, pid, scope: scope(reach) })?)
    }
    fn lookup(&mut self, name: String) -> Reply<GuestPid> {
        let found = self.with_step(|cx| cx.node().names().lookup(&name))?;
        reply(found.map(pid_to).ok_or_else(|| Error::not_found("name not registered")))
    }
    fn unregister(&mut self, name: String, reach: names::Scope) -> Reply<bool> {
        reply(self.ask(UnregisterName { name, scope: scope(reach) })?)
    }
}
