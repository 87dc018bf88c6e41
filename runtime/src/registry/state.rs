//! The set of entries at one moment.
//!
//! A state is a value: cloning is one reference count, changing a clone leaves
//! the others alone and shares the entries. Entries are ordered by namespace,
//! then name, and so is every listing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::changeset::{OpKind, Operation};
use super::entry::{Entry, EntryId};
use crate::error::{Error, Result};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State(Arc<BTreeMap<EntryId, Arc<Entry>>>);

impl State {
    pub fn new() -> State {
        State::default()
    }
    pub fn get(&self, id: &EntryId) -> Option<&Arc<Entry>> {
        self.0.get(id)
    }
    pub fn contains(&self, id: &EntryId) -> bool {
        self.0.contains_key(id)
    }
    /// All entries by (namespace, name).
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Entry>> + Clone {
        self.0.values()
    }
    /// The entries of one namespace by name.
    pub fn namespace<'a>(&'a self, ns: &'a str) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.0.range(EntryId::new(ns, "")..).map(|(_, e)| e).take_while(move |e| e.id.ns() == ns)
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether both are one and the same state, not only equal.
    pub fn is_same(&self, other: &State) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
    /// Adds or replaces an entry, whatever was there.
    pub fn put(&mut self, entry: Arc<Entry>) {
        Arc::make_mut(&mut self.0).insert(entry.id.clone(), entry);
    }
    pub fn remove(&mut self, id: &EntryId) -> Option<Arc<Entry>> {
        Arc::make_mut(&mut self.0).remove(id)
    }

    /// Checks that `op` fits this state and fills in what the state knows: the
    /// original entry and, for a delete, the whole entry.
    pub fn complete(&self, op: &Operation) -> Result<Operation> {
        let id = op.id();
        let shown = format!("{{ns: {}, name: {}}}", id.ns(), id.name());
        let existing = self.get(id).cloned();
        let entry = match (op.kind, &existing) {
            (OpKind::Create, Some(_)) => return Err(Error::conflict(format!("entry already exists: {shown}"))),
            (OpKind::Update, None) => return Err(Error::not_found(format!("entry does not exist: {shown}"))),
            (OpKind::Delete, None) => {
                return Err(Error::not_found(format!("cannot delete non-existent entry: {shown}")));
            }
            (OpKind::Update, Some(old)) if old.kind != op.entry.kind => {
                let (a, b) = (&old.kind, &op.entry.kind);
                return Err(Error::invalid(format!("cannot change entry kind from {a} to {b} for {shown}")));
            }
            (OpKind::Delete, Some(old)) => old.clone(),
            _ => op.entry.clone(),
        };
        Ok(Operation { kind: op.kind, entry, original: existing, scope: op.scope })
    }

    /// Carries out an operation, tolerant of what was there.
    pub fn carry_out(&mut self, op: &Operation) {
        match op.kind {
            OpKind::Delete => {
                self.remove(op.id());
            }
            OpKind::Create | OpKind::Update => self.put(op.entry.clone()),
        }
    }
}

impl FromIterator<Arc<Entry>> for State {
    /// Later entries replace earlier ones of the same id.
    fn from_iter<I: IntoIterator<Item = Arc<Entry>>>(iter: I) -> State {
        State(Arc::new(iter.into_iter().map(|e| (e.id.clone(), e)).collect()))
    }
}
