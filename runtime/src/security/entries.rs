//! Entries `security.token_store`. Changes count when their transaction commits.

use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::Mutex;

use super::tokens::{Surroundings, TokenStore};
use crate::error::Result;
use crate::registry::{Entry, EntryHandler, EntryId};

pub(super) const KIND: &str = "security.token_store";

/// Offers the stores as resources of the node.
pub(super) struct TokenStores {
    around: Arc<Surroundings>,
    /// By id; `None`: deleted.
    pending: Mutex<IndexMap<EntryId, Option<Arc<TokenStore>>>>,
}

impl TokenStores {
    pub fn new(around: Surroundings) -> TokenStores {
        TokenStores { around: Arc::new(around), pending: Mutex::default() }
    }
}

impl EntryHandler for TokenStores {
    fn name(&self) -> &str {
        "token stores"
    }
    fn kinds(&self) -> &[&str] {
        &[KIND]
    }
    fn needs_data(&self) -> bool {
        false
    }
    fn begin(&self) -> Result<()> {
        self.pending.lock().clear();
        Ok(())
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        let store = Arc::new(TokenStore::new(&self.around, entry)?);
        self.pending.lock().insert(entry.id.clone(), Some(store));
        Ok(())
    }
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.create(new)
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.pending.lock().insert(entry.id.clone(), None);
        Ok(())
    }
    fn commit(&self) -> Result<()> {
        for (id, store) in std::mem::take(&mut *self.pending.lock()) {
            match store {
                Some(store) => self.around.resources.put::<TokenStore>(&id, KIND, store),
                None => self.around.resources.remove(&id),
            }
        }
        Ok(())
    }
    fn discard(&self) {
        self.pending.lock().clear();
    }
}
