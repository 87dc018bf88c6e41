//! The groups of one node: a table behind a lock that is held for a few map
//! operations, and while the watchers of a change get their notices, so that
//! all of them see the changes in the same order.

use std::collections::{HashMap, hash_map};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use parking_lot::Mutex;

use super::{Account, ChangeKind, GroupChange, GroupNotice, Reach, Scope, WatchId, Watched};
use crate::error::{Error, Kind, Result};
use crate::process::{Completion, Control, Tag};
use crate::registry::EntryId;
use crate::relay::Pid;

/// Settings of a [`LocalScope`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeConfig {
    /// 0: no limit.
    pub max_groups: usize,
    /// Memberships; 0: no limit.
    pub max_members_per_group: usize,
    pub monitor_buffer: usize,
    pub broadcast_timeout: Duration,
}

impl Default for ScopeConfig {
    fn default() -> ScopeConfig {
        ScopeConfig {
            max_groups: 0,
            max_members_per_group: 0,
            monitor_buffer: 64,
            broadcast_timeout: Duration::from_secs(5),
        }
    }
}

/// See the module comment. Made stopped.
pub struct LocalScope {
    id: EntryId,
    me: Weak<LocalScope>,
    state: Mutex<State>,
}

#[derive(Default)]
struct Group {
    /// How often each process has joined. The order is that of joining, until somebody leaves.
    members: IndexMap<Pid, usize>,
    /// The sum.
    memberships: usize,
}

impl Group {
    fn pids(&self) -> Vec<Pid> {
        let mut all = Vec::with_capacity(self.memberships);
        for (pid, times) in &self.members {
            all.extend(std::iter::repeat_n(*pid, *times));
        }
        all
    }
}

struct Watcher {
    number: u64,
    /// Weak: the process holds the end of the watch, and so the scope.
    control: Weak<Control>,
    tag: Tag,
    account: Arc<Account>,
}

impl Watcher {
    fn tell(&self, change: Option<&Arc<GroupChange>>) {
        let Some(control) = self.control.upgrade() else { return };
        self.account.waiting.fetch_add(1, Ordering::Relaxed);
        let notice = GroupNotice { change: change.cloned(), account: self.account.clone() };
        control.complete(Completion { tag: self.tag, result: Ok(Box::new(notice)) });
    }
    /// Tells of a change unless too many wait already.
    fn try_tell(&self, change: &Arc<GroupChange>, buffer: usize) {
        if self.account.waiting.load(Ordering::Relaxed) < buffer {
            self.tell(Some(change));
        } else {
            self.account.lose();
        }
    }
}

#[derive(Default)]
struct State {
    running: bool,
    config: ScopeConfig,
    groups: IndexMap<Arc<str>, Group>,
    /// The groups of each process that ever joined one and lives; its departure is hooked.
    members: HashMap<Pid, IndexSet<Arc<str>>>,
    by_group: HashMap<Arc<str>, Vec<Watcher>>,
    of_all: Vec<Watcher>,
    watches: u64,
}

impl LocalScope {
    pub fn new(id: EntryId, config: ScopeConfig) -> Arc<LocalScope> {
        let state = Mutex::new(State { config, ..State::default() });
        Arc::new_cyclic(|me| LocalScope { id, me: me.clone(), state })
    }
    /// Changes the settings. What there is already stays, limits or not.
    pub fn configure(&self, config: ScopeConfig) {
        self.state.lock().config = config;
    }
    /// Begins to work, without groups.
    pub fn start(&self) {
        self.state.lock().running = true;
    }
    /// Ends all groups and watches.
    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.running = false;
        state.groups.clear();
        state.members.values_mut().for_each(IndexSet::clear);
        let mut watchers = std::mem::take(&mut state.of_all);
        watchers.extend(state.by_group.drain().flat_map(|(_, list)| list));
        drop(state);
        // In the order they came, so that runs under a seed repeat.
        watchers.sort_by_key(|w| w.number);
        watchers.iter().for_each(|w| w.tell(None));
    }
    fn depart(&self, pid: Pid) {
        let mut state = self.state.lock();
        for group in state.members.remove(&pid).unwrap_or_default() {
            state.withdraw(&group, pid, usize::MAX);
        }
    }
    fn running(&self) -> Result<parking_lot::MutexGuard<'_, State>> {
        let state = self.state.lock();
        if state.running { Ok(state) } else { Err(Error::unavailable("pg: service stopped")) }
    }
}

impl State {
    fn check_limits(&self, groups: &[String]) -> Result<()> {
        let limit = |text: &str| Err(Error::new(Kind::RATE_LIMITED, text).retryable(true));
        let mut wanted: HashMap<&str, usize> = HashMap::new();
        for group in groups {
            *wanted.entry(group).or_default() += 1;
        }
        let new = wanted.keys().filter(|g| !self.groups.contains_key(**g)).count();
        let (max_groups, max_members) = (self.config.max_groups, self.config.max_members_per_group);
        if max_groups > 0 && new > 0 && self.groups.len() + new > max_groups {
            return limit("pg: maximum number of groups reached");
        }
        let memberships = |group: &str| self.groups.get(group).map_or(0, |g| g.memberships);
        if max_members > 0 && wanted.iter().any(|(group, n)| memberships(group) + n > max_members) {
            return limit("pg: maximum members per group reached");
        }
        Ok(())
    }

