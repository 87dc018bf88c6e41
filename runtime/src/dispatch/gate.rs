//! The gate: host capability, then policy.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::Error;
use crate::node::Node;
use crate::payload::Map;
use crate::process::{Control, Frame, Inherited};
use crate::relay::{Name, Pid};
use crate::security::Ask;

#[cfg(doc)]
use crate::process::HostShared;

/// Who asks: passed to every handler.
#[derive(Clone)]
pub struct Caller {
    pub control: Arc<Control>,
    pub node: Arc<Node>,
}

impl Caller {
    pub fn frame(&self) -> Arc<Frame> {
        self.control.frame()
    }
}

/// The permissions of one request are asked here.
pub struct Gate<'a> {
    caller: &'a Caller,
    frame: Arc<Frame>,
}

impl<'a> Gate<'a> {
    pub fn new(caller: &'a Caller) -> Gate<'a> {
        Gate { caller, frame: caller.frame() }
    }
    pub fn caller(&self) -> &Caller {
        self.caller
    }
    /// Whether the caller may do `action` to `resource`. Policies see the caller's pid with the actions `process.*`.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let mut attributes = Map::new();
        let scope = self.frame.inherited.scope.as_ref();
        if action.starts_with("process.") && scope.is_some_and(|s| s.reads_attributes()) {
            attributes.insert("pid".to_owned(), self.caller.control.pid().to_string().into());
        }
        self.ask(action, resource, &attributes)
    }
    /// [`Gate::allows`] where policies see `attributes`.
    pub fn ask(&self, action: &str, resource: &str, attributes: &Map) -> bool {
        let node = &self.caller.node;
        if !node.may_refuse() {
            return true;
        }
        let Inherited { actor, scope, .. } = &*self.frame.inherited;
        let (pid, id) = (self.caller.control.pid(), &self.frame.entry);
        if actor.is_none() {
            tracing::debug!(action, resource, %pid, %id, "security check with missing actor");
        }
        if scope.is_none() {
            tracing::debug!(action, resource, %pid, %id, "security check with missing policy scope");
        }
        let allowed = node.policies().allows(&Ask { on_behalf: &self.frame.inherited, action, resource, attributes });
        if !allowed {
            node.denials.fetch_add(1, Ordering::Relaxed);
            let actor = actor.as_ref().map(|a| a.id.as_str());
            tracing::debug!(actor, action, resource, %pid, %id, "not allowed");
        }
        allowed
    }
    /// Whether something may go from the caller's host to host `id`. Errors: those of [`HostShared::check_reach`].
    pub fn may_reach(&self, id: &str) -> Result<(), Error> {
        match Name::known(id) {
            Some(host) => self.counted(self.caller.control.host.check_reach(host)),
            // Nobody is there.
            None => Ok(()),
        }
    }
    /// Whether something may go from the caller's host to where `pid` runs, as [`Gate::may_reach`].
    pub fn may_reach_process(&self, pid: Pid) -> Result<(), Error> {
        let host = self.caller.node.router().process(pid).map_or(pid.host, |process| process.host.id);
        self.counted(self.caller.control.host.check_reach(host))
    }
    /// Whether the caller's host may send messages to that of `pid`. Errors: those of [`HostShared::check_send`].
    pub fn may_message(&self, pid: Pid) -> Result<(), Error> {
        let own = &self.caller.control.host;
        match self.caller.node.router().process(pid) {
            Some(process) => self.counted(own.check_send(&process.host)),
            None => self.counted(own.check_reach(pid.host)),
        }
    }
    fn counted(&self, checked: Result<(), Error>) -> Result<(), Error> {
        checked.inspect_err(|_| {
            self.caller.node.denials.fetch_add(1, Ordering::Relaxed);
        })
    }
    /// `denied()` unless the caller may do `action` to `resource`.
    pub fn require(&self, action: &str, resource: &str, denied: impl FnOnce() -> Error) -> Result<(), Error> {
        if self.allows(action, resource) { Ok(()) } else { Err(denied()) }
    }
}
