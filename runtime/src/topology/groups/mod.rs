//! Process groups: names under which processes gather, to be found, watched
//! and sent to together.
//!
//! A [`Scope`] holds the groups of one entry; two scopes never see each
//! other's. A group exists while it has members; a process may join it several
//! times and is then a member as often. Whoever ends is out of all groups
//! before anybody hears of its end. [`LocalScope`] knows this node; one that
//! spans nodes would keep the memberships of the others beside one of these
//! and stand in its place, which is why a [`Reach`] is asked for everywhere.

mod commands;
mod local;

pub use commands::{Broadcast, Groups, Join, Leave, Members, Open, WatchGroups, register};
pub use local::{LocalScope, ScopeConfig};

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use crate::error::{Error, Result};
use crate::process::{Control, Tag};
use crate::registry::EntryId;
use crate::relay::Pid;

/// Which members count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of all nodes, as far as this one knows.
    All,
    /// Those of this node.
    Node,
}

/// The groups of one scope. Nothing here blocks.
///
/// Errors of all: Unavailable `pg: service stopped`.
pub trait Scope: Send + Sync {
    fn id(&self) -> &EntryId;
    /// Makes `member` a member of all `groups`, or of none. Errors: RateLimited `pg: maximum number of groups reached`,
    /// `pg: maximum members per group reached`; InvalidState for a process that has ended.
    fn join(&self, member: &Arc<Control>, groups: &[String]) -> Result<()>;
    /// Takes back one membership in each group. Errors: NotFound `pg: process not joined in group` if there was none
    /// in any of them.
    fn leave(&self, member: Pid, groups: &[String]) -> Result<()>;
    /// The members of a group, each as often as it joined.
    fn members(&self, group: &str, reach: Reach) -> Result<Vec<Pid>>;
    /// The names of all groups, sorted.
    fn groups(&self, reach: Reach) -> Result<Vec<Arc<str>>>;
    /// Tells `watcher` of every change of one group, or of all, from now on: completions with `tag` that hold a
    /// [`GroupNotice`]. The members as of now come back with the watch, and no change is between the two.
    fn watch(&self, watcher: &Arc<Control>, tag: Tag, group: Option<&str>) -> Result<Watched>;
    fn unwatch(&self, watch: &WatchId);
    /// Notices a watcher can have waiting; more are lost.
    fn buffer(&self) -> usize;
    /// How long a broadcast may take; the rest is skipped.
    fn broadcast_timeout(&self) -> Duration;
}

/// Names a watch in its scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchId {
    number: u64,
    group: Option<Arc<str>>,
}

/// A watch that has begun.
pub struct Watched {
    pub id: WatchId,
    /// The watched groups that have members.
    pub groups: Vec<(Arc<str>, Vec<Pid>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Joined,
    Left,
}

impl ChangeKind {
    /// The `kind` text of the event.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Joined => "member.joined",
            ChangeKind::Left => "member.left",
        }
    }
}

/// A change of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    pub kind: ChangeKind,
    pub group: Arc<str>,
    /// Who, as often as it joined or left.
    pub pids: Vec<Pid>,
}

/// What a watcher gets. It counts as waiting until it is dropped.
pub struct GroupNotice {
    /// `None`: the scope has stopped, and nothing more will come.
    pub change: Option<Arc<GroupChange>>,
    account: Arc<Account>,
}

impl GroupNotice {
    /// Says that the watcher could not take it in.
    pub fn lose(&self) {
        self.account.lose();
    }
}

impl Drop for GroupNotice {
    fn drop(&mut self) {
        self.account.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Notices of one watcher that wait, and how many it did not get.
struct Account {
    scope: EntryId,
    watcher: Pid,
    waiting: AtomicUsize,
    lost: AtomicU64,
}

impl Account {
    fn new(scope: &EntryId, watcher: Pid) -> Account {
        Account { scope: scope.clone(), watcher, waiting: AtomicUsize::new(0), lost: AtomicU64::new(0) }
    }
    fn lose(&self) {
        if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(scope = %self.scope, watcher = %self.watcher, "a watcher of groups is too slow and loses events");
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let lost = *self.lost.get_mut();
        if lost > 0 {
            tracing::warn!(scope = %self.scope, watcher = %self.watcher, lost, "a watcher of groups has lost events");
        }
    }
}

/// The scopes of a node by their ids.
#[derive(Default)]
pub struct Scopes(RwLock<HashMap<EntryId, Arc<dyn Scope>>>);

impl Scopes {
    /// Adds a scope under its id, in place of one that was there.
    pub fn add(&self, scope: Arc<dyn Scope>) {
        self.0.write().insert(scope.id().clone(), scope);
    }
    pub fn remove(&self, id: &EntryId) {
        self.0.write().remove(id);
    }
    /// Errors: NotFound `resource not found`.
    pub fn get(&self, id: &EntryId) -> Result<Arc<dyn Scope>> {
        self.0.read().get(id).cloned().ok_or_else(|| Error::not_found("resource not found"))
    }
}
