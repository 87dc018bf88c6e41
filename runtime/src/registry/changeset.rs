//! Operations and ordered lists of them.
//!
//! An operation in history carries the entry it replaced, so a change set can
//! be inverted, and several can be merged into one that has the same effect.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::entry::{Entry, EntryId};
use crate::error::{Error, Result};
use crate::payload::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OpKind {
    // In this order, so that a delete sorts before a create of the same id.
    Delete,
    Create,
    Update,
}

impl OpKind {
    /// `entry.create`, `entry.update` or `entry.delete`, the kind of the bus event too.
    pub fn as_str(self) -> &'static str {
        match self {
            OpKind::Create => "entry.create",
            OpKind::Update => "entry.update",
            OpKind::Delete => "entry.delete",
        }
    }
    pub fn parse(text: &str) -> Option<OpKind> {
        [OpKind::Create, OpKind::Update, OpKind::Delete].into_iter().find(|k| k.as_str() == text)
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether an operation is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scope {
    /// Saved with the version.
    #[default]
    History,
    /// Belongs to an installed module and is derived again when needed; not saved.
    Module,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub kind: OpKind,
    /// For a delete only the id counts; an empty kind is filled from the state.
    pub entry: Arc<Entry>,
    /// The entry before the operation; known once it was applied.
    pub original: Option<Arc<Entry>>,
    pub scope: Scope,
}

impl Operation {
    pub fn new(kind: OpKind, entry: impl Into<Arc<Entry>>) -> Operation {
        Operation { kind, entry: entry.into(), original: None, scope: Scope::History }
    }
    pub fn delete(id: EntryId) -> Operation {
        let entry = Entry { id, kind: String::new(), meta: Map::new(), data: Value::Nil, origin: None };
        Operation::new(OpKind::Delete, entry)
    }
    pub fn with_original(mut self, original: Option<Arc<Entry>>) -> Operation {
        self.original = original;
        self
    }
    pub fn id(&self) -> &EntryId {
        &self.entry.id
    }

    /// The operation that undoes this one. Internal error if it needs the original entry and has none.
    pub fn invert(&self) -> Result<Operation> {
        let original = || {
            self.original.clone().ok_or_else(|| {
                Error::internal(format!("cannot undo {} of {}: its original entry is unknown", self.kind, self.id()))
            })
        };
        let inverse = match self.kind {
            OpKind::Create => {
                Operation::new(OpKind::Delete, self.entry.clone()).with_original(Some(self.entry.clone()))
            }
            OpKind::Update => Operation::new(OpKind::Update, original()?).with_original(Some(self.entry.clone())),
            OpKind::Delete => Operation::new(OpKind::Create, original()?),
        };
        Ok(Operation { scope: self.scope, ..inverse })
    }
}

/// An ordered list of operations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeSet(pub Vec<Operation>);

impl ChangeSet {
    pub fn new() -> ChangeSet {
        ChangeSet::default()
    }
    pub fn create(mut self, entry: Entry) -> ChangeSet {
        self.push(Operation::new(OpKind::Create, entry));
        self
    }
    pub fn update(mut self, entry: Entry) -> ChangeSet {
        self.push(Operation::new(OpKind::Update, entry));
        self
    }
    pub fn delete(mut self, id: EntryId) -> ChangeSet {
        self.push(Operation::delete(id));
        self
    }
    pub fn push(&mut self, op: Operation) {
        self.0.push(op);
    }
    pub fn ops(&self) -> &[Operation] {
        &self.0
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The change set that undoes this one: inverse operations, last first.
    pub fn invert(&self) -> Result<ChangeSet> {
        self.0.iter().rev().map(Operation::invert).collect::<Result<_>>().map(ChangeSet)
    }

    /// One change set with the effect of all, at most a delete and a create an id.
    pub fn merge(sets: impl IntoIterator<Item = ChangeSet>) -> ChangeSet {
        let mut net: IndexMap<EntryId, Net> = IndexMap::new();
        for op in sets.into_iter().flat_map(|s| s.0) {
            match net.get_mut(op.id()) {
                Some(n) => n.then(op),
                None => {
                    net.insert(op.id().clone(), Net::first(op));
                }
            }
        }
        ChangeSet(net.into_values().flat_map(Net::operations).collect())
    }
}

/// What happened to one id from before the first to after the last operation.
struct Net {
    /// Whether the id existed before; its entry if that is known.
    existed: bool,
    before: Option<Arc<Entry>>,
    after: Option<Arc<Entry>>,
    /// The entry of the last delete, for an id whose original is unknown.
    deleted: Option<Arc<Entry>>,
    scope: Scope,
}

impl Net {
    fn first(op: Operation) -> Net {
        let scope = op.scope;
        let mut net =
            Net { existed: op.kind != OpKind::Create, before: op.original.clone(), after: None, deleted: None, scope };
        net.then(op);
        net
    }

    fn then(&mut self, op: Operation) {
        if op.scope == Scope::History {
            self.scope = Scope::History;
        }
        if op.kind == OpKind::Delete {
            self.after = None;
            self.deleted = Some(op.entry);
        } else {
            self.after = Some(op.entry);
        }
    }

    fn operations(self) -> Vec<Operation> {
        let Net { existed, before, after, deleted, scope } = self;
        let old = before.clone().or(deleted);
        let delete = |old: Arc<Entry>| Operation::new(OpKind::Delete, old).with_original(before.clone());
        let ops = match (existed, after) {
            (false, None) => vec![],
            (false, Some(new)) => vec![Operation::new(OpKind::Create, new)],
            (true, None) => old.map(delete).into_iter().collect(),
            (true, Some(new)) => match old {
                Some(old) if !old.kind.is_empty() && old.kind != new.kind => {
                    vec![delete(old), Operation::new(OpKind::Create, new)]
                }
                _ => vec![Operation::new(OpKind::Update, new).with_original(before)],
            },
        };
        ops.into_iter().map(|op| Operation { scope, ..op }).collect()
    }
}
