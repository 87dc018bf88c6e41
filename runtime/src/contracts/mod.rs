//! Contracts: named sets of methods (definitions), and which functions answer
//! them (bindings). Calls of a contract's methods are calls of functions.
//!
//! What stands in a binding is checked with it. What concerns several entries
//! (a definition that changed under its bindings, a second default) is checked
//! when the whole change is there, so that a definition and its bindings can
//! change together. Readers see the last accepted state.

pub mod commands;
mod model;

pub use model::{Binding, BoundContract, Definition, Method, Schema};

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::error::{Error, Result};
use crate::registry::{Entry, EntryHandler, EntryId};

/// All definitions and bindings of a node. In the context.
#[derive(Default)]
pub struct Contracts {
    accepted: RwLock<Arc<Tables>>,
    /// The change that is going on, if it concerns contracts.
    change: Mutex<Option<Change>>,
}

#[derive(Clone, Default)]
struct Tables {
    definitions: HashMap<EntryId, Arc<Definition>>,
    bindings: HashMap<EntryId, Arc<Binding>>,
    /// The bindings of a contract.
    implementations: HashMap<EntryId, BTreeSet<EntryId>>,
    /// The binding of a contract that is opened when none is named.
    defaults: HashMap<EntryId, EntryId>,
}

struct Change {
    tables: Tables,
    definitions: HashSet<EntryId>,
    bindings: HashSet<EntryId>,
}

impl Contracts {
    fn tables(&self) -> Arc<Tables> {
        self.accepted.read().clone()
    }
    /// Errors: NotFound `contract definition 'ID' not found`.
    pub fn definition(&self, id: &EntryId) -> Result<Arc<Definition>> {
        let found = self.accepted.read().definitions.get(id).cloned();
        found.ok_or_else(|| Error::not_found(format!("contract definition '{id}' not found")))
    }
    /// Errors: NotFound `contract binding 'ID' not found`.
    pub fn binding(&self, id: &EntryId) -> Result<Arc<Binding>> {
        let found = self.accepted.read().bindings.get(id).cloned();
        found.ok_or_else(|| Error::not_found(format!("contract binding '{id}' not found")))
    }
    /// The bindings of a contract, by id; none for an unknown one.
    pub fn implementations(&self, contract: &EntryId) -> Vec<EntryId> {
        self.tables().implementations.get(contract).into_iter().flatten().cloned().collect()
    }
    /// Errors: NotFound `no default binding for contract 'C'`.
    pub fn default_binding(&self, contract: &EntryId) -> Result<EntryId> {
        let found = self.accepted.read().defaults.get(contract).cloned();
        found.ok_or_else(|| Error::not_found(format!("no default binding for contract '{contract}'")))
    }

    fn change<T>(&self, f: impl FnOnce(&mut Change) -> Result<T>) -> Result<T> {
        let mut change = self.change.lock();
        f(change.get_or_insert_with(|| Change {
            tables: (*self.tables()).clone(),
            definitions: HashSet::new(),
            bindings: HashSet::new(),
        }))
    }
}

/// Whether an entry of these kinds is a definition.
fn is_definition(entry: &Entry) -> bool {
    entry.kind == "contract.definition"
}

impl EntryHandler for Contracts {
    fn name(&self) -> &str {
        "contract"
    }
    fn kinds(&self) -> &[&str] {
        &["contract.(definition|binding)"]
    }
    fn needs_data(&self) -> bool {
        // A definition may have no methods; bindings say it themselves.
        false
    }
    fn begin(&self) -> Result<()> {
        self.discard();
        Ok(())
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        self.change(|change| {
            if is_definition(entry) {
                let definition = Definition::decode(entry)?;
                change.definitions.insert(entry.id.clone());
                change.tables.definitions.insert(entry.id.clone(), Arc::new(definition));
            } else {
                let binding = Binding::decode(entry)?;
                binding.check(&change.tables.definitions)?;
                change.bindings.insert(entry.id.clone());
                change.tables.bind(binding);
            }
            Ok(())
        })
    }
    fn update(&self, _old: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.create(new)
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.change(|change| {
            if is_definition(entry) {
                change.definitions.insert(entry.id.clone());
                change.tables.definitions.remove(&entry.id);
            } else {
                change.bindings.insert(entry.id.clone());
                change.tables.unbind(&entry.id);
            }
            Ok(())
        })
    }
    fn commit(&self) -> Result<()> {
        let mut change = self.change.lock();
        if let Some(done) = &mut *change {
            done.check()?;
            *self.accepted.write() = Arc::new(std::mem::take(&mut done.tables));
            *change = None;
        }
        Ok(())
    }
    fn discard(&self) {
        *self.change.lock() = None;
    }
}

impl Tables {
    fn bind(&mut self, binding: Binding) {
        self.unbind(&binding.id);
        for bound in &binding.contracts {
            self.implementations.entry(bound.contract.clone()).or_default().insert(binding.id.clone());
        }
        self.bindings.insert(binding.id.clone(), Arc::new(binding));
    }
    fn unbind(&mut self, id: &EntryId) {
        let Some(old) = self.bindings.remove(id) else { return };
        for bound in &old.contracts {
            if let Some(of_contract) = self.implementations.get_mut(&bound.contract) {
                of_contract.remove(id);
                if of_contract.is_empty() {
                    self.implementations.remove(&bound.contract);
                }
            }
        }
    }
    fn bindings_of(&self, contract: &EntryId) -> impl Iterator<Item = &Arc<Binding>> {
        self.implementations.get(contract).into_iter().flatten().filter_map(|id| self.bindings.get(id))
    }
}

impl Change {
    /// What concerns several entries. In the order of ids, so that the same change gives the same error.
    fn check(&mut self) -> Result<()> {
        let definitions: BTreeSet<&EntryId> = self.definitions.iter().collect();
        for id in definitions {
            for binding in self.tables.bindings_of(id) {
                let about = |text: &str| {
                    let error = Error::invalid(format!("{text}: {}", binding.id));
                    error.detail("contract", id.as_str()).detail("binding", binding.id.as_str())
                };
                if !self.tables.definitions.contains_key(id) {
                    return Err(about("contract definition is in use by binding"));
                }
                binding.check(&self.tables.definitions).map_err(|e| match self.bindings.contains(&binding.id) {
                    true => e,
                    false => about("definition update would invalidate binding").because(e),
                })?;
            }
        }
        self.tables.defaults = self.defaults()?;
        Ok(())
    }

    fn defaults(&self) -> Result<HashMap<EntryId, EntryId>> {
        let mut defaults: HashMap<EntryId, EntryId> = HashMap::new();
        let bindings: BTreeSet<&EntryId> = self.tables.bindings.keys().collect();
        // Bindings that were there before come first, so that the error names the new one.
        let (new, old): (Vec<&EntryId>, Vec<_>) = bindings.into_iter().partition(|id| self.bindings.contains(id));
        for binding in old.into_iter().chain(new).filter_map(|id| self.tables.bindings.get(id)) {
            for bound in binding.contracts.iter().filter(|b| b.default) {
                let other = defaults.insert(bound.contract.clone(), binding.id.clone());
                if let Some(other) = other.filter(|o| *o != binding.id) {
                    let at = binding.entry.error(format_args!("contract already has default binding: {other}"));
                    return Err(Error::already_exists(at.message())
                        .detail("contract", bound.contract.as_str())
                        .detail("binding", other.as_str()));
                }
            }
        }
        Ok(defaults)
    }
}
