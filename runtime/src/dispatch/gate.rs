//! The gate: host capability, then policy.

use std::fmt::Display;
use std::sync::Arc;

use super::{Permissions, Request};
use crate::error::Error;
use crate::node::Node;
use crate::payload::Map;
use crate::process::{Control, Frame};
use crate::relay::{Name, Pid};
use crate::security::{Ask, Denial};

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
    /// What the request says it asks for.
    permissions: Permissions,
}

impl<'a> Gate<'a> {
    pub fn new(caller: &'a Caller) -> Gate<'a> {
        Gate { caller, frame: caller.frame(), permissions: None }
    }
    /// For one request of type `R`.
    pub(super) fn of<R: Request>(caller: &'a Caller) -> Gate<'a> {
        Gate { permissions: R::PERMISSIONS, ..Gate::new(caller) }
    }
    pub fn caller(&self) -> &Caller {
        self.caller
    }
    /// Whether the caller may do `action` to `resource`. Policies see the caller's pid with the actions `process.*`.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        self.judge(action, &resource, None)
    }
    /// [`Gate::allows`] where policies see `attributes`.
    pub fn ask(&self, action: &str, resource: &str, attributes: &Map) -> bool {
        self.judge(action, &resource, Some(attributes))
    }
    fn judge(&self, action: &str, resource: &dyn Display, attributes: Option<&Map>) -> bool {
        // So that what is documented is what is asked.
        debug_assert!(
            self.permissions.is_none_or(|all| all.iter().any(|p| p.0 == action)),
            "{action} is missing in PERMISSIONS of its request"
        );
        judge(self.caller, &self.frame, action, resource, attributes)
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
        checked.inspect_err(|e| Denial::by_wall(self.caller, e).record())
    }
    /// `denied()` unless the caller may do `action` to `resource`.
    pub fn require(&self, action: &str, resource: &str, denied: impl FnOnce() -> Error) -> Result<(), Error> {
        if self.allows(action, resource) { Ok(()) } else { Err(denied()) }
    }
    /// [`Gate::require`] for a resource that is written down only if a policy looks at it.
    pub fn require_shown(
        &self,
        action: &str,
        resource: &dyn Display,
        denied: impl FnOnce() -> Error,
    ) -> Result<(), Error> {
        if self.judge(action, resource, None) { Ok(()) } else { Err(denied()) }
    }
}

/// The one place where policies are asked.
pub(super) fn judge(
    caller: &Caller,
    frame: &Frame,
    action: &str,
    resource: &dyn Display,
    attributes: Option<&Map>,
) -> bool {
    let node = &caller.node;
    if !node.may_refuse() {
        return true;
    }
    let on_behalf = &*frame.inherited;
    for (missing, what) in [(on_behalf.actor.is_none(), "actor"), (on_behalf.scope.is_none(), "policy scope")] {
        if missing {
            let (pid, id) = (caller.control.pid(), &frame.entry);
            tracing::debug!(action, %resource, %pid, %id, "security check with missing {what}");
        }
    }
    let policies = node.policies();
    let allowed = policies.by_action(on_behalf, action).unwrap_or_else(|| {
        let mut own = Map::new();
        let attributes = attributes.unwrap_or_else(|| {
            let reads = on_behalf.scope.as_ref().is_none_or(|s| s.reads_attributes());
            if action.starts_with("process.") && reads {
                own.insert("pid".to_owned(), caller.control.pid().to_string().into());
            }
            &own
        });
        policies.allows(&Ask { on_behalf, action, resource: &resource.to_string(), attributes })
    });
    if !allowed {
        Denial::by_policy(caller, frame, action, resource).record();
    }
    allowed
}
