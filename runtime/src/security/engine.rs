//! The policies and groups that are registered, and the decisions.
//!
//! Changes are put off until the registry's transaction commits; then a new
//! table takes the place of the old one. Only lookups by id read it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indexmap::IndexMap;
use parking_lot::{Mutex, RwLock};

use super::entries::TokenStores;
use super::policy::{Outcome, Policy};
use super::tokens::Surroundings;
use super::{Ask, Audit, Check, Policies, Scope, commands, decode};
use crate::boot::{Component, Setup};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Bus;
use crate::payload::Value;
use crate::process::Inherited;
use crate::registry::{Entry, EntryHandler, EntryId};

/// What is registered at one time.
#[derive(Clone, Default)]
struct Table {
    policies: HashMap<EntryId, (Arc<Policy>, Vec<EntryId>)>,
    /// Members in the order of registration; none is empty.
    groups: HashMap<EntryId, Vec<EntryId>>,
}

impl Table {
    fn put(&mut self, policy: Arc<Policy>, groups: Vec<EntryId>) {
        let id = policy.id.clone();
        let old = self.policies.insert(id.clone(), (policy, groups.clone()));
        let old = old.map(|(_, groups)| groups).unwrap_or_default();
        self.leave(&id, old.iter().filter(|g| !groups.contains(g)));
        for group in groups {
            let members = self.groups.entry(group).or_default();
            if !members.contains(&id) {
                members.push(id.clone());
            }
        }
    }
    fn remove(&mut self, id: &EntryId) {
        if let Some((_, groups)) = self.policies.remove(id) {
            self.leave(id, groups.iter());
        }
    }
    fn leave<'a>(&mut self, id: &EntryId, groups: impl Iterator<Item = &'a EntryId>) {
        for group in groups {
            if let Some(members) = self.groups.get_mut(group) {
                members.retain(|m| m != id);
                if members.is_empty() {
                    self.groups.remove(group);
                }
            }
        }
    }
    fn policy(&self, id: &EntryId) -> Option<&Arc<Policy>> {
        self.policies.get(id).map(|(policy, _)| policy)
    }
    fn members(&self, group: &EntryId) -> Option<impl Iterator<Item = &Arc<Policy>>> {
        Some(self.groups.get(group)?.iter().filter_map(|id| self.policy(id)))
    }
}

enum Change {
    Put { policy: Policy, groups: Vec<EntryId>, kind: &'static str },
    Remove,
}

/// See the module comment.
pub struct Engine {
    strict: bool,
    /// Somebody may have a scope by now.
    scoped: AtomicBool,
    table: RwLock<Arc<Table>>,
    /// The open transaction's changes.
    pending: Mutex<IndexMap<EntryId, Change>>,
    bus: Bus,
    /// Of expressions.
    clock: Arc<dyn Clock>,
}

impl Engine {
    /// In strict mode requests without an actor or a scope are refused, else they are allowed.
    pub fn new(strict: bool, bus: Bus, clock: Arc<dyn Clock>) -> Arc<Engine> {
        Arc::new(Engine {
            strict,
            scoped: AtomicBool::new(false),
            table: RwLock::default(),
            pending: Mutex::default(),
            bus,
            clock,
        })
    }

    pub fn policy(&self, id: &EntryId) -> Option<Arc<Policy>> {
        self.table.read().policy(id).cloned()
    }
    /// The policies of a group as a scope; `None` if there is no such group.
    pub fn group(&self, id: &EntryId) -> Option<Arc<Scope>> {
        let table = self.table.read().clone();
        Some(self.issue(table.members(id)?.cloned()))
    }
    /// The one way to a new scope: from now on requests are judged.
    pub(super) fn issue(&self, policies: impl IntoIterator<Item = Arc<Policy>>) -> Arc<Scope> {
        self.scoped.store(true, Ordering::Release);
        Arc::new(Scope::new(policies))
    }

