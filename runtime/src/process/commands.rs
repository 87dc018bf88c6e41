//! The core commands: what every process may ask of the runtime itself.
//! Sending is not among them; it is [`StepContext::send`](crate::dispatch::StepContext::send).

use std::sync::Arc;

use super::{Exit, Inherited, Message};
use crate::dispatch::{Completer, DispatcherBuilder, Gate, Permissions, Request};
use crate::error::{Error, Kind};
use crate::functions::{call_at_once, call_for};
use crate::node::{Node, SpawnRequest};
use crate::payload::{Flat, Map};
use crate::registry::EntryId;
use crate::relay::Pid;
use crate::topology::NameScope;

/// Starts a process with the caller as parent. Reply: its pid, or that of the owner of `name`.
pub struct Spawn {
    pub id: EntryId,
    pub host: String,
    pub args: Flat,
    pub monitor: bool,
    pub link: bool,
    pub name: Option<String>,
    /// Delivered to the child before the call returns, in order.
    pub messages: Vec<Message>,
    /// What the child inherits; `None`: what the caller has.
    pub inherited: Option<Arc<Inherited>>,
}

impl Request for Spawn {
    const NAME: &'static str = "process.spawn";
    const CAPABILITY: &'static str = "process.spawn";
    const PERMISSIONS: Permissions = Some(&[
        ("process.spawn", "entry id"),
        ("process.spawn.monitored", "entry id"),
        ("process.spawn.linked", "entry id"),
        ("process.host", "host id"),
    ]);
    type Reply = Pid;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        let id = self.id.as_str();
        let denied = |what: &str| Error::permission_denied(format!("not allowed to spawn {what}process: {id}"));
        gate.may_reach(&self.host)?;
        gate.require("process.spawn", id, || denied(""))?;
        if self.monitor {
            gate.require("process.spawn.monitored", id, || denied("monitored "))?;
        }
        if self.link {
            gate.require("process.spawn.linked", id, || denied("linked "))?;
        }
        gate.require("process.host", &self.host, || {
            Error::permission_denied(format!("not allowed to spawn on host: {}", self.host))
        })
    }
}

/// Starts a process and answers with what it returned. The caller is not its parent, and its end does not stop it.
pub struct Exec {
    pub id: EntryId,
    pub host: String,
    pub args: Flat,
    pub inherited: Option<Arc<Inherited>>,
}

impl Request for Exec {
    const NAME: &'static str = "process.exec";
    const CAPABILITY: &'static str = "process.spawn";
    const PERMISSIONS: Permissions = Some(&[("process.exec", "entry id"), ("process.host", "host id")]);
    /// At most one value.
    type Reply = Flat;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        let id = self.id.as_str();
        gate.may_reach(&self.host)?;
        gate.require("process.exec", id, || Error::permission_denied(format!("not allowed to exec process: {id}")))?;
        gate.require("process.host", &self.host, || {
            Error::permission_denied(format!("not allowed to exec on host: {}", self.host))
        })
    }
}

/// What one process can do to another by pid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relate {
    Monitor,
    Unmonitor,
    Link,
    Unlink,
    Terminate,
    Cancel { reason: String },
}

impl Relate {
    /// The verb in denials, and the last part of the action.
    fn verb(&self) -> &'static str {
        match self {
            Relate::Monitor => "monitor",
            Relate::Unmonitor => "unmonitor",
            Relate::Link => "link",
            Relate::Unlink => "unlink",
            Relate::Terminate => "terminate",
            Relate::Cancel { .. } => "cancel",
        }
    }
}

/// Applies `what` to `target`.
pub struct Control {
    pub what: Relate,
    pub target: Pid,
    /// The destination as the caller wrote it, for the denial.
    pub shown: String,
}

