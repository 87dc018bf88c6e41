//! What processes may ask of groups, with its permissions.

use std::sync::Arc;

use super::{Reach, Scope, Scopes, WatchId};
use crate::dispatch::{Caller, DispatcherBuilder, Gate, Permissions, Request};
use crate::error::{Error, Result};
use crate::payload::Flat;
use crate::process::{Message, Tag};
use crate::registry::{EntryId, Registry};
use crate::relay::Pid;

/// Members that are sent to inside the sender's step; more are sent to from the blocking pool, while the sender waits.
const QUICK: usize = 2048;
/// Sends between two looks at the clock.
const BETWEEN_LOOKS: usize = 256;

const CAPABILITY: &str = "pg";

fn denied(what: &str, group: &str) -> Error {
    Error::permission_denied(format!("not allowed to {what} group: {group}"))
}

/// Gives access to a scope. Errors: Internal `failed to acquire pg scope: ...`; Invalid for an entry of another kind.
pub struct Open {
    pub id: EntryId,
}

impl Request for Open {
    const NAME: &'static str = "pg.open";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("pg.open", "scope id")]);
    type Reply = Arc<dyn Scope>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        let id = self.id.as_str();
        gate.require("pg.open", id, || Error::permission_denied(format!("not allowed to access pg scope: {id}")))
    }
}

/// The caller becomes a member of all groups, or of none.
pub struct Join {
    pub scope: Arc<dyn Scope>,
    pub groups: Vec<String>,
}

impl Request for Join {
    const NAME: &'static str = "pg.join";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("pg.join", "each group")]);
    type Reply = ();
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        self.groups.iter().try_for_each(|g| gate.require("pg.join", g, || denied("join", g)))
    }
}

/// The caller gives up one membership in each group.
pub struct Leave {
    pub scope: Arc<dyn Scope>,
    pub groups: Vec<String>,
}

impl Request for Leave {
    const NAME: &'static str = "pg.leave";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("pg.leave", "each group")]);
    type Reply = ();
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        self.groups.iter().try_for_each(|g| gate.require("pg.leave", g, || denied("leave", g)))
    }
}

/// The members of a group.
pub struct Members {
    pub scope: Arc<dyn Scope>,
    pub group: String,
    pub reach: Reach,
}

impl Request for Members {
    const NAME: &'static str = "pg.get_members";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("pg.get_members", "group"), ("pg.get_local_members", "group")]);
    type Reply = Vec<Pid>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        let (action, what) = match self.reach {
            Reach::All => ("pg.get_members", "get members of"),
            Reach::Node => ("pg.get_local_members", "get local members of"),
        };
        gate.require(action, &self.group, || denied(what, &self.group))
    }
}

/// The names of all groups.
pub struct Groups {
    pub scope: Arc<dyn Scope>,
    pub reach: Reach,
}

impl Request for Groups {
    const NAME: &'static str = "pg.which_groups";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("pg.which_groups", ""), ("pg.which_local_groups", "")]);
    type Reply = Vec<Arc<str>>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        let (action, text) = match self.reach {
            Reach::All => ("pg.which_groups", "not allowed to list groups"),
            Reach::Node => ("pg.which_local_groups", "not allowed to list local groups"),
        };
        gate.require(action, "", || Error::permission_denied(text))
    }
}

/// Sends one message to every member, as often as it joined. Who does not get it is not told, nor who is behind a wall.
pub struct Broadcast {
    pub scope: Arc<dyn Scope>,
    pub group: String,
    pub reach: Reach,
    /// The topic, then the payloads.
    pub body: Flat,
}

impl Request for Broadcast {
    const NAME: &'static str = "pg.broadcast";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("pg.broadcast", "group"), ("pg.broadcast_local", "group")]);
    type Reply = ();
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        let (action, what) = match self.reach {
            Reach::All => ("pg.broadcast", "broadcast to"),
            Reach::Node => ("pg.broadcast_local", "broadcast locally to"),
        };
        gate.require(action, &self.group, || denied(what, &self.group))
    }
}

/// Begins a watch of one group, or of all, that lasts until the caller ends or cancels the request `tag`. Reply: the
/// groups and members as of now.
pub struct WatchGroups {
    pub scope: Arc<dyn Scope>,
    pub group: Option<String>,
    /// Completions of this tag hold a [`super::GroupNotice`].
    pub tag: Tag,
}

impl Request for WatchGroups {
    const NAME: &'static str = "pg.watch";
    const CAPABILITY: &'static str = CAPABILITY;
    const PERMISSIONS: Permissions = Some(&[("pg.monitor", "group"), ("pg.events", "")]);
    type Reply = Vec<(Arc<str>, Vec<Pid>)>;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        match &self.group {
            Some(group) => gate.require("pg.monitor", group, || denied("monitor", group)),
            None => gate.require("pg.events", "", || Error::permission_denied("not allowed to subscribe to pg events")),
        }
    }
}

fn open(scopes: &Scopes, registry: &Registry, id: &EntryId) -> Result<Arc<dyn Scope>> {
    scopes.get(id).map_err(|e| match registry.get(id) {
        Some(entry) if entry.kind != "pg.scope" => Error::invalid(format!("resource is not a pg scope: {id}")),
        _ => Error::internal("failed to acquire pg scope").because(e),
    })
}

fn watch(caller: &Caller, r: WatchGroups) -> Result<Vec<(Arc<str>, Vec<Pid>)>> {
    let slot = caller.control.cancellable(r.tag);
    let watched = r.scope.watch(&caller.control, r.tag, r.group.as_deref()).inspect_err(|_| {
        caller.control.take_cancel(r.tag);
    })?;
    let (scope, id): (Arc<dyn Scope>, WatchId) = (r.scope, watched.id);
    slot.set(Box::new(move || scope.unwatch(&id)));
    Ok(watched.groups)
}

fn broadcast(caller: &Caller, r: &Broadcast, members: Vec<Pid>) {
    let message = Message::from_body(caller.control.pid(), r.body.clone());
    let end = caller.node.clock().now().saturating_add(r.scope.broadcast_timeout().as_nanos() as u64);
    for some in members.chunks(BETWEEN_LOOKS) {
        for member in some {
            let _ = caller.node.router().send_from(Some(&caller.control.host), *member, message.clone());
        }
        if caller.node.clock().now() >= end {
            return;
        }
    }
}

/// Adds the handlers.
pub fn register(commands: &mut DispatcherBuilder, scopes: Arc<Scopes>, registry: Registry) {
    commands.sync(move |_, r: Open| open(&scopes, &registry, &r.id));
    commands.sync(|caller, r: Join| r.scope.join(&caller.control, &r.groups));
    commands.sync(|caller, r: Leave| r.scope.leave(caller.control.pid(), &r.groups));
    commands.sync(|_, r: Members| r.scope.members(&r.group, r.reach));
    commands.sync(|_, r: Groups| r.scope.groups(r.reach));
    commands.sync(watch);
    commands.quick_or_blocking(
        |caller, r: &Broadcast| match r.scope.members(&r.group, r.reach) {
            Ok(members) if members.len() > QUICK => None,
            members => Some(members.map(|m| broadcast(caller, r, m))),
        },
        |caller, r: Broadcast| r.scope.members(&r.group, r.reach).map(|m| broadcast(caller, &r, m)),
    );
}