    fn put(&self, entry: &Entry, kind: &'static str) -> Result<()> {
        let (policy, groups) = decode::policy(entry, &self.clock)?;
        self.pending.lock().insert(entry.id.clone(), Change::Put { policy, groups, kind });
        Ok(())
    }
}

impl Policies for Engine {
    fn allows(&self, ask: &Ask<'_>) -> bool {
        let (Some(actor), Some(scope)) = (&ask.on_behalf.actor, &ask.on_behalf.scope) else { return !self.strict };
        let Ask { action, resource, attributes, .. } = *ask;
        scope.evaluate(&Check { actor, action, resource, attributes }) == Outcome::Allow
    }
    fn by_action(&self, on_behalf: &Inherited, action: &str) -> Option<bool> {
        match (&on_behalf.actor, &on_behalf.scope) {
            (Some(_), Some(scope)) => scope.by_action(action).map(|outcome| outcome == Outcome::Allow),
            _ => Some(!self.strict),
        }
    }
    fn may_refuse(&self) -> bool {
        self.strict || self.scoped.load(Ordering::Acquire)
    }
    fn scope(&self, policies: &[EntryId], groups: &[EntryId]) -> Option<Arc<Scope>> {
        let table = self.table.read().clone();
        let grouped = groups.iter().filter_map(|g| table.members(g)).flatten();
        let found: Vec<_> = grouped.chain(policies.iter().filter_map(|p| table.policy(p))).cloned().collect();
        if found.is_empty() { None } else { Some(self.issue(found)) }
    }
}

impl EntryHandler for Engine {
    fn name(&self) -> &str {
        "security"
    }
    fn kinds(&self) -> &[&str] {
        &["security.policy", decode::EXPRESSION]
    }
    /// Its absence is said in the words of policies.
    fn needs_data(&self) -> bool {
        false
    }
    fn begin(&self) -> Result<()> {
        self.pending.lock().clear();
        Ok(())
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        self.put(entry, "policy.register")
    }
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.put(new, "policy.update")
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.pending.lock().insert(entry.id.clone(), Change::Remove);
        Ok(())
    }
    fn commit(&self) -> Result<()> {
        let changes = std::mem::take(&mut *self.pending.lock());
        if changes.is_empty() {
            return Ok(());
        }
        let mut table = (**self.table.read()).clone();
        let mut news = Vec::with_capacity(changes.len());
        for (id, change) in changes {
            match change {
                Change::Put { policy, groups, kind } => {
                    table.put(Arc::new(policy), groups);
                    news.push((kind, id));
                }
                Change::Remove => {
                    table.remove(&id);
                    news.push(("policy.delete", id));
                }
            }
        }
        *self.table.write() = Arc::new(table);
        for (kind, id) in news {
            self.bus.publish_with("security", kind, id.as_str(), || Value::Nil);
        }
        Ok(())
    }
    fn discard(&self) {
        self.pending.lock().clear();
    }
}

/// The component `security`: the engine of the node, its entries, and its commands.
pub struct SecurityComponent;

impl Component for SecurityComponent {
    fn name(&self) -> &'static str {
        "security"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.node.set_audit(Audit::from_config(setup.config, setup.node.clock().clone())?);
        let strict = setup.config.get_bool("security", "strict_mode", false);
        let engine = Engine::new(strict, setup.bus.clone(), setup.node.clock().clone());
        setup.node.set_policies(engine.clone());
        setup.handler(engine.clone());
        setup.handler(Arc::new(TokenStores::new(Surroundings {
            engine: engine.clone(),
            resources: setup.node.resources().clone(),
            environment: setup.node.environment().clone(),
            clock: setup.node.clock().clone(),
            entropy: setup.node.entropy().clone(),
        })));
        setup.commands(|c| commands::register(c, &engine, setup.registry));
        Ok(())
    }
}

/// As lookups by programs answer.
pub(super) fn not_found(what: &str) -> Error {
    Error::internal(format!("{what} not found"))
}
