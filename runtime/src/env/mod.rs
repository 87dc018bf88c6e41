//! The environment: named texts that entries and programs read.
//!
//! A [`Storage`] holds values by key. A [`Variable`] gives one of them a name,
//! a default, and says whether it may be written. A router asks several
//! storages in turn. Which kinds of storages there are is decided elsewhere;
//! this keeps the books (`table`) and answers look-ups. Changes count at once,
//! so that entries later in the same change of the registry find what came
//! before them. Look-ups work on the table as it was when they began and hold
//! no lock while they ask a storage.

pub mod commands;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::error::{Error, Result};
use crate::registry::EntryId;
use crate::registry::decode::Fields;
use table::Table;

/// Holds values by key. Shared by all threads.
pub trait Storage: Send + Sync {
    /// The value of `key`; `None` if there is none.
    fn get(&self, key: &str) -> Result<Option<String>>;
    /// Errors: PermissionDenied `storage is read-only`.
    fn set(&self, key: &str, value: &str) -> Result<()>;
    fn list(&self) -> Result<BTreeMap<String, String>>;
    /// Whether these calls may block the thread, as those that use a file do.
    fn blocks(&self) -> bool {
        false
    }
}

/// The refusal of a storage that cannot be written.
pub fn read_only() -> Error {
    Error::permission_denied("storage is read-only")
}

/// A name for a value in a storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    pub id: EntryId,
    /// The public name; empty: only the id names the variable.
    pub name: String,
    pub storage: EntryId,
    /// Used while there is no value; empty: none.
    pub default: String,
    pub readonly: bool,
}

impl Variable {
    /// The key in the storage.
    pub fn key(&self) -> &str {
        if self.name.is_empty() { self.id.as_str() } else { &self.name }
    }
}

/// See the module comment.
///
/// A name is looked up as a public name, then as an id in the namespace of who asks, then as a full id. Errors of
/// look-ups: NotFound `environment variable not found` (also for one without a value and default) and `environment
/// storage backend not found`; errors of storages. They block if [`Environment::blocks`] says so.
#[derive(Default)]
pub struct Environment(RwLock<Arc<Table>>);

impl Environment {
    fn table(&self) -> Arc<Table> {
        self.0.read().clone()
    }
    fn change(&self, change: impl FnOnce(&mut Table)) {
        change(Arc::make_mut(&mut *self.0.write()));
    }

    // ---- the books

    /// Adds a storage, or replaces it.
    pub fn put_storage(&self, id: &EntryId, storage: Arc<dyn Storage>) {
        self.change(|t| t.put_storage(id, storage));
    }
    /// Adds a storage that asks others, the first one first, and writes to the first; or replaces it. A value that was
    /// found once is kept for the life of the router.
    pub fn put_router(&self, id: &EntryId, storages: Vec<EntryId>) {
        self.change(|t| t.put_router(id, storages));
    }
    pub fn remove_storage(&self, id: &EntryId) {
        self.change(|t| t.remove_storage(id));
    }
    pub fn has_storage(&self, id: &EntryId) -> bool {
        self.table().has_storage(id)
    }
    /// Adds a variable, or replaces the one with its id. A public name belongs to the first variable that has it; see
    /// [`Environment::refusal`].
    pub fn put_variable(&self, variable: Variable) {
        self.change(|t| t.put_variable(variable));
    }
    pub fn remove_variable(&self, id: &EntryId) {
        self.change(|t| t.remove_variable(id));
    }
    /// Why a variable cannot be used as things are: AlreadyExists `variable name already exists: X` (detail `holder`),
    /// NotFound `referenced storage not found`. It can be once the reason is gone.
    pub fn refusal(&self, id: &EntryId) -> Option<Error> {
        self.table().refusal(id)
    }

    // ---- look-ups

    /// The value of a variable, or its default.
    pub fn get(&self, name: &str, ns: &str) -> Result<String> {
        let table = self.table();
        let variable = table.find(name, ns)?;
        let value = table.value(&variable.storage, variable.key())?.filter(|v| !v.is_empty());
        value.or_else(|| Some(variable.default.clone()).filter(|d| !d.is_empty())).ok_or_else(table::unknown)
    }
    /// Errors besides those of a look-up: PermissionDenied `environment variable is read-only`.
    pub fn set(&self, name: &str, ns: &str, value: &str) -> Result<()> {
        let table = self.table();
        let variable = table.find(name, ns)?;
        if variable.readonly {
            return Err(Error::permission_denied("environment variable is read-only"));
        }
        table.set(&variable.storage, variable.key(), value)
    }
    /// What all storages hold, by key and without defaults. Of several values of a key the one in the storage of the
    /// variable of that name counts.
    pub fn all(&self) -> Result<BTreeMap<String, String>> {
        self.table().all()
    }
    /// Whether reading or writing the variable may block the thread.
    pub fn blocks(&self, name: &str, ns: &str) -> bool {
        let table = self.table();
        table.find(name, ns).is_ok_and(|v| table.blocks(&v.storage))
    }
    /// Whether [`Environment::all`] may block the thread.
    pub fn any_blocks(&self) -> bool {
        self.table().any_blocks()
    }

    /// The value of the variable that the field `<key>_env` names, as of now. `None` without such a field, and, with a
    /// warning that says where, if the look-up fails: then the literal field counts. For entry handlers; may block.
    pub fn field(&self, fields: &Fields<'_>, key: &str) -> Result<Option<String>> {
        let key = format!("{key}_env");
        let Some(name) = fields.opt_str(&key)?.filter(|n| !n.is_empty()) else { return Ok(None) };
        match self.get(name, fields.entry().id.ns()) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                tracing::warn!("{}", fields.error(&key, format_args!("{error}: {name}")));
                Ok(None)
            }
        }
    }
}
