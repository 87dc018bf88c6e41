//! Delivery by address, in three tiers: this node, peers (external systems
//! that registered themselves), other nodes of a cluster.

use std::sync::Arc;

use parking_lot::RwLock;

use super::{Mailbox, Name, Pid};
use crate::error::Error;
use crate::maps::FastMap;
use crate::process::{Control, Event, Full, HostShared, HostState, Message, ProcessTable};

/// A way to processes that are not on this node.
pub trait NodeTier: Send + Sync {
    /// `None` if this tier does not know the node.
    fn send(&self, to: Pid, message: &Message) -> Option<Result<(), Error>>;
}

/// What an id in the host part of a pid names.
#[derive(Clone)]
pub enum Delivery {
    /// Processes found in the process table.
    Processes(Arc<HostShared>),
    /// Receivers attached to a mailbox.
    Mailbox(Arc<Mailbox>),
    /// Calls of a function while they run, reachable by pid; a scope of process groups, reachable by none. Nothing can be
    /// spawned there.
    Calls,
}

/// See the module comment.
pub struct Router {
    node: Name,
    table: Arc<ProcessTable>,
    hosts: RwLock<FastMap<Name, Delivery>>,
    tiers: RwLock<Vec<Arc<dyn NodeTier>>>,
}

impl Router {
    pub(crate) fn new(node: Name, table: Arc<ProcessTable>) -> Router {
        Router { node, table, hosts: RwLock::default(), tiers: RwLock::default() }
    }

    /// Errors: AlreadyExists `host already exists`.
    pub fn register(&self, id: Name, host: Delivery) -> Result<(), Error> {
        match self.hosts.write().entry(id) {
            std::collections::hash_map::Entry::Occupied(_) => Err(Error::already_exists("host already exists")),
            std::collections::hash_map::Entry::Vacant(v) => {
                v.insert(host);
                Ok(())
            }
        }
    }
    /// Makes a process host known under its id, in place of another one that had it.
    /// Errors: AlreadyExists `host already exists` if the id is that of something else.
    pub fn register_processes(&self, host: &Arc<HostShared>) -> Result<(), Error> {
        let mut hosts = self.hosts.write();
        if !matches!(hosts.get(&host.id), None | Some(Delivery::Processes(_))) {
            return Err(Error::already_exists("host already exists"));
        }
        hosts.insert(host.id, Delivery::Processes(host.clone()));
        Ok(())
    }
    /// Forgets a process host, unless another one has its id by now.
    pub fn unregister_processes(&self, host: &Arc<HostShared>) {
        let mut hosts = self.hosts.write();
        if matches!(hosts.get(&host.id), Some(Delivery::Processes(current)) if Arc::ptr_eq(current, host)) {
            hosts.remove(&host.id);
        }
    }
    pub fn unregister(&self, id: Name) {
        self.hosts.write().remove(&id);
    }
    pub fn host(&self, id: Name) -> Option<Delivery> {
        self.hosts.read().get(&id).cloned()
    }
    /// All hosts in the order of their ids.
    pub fn hosts(&self) -> Vec<(Arc<str>, Delivery)> {
        let mut all: Vec<_> = self.hosts.read().iter().map(|(id, d)| (id.text(), d.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
    /// Adds a tier behind the ones that are there. Peers come before the mesh.
    pub fn add_tier(&self, tier: Arc<dyn NodeTier>) {
        self.tiers.write().push(tier);
    }

    /// True for pids of this node, with or without node part.
    pub fn is_local(&self, pid: Pid) -> bool {
        pid.node == self.node || pid.node == Name::EMPTY
    }

    /// The live local process `pid`.
    pub fn process(&self, pid: Pid) -> Option<Arc<Control>> {
        if self.is_local(pid) { self.table.get(pid) } else { None }
    }

    /// Delivers to a mailbox. Never blocks for a process; a node-level mailbox that is full makes the sender wait.
    /// Errors as in [`crate::dispatch::StepContext::send`].
    pub fn send(&self, to: Pid, message: Message) -> Result<(), Error> {
        self.send_from(None, to, message)
    }

    /// [`Router::send`] by a process of host `from`, whose walls hold. `None`: by nobody.
    #[inline]
    pub fn send_from(&self, from: Option<&HostShared>, to: Pid, message: Message) -> Result<(), Error> {
        let reaches = || from.map_or(Ok(()), |from| from.check_reach(to.host));
        if !self.is_local(to) {
            reaches()?;
            let tiers = self.tiers.read();
            let sent = tiers.iter().find_map(|tier| tier.send(to, &message));
            return sent.unwrap_or_else(|| Err(Error::not_found("node not found")));
        }
        match self.table.get(to) {
            Some(control) => {
                from.map_or(Ok(()), |from| from.check_send(&control.host))?;
                self.deliver(&control, message)
            }
            None => reaches().and_then(|()| self.send_to_host(to, message)),
        }
    }

    /// Delivers to a local process that was found before. Errors as of [`Router::send`]; a process that has ended is
    /// `process closed`.
    #[inline]
    pub fn deliver(&self, control: &Arc<Control>, message: Message) -> Result<(), Error> {
        self.check_delivery(control, message.len())?;
        control.push(Event::Message(message)).map_err(|full| match full {
            Full::Closed => Error::invalid_state("process closed"),
            Full::Limit => Error::limit_exceeded(format!("mailbox of {} is full", control.pid())),
        })
    }

    /// Whether a message of `len` bytes may be delivered. Errors: LimitExceeded, Unavailable.
    #[inline]
    pub(crate) fn check_delivery(&self, control: &Control, len: usize) -> Result<(), Error> {
        let limit = control.host.limits.message;
        if limit > 0 && len > limit {
            return Err(too_large(len, limit));
        }
        match control.host.state() {
            HostState::Stopping => Err(Error::unavailable("host is shutting down")),
            _ => Ok(()),
        }
    }

    #[cold]
    fn send_to_host(&self, to: Pid, message: Message) -> Result<(), Error> {
        match self.host(to.host) {
            None => Err(Error::not_found("host not found")),
            Some(Delivery::Mailbox(mailbox)) => mailbox.send(to, message),
            Some(Delivery::Calls) => Err(Error::not_found("process not found")),
            Some(Delivery::Processes(host)) => {
                host.check_running()?;
                Err(Error::not_found("process not found"))
            }
        }
    }
}

fn too_large(len: usize, limit: usize) -> Error {
    Error::limit_exceeded(format!("message of {len} bytes is larger than the limit of {limit} bytes"))
}