impl Request for Control {
    const NAME: &'static str = "process.control";
    const CAPABILITY: &'static str = "process.control";
    const PERMISSIONS: Permissions = Some(&[
        ("process.monitor", "target pid"),
        ("process.unmonitor", "target pid"),
        ("process.link", "target pid"),
        ("process.unlink", "target pid"),
        ("process.terminate", "target pid"),
        ("process.cancel", "target pid"),
    ]);
    type Reply = ();
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        let verb = self.what.verb();
        match self.what {
            Relate::Monitor | Relate::Link => gate.may_message(self.target)?,
            Relate::Terminate | Relate::Cancel { .. } => gate.may_reach_process(self.target)?,
            Relate::Unmonitor | Relate::Unlink => {}
        }
        gate.require_shown(&format!("process.{verb}"), &self.target, || {
            Error::permission_denied(format!("not allowed to {verb}: {}", self.shown))
        })
    }
}

/// Gives a name to a process.
pub struct RegisterName {
    pub name: String,
    /// `None`: the caller.
    pub pid: Option<Pid>,
    pub scope: NameScope,
}

impl Request for RegisterName {
    const NAME: &'static str = "process.registry.register";
    const CAPABILITY: &'static str = "process.registry";
    const PERMISSIONS: Permissions = Some(&[
        ("process.registry.foreign", "target pid"),
        ("process.registry.register", "name"),
        ("process.registry.register.eventual", "name"),
        ("process.registry.register.consistent", "name"),
        ("process.registry.register.strong", "name"),
    ]);
    type Reply = ();
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        if let Some(pid) = self.pid.filter(|p| *p != gate.caller().control.pid()) {
            gate.may_message(pid)?;
            let text = pid.to_string();
            gate.require("process.registry.foreign", &text, || {
                let name = &self.name;
                Error::permission_denied(format!("not allowed to register foreign pid {text} under name \"{name}\""))
            })?;
        }
        name_permission(gate, "register", &self.name, self.scope)
    }
}

/// Takes a name away. Reply: whether there was one.
pub struct UnregisterName {
    pub name: String,
    pub scope: NameScope,
}

impl Request for UnregisterName {
    const NAME: &'static str = "process.registry.unregister";
    const CAPABILITY: &'static str = "process.registry";
    const PERMISSIONS: Permissions = Some(&[
        ("process.registry.unregister", "name"),
        ("process.registry.unregister.eventual", "name"),
        ("process.registry.unregister.consistent", "name"),
        ("process.registry.unregister.strong", "name"),
    ]);
    type Reply = bool;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        if let Some(owner) = gate.caller().node.names().lookup(&self.name) {
            gate.may_reach_process(owner)?;
        }
        name_permission(gate, "unregister", &self.name, self.scope)
    }
}

fn name_permission(gate: &Gate<'_>, verb: &str, name: &str, scope: NameScope) -> Result<(), Error> {
    let scope = match scope {
        NameScope::Local => "",
        NameScope::Eventual => "eventual",
        NameScope::Consistent => "consistent",
        NameScope::Strong => "strong",
    };
    let (action, shown) = match scope {
        "" => (format!("process.registry.{verb}"), String::new()),
        scope => (format!("process.registry.{verb}.{scope}"), format!(" ({scope})")),
    };
    gate.require(&action, name, || Error::permission_denied(format!("not allowed to {verb} name{shown}: {name}")))
}

/// Calls a function. Reply: at most one value. The call ends when the caller does.
pub struct CallFunction {
    /// `ns:name`.
    pub target: String,
    pub args: Flat,
    /// What the callee inherits; `None`: what the caller has.
    pub inherited: Option<Arc<Inherited>>,
    /// Laid over the function's own options.
    pub options: Option<Arc<Map>>,
}

impl Request for CallFunction {
    const NAME: &'static str = "funcs.call";
    const CAPABILITY: &'static str = "funcs";
    const PERMISSIONS: Permissions = Some(&[("funcs.call", "target")]);
    type Reply = Flat;
    fn authorize(&self, gate: &Gate<'_>) -> Result<(), Error> {
        gate.require("funcs.call", &self.target, || Error::permission_denied(format!("not allowed: {}", self.target)))
    }
}

