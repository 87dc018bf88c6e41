//! Who and what a run is: its entry, its parent, and what it hands down to
//! everything it starts.

use std::sync::Arc;

use crate::error::Error;
use crate::payload::{Flat, Map, Value};
use crate::registry::EntryId;
use crate::relay::Pid;
use crate::security::Scope;

/// Bytes of the context values of a run, in the flat form.
const MAX_CONTEXT: usize = 1 << 20;

/// On whose behalf code runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Actor {
    pub id: String,
    pub meta: Map,
}

/// What a run hands down to functions it calls and processes it spawns. Shared, never changed in place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inherited {
    pub actor: Option<Arc<Actor>>,
    pub scope: Option<Arc<Scope>>,
    /// Context values (`ctx`).
    pub values: Arc<Map>,
    /// The default network overlay.
    pub network: Option<Arc<str>>,
}

impl Inherited {
    /// These values with `over` merged on top. Errors: LimitExceeded, they are too large to be handed down: every
    /// process that adds to them has its own.
    pub fn with_values(&self, over: impl IntoIterator<Item = (String, Value)>) -> Result<Inherited, Error> {
        let mut values = (*self.values).clone();
        values.extend(over);
        let size: usize = values.iter().map(|(key, value)| key.len() + Flat::of([value]).as_bytes().len()).sum();
        match size > MAX_CONTEXT {
            true => Err(Error::limit_exceeded(format!("context values may have {MAX_CONTEXT} bytes together"))),
            false => Ok(Inherited { values: Arc::new(values), ..self.clone() }),
        }
    }
}

/// Identity of one run. Fixed for its life; an upgrade changes only the entry.
#[derive(Clone, Debug)]
pub struct Frame {
    pub entry: EntryId,
    pub parent: Option<Pid>,
    pub inherited: Arc<Inherited>,
}
