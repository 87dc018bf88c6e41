//! Entries of kind `env.*`.
//!
//! A new or changed entry counts at once, since others of the same change may
//! need it; a deleted one goes with the commit, so that a change that fails
//! loses no values. A variable that cannot be used (its name is taken, its
//! storage is missing) is no error of the entry: it is reported when the change
//! is done, and used once the reason is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::env::{Environment, Variable};
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, EntryHandler, EntryId};
use wippy_runtime::{Error, Result};

use crate::file::FileStorage;
use crate::storages::{Memory, Os, Static};

const VARIABLE: &str = "env.variable";
const MEMORY: &str = "env.storage.memory";
const OS: &str = "env.storage.os";
const STATIC: &str = "env.storage.static";
const FILE: &str = "env.storage.file";
const ROUTER: &str = "env.storage.router";

/// Owns all kinds of this crate.
pub struct Entries {
    environment: Arc<Environment>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is in effect, deleted ones of this change included.
    held: BTreeMap<EntryId, Arc<Entry>>,
    /// Deleted in this change; gone with its commit.
    deleted: BTreeSet<EntryId>,
    /// Variables that were reported as not usable.
    reported: BTreeSet<EntryId>,
}

impl Entries {
    pub fn new(environment: Arc<Environment>) -> Entries {
        Entries { environment, state: Mutex::default() }
    }

    fn put(&self, entry: &Arc<Entry>) -> Result<()> {
        let mut state = self.state.lock();
        let id = &entry.id;
        let old = state.held.get(id).cloned();
        match entry.kind.as_str() {
            // An update, or the way back of a change that failed: it was not gone, and keeps its values.
            MEMORY if old.as_ref().is_some_and(|old| old.kind == MEMORY) => {}
            MEMORY => self.environment.put_storage(id, Arc::new(Memory::default())),
            OS => self.environment.put_storage(id, Arc::new(Os)),
            STATIC => self.environment.put_storage(id, Arc::new(values(entry)?)),
            FILE => self.environment.put_storage(id, Arc::new(file(entry)?)),
            ROUTER => self.environment.put_router(id, self.router(&state, entry)?),
            VARIABLE => self.environment.put_variable(variable(entry)?),
            other => return Err(entry.error(format_args!("unknown kind `{other}`"))),
        }
        if let Some(old) = old.filter(|old| (old.kind == VARIABLE) != (entry.kind == VARIABLE)) {
            self.remove(&old);
        }
        state.deleted.remove(id);
        state.held.insert(id.clone(), entry.clone());
        Ok(())
    }

    fn remove(&self, entry: &Entry) {
        match entry.kind == VARIABLE {
            true => self.environment.remove_variable(&entry.id),
            false => self.environment.remove_storage(&entry.id),
        }
    }

    fn router(&self, state: &State, entry: &Entry) -> Result<Vec<EntryId>> {
        let fields = Fields::new(entry)?;
        let storages = fields.list_of_full_ids("storages")?;
        if storages.is_empty() {
            return Err(fields.error("storages", "router storage must have at least one storage"));
        }
        let is_there = |id: &EntryId| self.environment.has_storage(id) && !state.deleted.contains(id);
        if let Some(missing) = storages.iter().find(|id| !is_there(id)) {
            let missing = Error::not_found(format!("environment storage backend not found: {missing}"));
            let kind = missing.kind().clone();
            return Err(fields.error("storages", missing).with_kind(kind));
        }
        fields.finish_and_log();
        Ok(storages)
    }

    /// Says which variables cannot be used, once each.
    fn report(&self, state: &mut State) {
        let variables = state.held.iter().filter(|(_, e)| e.kind == VARIABLE);
        for (id, entry) in variables {
            match self.environment.refusal(id) {
                None => {
                    state.reported.remove(id);
                }
                Some(error) if state.reported.insert(id.clone()) => {
                    let detail = |key| error.details().and_then(|d| d.get(key)?.as_str().map(str::to_owned));
                    let (field, more) = match (detail("holder"), detail("storage")) {
                        (Some(holder), _) => ("variable", format!(" (it belongs to {holder})")),
                        (_, Some(storage)) => ("storage", format!(": {storage}")),
                        _ => ("variable", String::new()),
                    };
                    let message = format!("{error}{more}; the variable cannot be used");
                    tracing::warn!("{}", entry.field_error(field, message));
                }
                Some(_) => {}
            }
        }
    }
}

impl EntryHandler for Entries {
    fn name(&self) -> &str {
        "env"
    }
    fn kinds(&self) -> &[&str] {
        &[MEMORY, OS, STATIC, FILE, ROUTER, VARIABLE]
    }
    /// Two of the kinds have no fields at all.
    fn needs_data(&self) -> bool {
        false
    }

    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        self.put(entry)
    }
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.put(new)
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.state.lock().deleted.insert(entry.id.clone());
        Ok(())
    }

    fn commit(&self) -> Result<()> {
        let mut state = self.state.lock();
        for id in std::mem::take(&mut state.deleted) {
            state.reported.remove(&id);
            if let Some(entry) = state.held.remove(&id) {
                self.remove(&entry);
            }
        }
        self.report(&mut state);
        Ok(())
    }
    fn discard(&self) {
        self.state.lock().deleted.clear();
    }
}

fn values(entry: &Entry) -> Result<Static> {
    let fields = Fields::new(entry)?;
    let values = fields.map_of_str("values")?.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    fields.finish_and_log();
    Ok(Static(values))
}

fn file(entry: &Entry) -> Result<FileStorage> {
    let fields = Fields::new(entry)?;
    let path = fields.str_or("file_path", "")?;
    if path.is_empty() {
        return Err(fields.error("file_path", "file path must not be empty"));
    }
    // Zero cannot be told from absent in files written for the original.
    let mode = |key: &str, default: u32| match fields.int_in(key, 0..=0o7777, 0)? {
        0 => Ok::<_, Error>(default),
        mode => Ok(mode as u32),
    };
    let storage = FileStorage {
        path: PathBuf::from(path),
        auto_create: fields.bool("auto_create", false)?,
        file_mode: mode("file_mode", 0o644)?,
        dir_mode: mode("dir_mode", 0o755)?,
    };
    fields.finish_and_log();
    Ok(storage)
}

fn variable(entry: &Entry) -> Result<Variable> {
    let fields = Fields::new(entry)?;
    let name = fields.str_or("variable", "")?;
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        let text = "invalid environment variable name: must only contain letters, digits and underscores";
        return Err(fields.error("variable", text));
    }
    let storage = fields
        .opt_full_id("storage")?
        .filter(|id| !id.ns().is_empty())
        .ok_or_else(|| fields.error("storage", "invalid storage ID format, must have both namespace and name"))?;
    let variable = Variable {
        id: entry.id.clone(),
        name: name.to_owned(),
        storage,
        default: fields.str_or("default", "")?.to_owned(),
        readonly: fields.bool("readonly", false)?,
    };
    fields.finish_and_log();
    Ok(variable)
}