impl Node {
    /// The pid that `text` names: a pid, else a registered name.
    /// Errors: NotFound `could not resolve 'X' as PID or registered name`.
    pub fn resolve(&self, text: &str) -> Result<Pid, Error> {
        if text.starts_with('{')
            && let Ok(pid) = Pid::parse(text)
        {
            return Ok(pid);
        }
        let unknown = || Error::not_found(format!("could not resolve '{text}' as PID or registered name"));
        self.names().lookup(text).ok_or_else(unknown)
    }

    fn relate(&self, by: &Arc<super::Control>, request: Control) -> Result<(), Error> {
        let target = request.target;
        let done = match request.what {
            Relate::Monitor => self.monitor(by, target),
            Relate::Link => self.link(by, target),
            Relate::Terminate => self.terminate(target),
            Relate::Cancel { reason } => self.cancel(by.pid(), target, &reason),
            Relate::Unmonitor => {
                self.demonitor(by, target);
                Ok(())
            }
            Relate::Unlink => {
                self.unlink(by, target);
                Ok(())
            }
        };
        // To programs every failure of these is Internal and final, whatever it is inside.
        done.map_err(|e| e.with_kind(Kind::INTERNAL).retryable(false))
    }
}

/// Adds the handlers of this module.
pub fn register(commands: &mut DispatcherBuilder) {
    commands.sync(|caller, r: Spawn| {
        caller.node.spawn(SpawnRequest {
            entry: r.id,
            host: r.host,
            args: r.args,
            parent: Some(caller.control.pid()),
            monitor: r.monitor,
            link: r.link,
            name: r.name,
            messages: r.messages,
            inherited: r.inherited.unwrap_or_else(|| caller.frame().inherited.clone()),
            on_exit: None,
        })
    });
    commands.deferred(|caller, r: Exec, done: Completer<Flat>| {
        let shared = Arc::new(parking_lot::Mutex::new(Some(done)));
        let answer = shared.clone();
        let request = SpawnRequest {
            args: r.args,
            inherited: r.inherited.unwrap_or_else(|| caller.frame().inherited.clone()),
            on_exit: Some(Box::new(move |exit: &Exit| {
                if let Some(done) = answer.lock().take() {
                    done.complete(exit.clone().into_result());
                }
            })),
            ..SpawnRequest::new(r.id, r.host)
        };
        if let Err(e) = caller.node.spawn(request)
            && let Some(done) = shared.lock().take()
        {
            // What the host does not allow keeps its kind; all else that fails at the start is Internal.
            let refused = [Kind::LIMIT_EXCEEDED, Kind::PERMISSION_DENIED].contains(e.kind());
            done.complete(Err(if refused { e } else { e.with_kind(Kind::INTERNAL) }));
        }
    });
    commands.sync(|caller, r: Control| caller.node.relate(&caller.control, r));
    commands.sync(|caller, r: RegisterName| match r.scope {
        NameScope::Local => {
            let pid = r.pid.unwrap_or(caller.control.pid());
            let owner = caller.node.router().process(pid);
            if owner.is_none() && caller.control.host.limits.handles > 0 {
                // Such a name would be counted against nobody.
                return Err(Error::not_found("process not found"));
            }
            caller.node.names().register(&r.name, pid, owner.as_ref())
        }
        NameScope::Eventual => Err(Error::internal("eventual registry not available")),
        NameScope::Consistent | NameScope::Strong => Err(Error::internal("global registry not available")),
    });
    commands.sync(|caller, r: UnregisterName| match r.scope {
        NameScope::Local => {
            let router = caller.node.router();
            Ok(caller.node.names().unregister(&r.name, |pid| router.process(pid)).is_some())
        }
        NameScope::Eventual => Err(Error::internal("eventual registry not available")),
        NameScope::Consistent | NameScope::Strong => Err(Error::internal("global registry not available")),
    });
    commands.quick_or_deferred(
        |caller, r: &CallFunction| call_at_once(caller, &r.target, &r.args, r.options.as_deref()),
        |caller, r: CallFunction, done: Completer<Flat>| {
            call_for(caller, &r.target, r.args, r.inherited, r.options, done);
        },
    );
}