    fn add(&mut self, group: &str, pid: Pid) {
        let name = match self.groups.get_key_value(group) {
            Some((name, _)) => name.clone(),
            None => Arc::from(group),
        };
        let group = self.groups.entry(name.clone()).or_default();
        *group.members.entry(pid).or_default() += 1;
        group.memberships += 1;
        self.members.entry(pid).or_default().insert(name.clone());
        self.tell(GroupChange { kind: ChangeKind::Joined, group: name, pids: vec![pid] });
    }

    /// Takes back up to `times` memberships; false if there was none.
    fn withdraw(&mut self, group: &str, pid: Pid, times: usize) -> bool {
        let Some((at, name, found)) = self.groups.get_full_mut(group) else { return false };
        let Some(joined) = found.members.get_mut(&pid) else { return false };
        let times = times.min(*joined);
        let name = name.clone();
        *joined -= times;
        found.memberships -= times;
        if *joined == 0 {
            found.members.swap_remove(&pid);
            if let Some(groups) = self.members.get_mut(&pid) {
                groups.swap_remove(&name);
            }
        }
        if found.memberships == 0 {
            self.groups.swap_remove_index(at);
        }
        self.tell(GroupChange { kind: ChangeKind::Left, group: name, pids: vec![pid; times] });
        true
    }

    fn tell(&self, change: GroupChange) {
        let watchers = self.by_group.get(&change.group);
        if watchers.is_none() && self.of_all.is_empty() {
            return;
        }
        let change = Arc::new(change);
        for watcher in watchers.into_iter().flatten().chain(&self.of_all) {
            watcher.try_tell(&change, self.config.monitor_buffer);
        }
    }
}

impl Scope for LocalScope {
    fn id(&self) -> &EntryId {
        &self.id
    }

    fn join(&self, member: &Arc<Control>, groups: &[String]) -> Result<()> {
        let pid = member.pid();
        let mut state = self.running()?;
        state.check_limits(groups)?;
        if let hash_map::Entry::Vacant(new) = state.members.entry(pid) {
            let me = self.me.clone();
            let depart = move || {
                if let Some(scope) = me.upgrade() {
                    scope.depart(pid);
                }
            };
            if !member.on_departure(Box::new(depart)) {
                return Err(Error::invalid_state("process closed"));
            }
            new.insert(IndexSet::new());
        }
        groups.iter().for_each(|group| state.add(group, pid));
        Ok(())
    }

    fn leave(&self, member: Pid, groups: &[String]) -> Result<()> {
        let mut state = self.running()?;
        let mut left = false;
        for group in groups {
            left |= state.withdraw(group, member, 1);
        }
        if left { Ok(()) } else { Err(Error::not_found("pg: process not joined in group")) }
    }

    fn members(&self, group: &str, _: Reach) -> Result<Vec<Pid>> {
        Ok(self.running()?.groups.get(group).map(Group::pids).unwrap_or_default())
    }

    fn groups(&self, _: Reach) -> Result<Vec<Arc<str>>> {
        let mut all: Vec<Arc<str>> = self.running()?.groups.keys().cloned().collect();
        all.sort_unstable();
        Ok(all)
    }

    fn watch(&self, watcher: &Arc<Control>, tag: Tag, group: Option<&str>) -> Result<Watched> {
        let mut state = self.running()?;
        state.watches += 1;
        let id = WatchId { number: state.watches, group: group.map(Arc::from) };
        let account = Arc::new(Account::new(&self.id, watcher.pid()));
        let control = Arc::downgrade(watcher);
        let watcher = Watcher { number: id.number, control, tag, account };
        let groups = match &id.group {
            Some(group) => {
                state.by_group.entry(group.clone()).or_default().push(watcher);
                state.groups.get(group).map(|g| (group.clone(), g.pids())).into_iter().collect()
            }
            None => {
                state.of_all.push(watcher);
                state.groups.iter().map(|(name, g)| (name.clone(), g.pids())).collect()
            }
        };
        Ok(Watched { id, groups })
    }

    fn unwatch(&self, watch: &WatchId) {
        let mut state = self.state.lock();
        let Some(group) = &watch.group else { return state.of_all.retain(|w| w.number != watch.number) };
        if let Some(watchers) = state.by_group.get_mut(group) {
            watchers.retain(|w| w.number != watch.number);
            if watchers.is_empty() {
                state.by_group.remove(group);
            }
        }
    }

    fn buffer(&self) -> usize {
        self.state.lock().config.monitor_buffer
    }
    fn broadcast_timeout(&self) -> Duration {
        self.state.lock().config.broadcast_timeout
    }
}
