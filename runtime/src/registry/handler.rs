//! The seams through which others take part in a change of the registry.
//!
//! An [`EntryHandler`] owns kinds: it makes entries real (a function, a host, a
//! database) and may refuse them. An [`Observer`] only watches. An [`Expander`]
//! may add operations before a change runs. All are called on the thread that
//! applies the change, one call at a time.

use std::sync::Arc;

use super::changeset::{ChangeSet, Operation};
use super::core::Snapshot;
use super::entry::Entry;
use super::state::State;
use crate::error::Result;

/// Makes the entries of some kinds real.
///
/// A change is one transaction: `begin`, then `create`, `update` and `delete`
/// in dependency order, then `commit`; every handler gets `begin` and `commit`,
/// also when none of its kinds changed. If anything fails, `discard` is called
/// (forget what was put off until `commit`), and then a second transaction
/// takes back what had been accepted with the inverse operations.
///
/// Entries come with the placeholders in their data replaced, except in the text
/// of a top field `source`; what was shown once is shown again in `delete` and
/// as `old`, whatever the environment says by then.
///
/// While a transaction runs, reads of the registry give the old state, which
/// at boot is empty. Work that needs the new state belongs into `installed`.
/// The registry must not be changed from inside a handler: that is refused on
/// the same thread and would wait forever on another one that is waited for.
/// A panic counts as a refusal. There is no time limit: do not block on
/// anything unbounded.
pub trait EntryHandler: Send + Sync {
    /// A short name for logs and errors: `function`, `process.host`.
    fn name(&self) -> &str;
    /// Patterns of the kinds it owns ([`crate::pattern`]). If two handlers
    /// claim a kind, the one registered first has it.
    fn kinds(&self) -> &[&str];
    /// Kinds to suggest for misspelt ones, where [`EntryHandler::kinds`] has wildcards that name none.
    fn known_kinds(&self) -> &[&str] {
        &[]
    }
    /// Whether an entry without any data is refused before it gets here
    /// (`configuration data is required`).
    fn needs_data(&self) -> bool {
        true
    }
    fn begin(&self) -> Result<()> {
        Ok(())
    }
    /// Right after `begin`: all operations that will be tried, in their order and as they are written. For work that
    /// can be done ahead, such as compiling in parallel; what is wrong is said when the operation's turn has come.
    fn upcoming(&self, _changes: &[Operation]) {}
    fn commit(&self) -> Result<()> {
        Ok(())
    }
    fn discard(&self) {}
    /// Takes a new entry. A `NotFound` anywhere in the error's chain means
    /// "something I need is not there yet": the entry is tried again after the
    /// others. Any other error fails the whole change. The same holds for
    /// `update` and `delete`.
    fn create(&self, entry: &Arc<Entry>) -> Result<()>;
    fn update(&self, old: &Arc<Entry>, new: &Arc<Entry>) -> Result<()>;
    fn delete(&self, entry: &Arc<Entry>) -> Result<()>;
    /// The new state is visible; `changes` are all operations that led to it. Also follows the transaction that takes
    /// back a failed change, with the state that has stayed and the inverse operations.
    fn installed(&self, _snapshot: &Snapshot, _changes: &[Operation]) {}
}

/// Watches entries of some kinds; cannot refuse.
pub trait Observer: Send + Sync {
    fn kinds(&self) -> &[&str];
    fn begin(&self) {}
    /// The operation was accepted; its entry is as written, placeholders included. It may still be taken back by its inverse.
    fn changed(&self, op: &Operation);
    fn commit(&self) {}
    fn discard(&self) {}
    fn installed(&self, _snapshot: &Snapshot, _changes: &[Operation]) {}
}

/// Adds what a change implies, for instance the entries of a module that a
/// dependency names. May take long (it may download); the registry stays readable.
pub trait Expander: Send + Sync {
    fn expand(&self, changes: ChangeSet, state: &State) -> Result<Expansion>;
}

/// A changed change set and what must happen along with it.
pub struct Expansion {
    pub changes: ChangeSet,
    pub effects: Option<Box<dyn Effects>>,
}

/// Work outside the registry that belongs to one change.
pub trait Effects: Send {
    /// Does everything that can fail or take long, without visible effect.
    fn prepare(&mut self) -> Result<()>;
    /// Makes it visible, after the handlers accepted everything.
    fn commit(&mut self) -> Result<()>;
    /// Takes back `prepare` and, as far as possible, `commit`.
    fn rollback(&mut self);
}
