//! The registry, to be read.
#![allow(unsafe_code)]

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;

use crate::abi::{RawEntry, imports, returned};
use crate::payload::{Encoded, Payload};
use crate::process::fields;
use crate::{Result, Value};

/// One entry as it is now.
#[derive(Debug)]
pub struct Entry {
    /// `namespace:name`.
    pub id: String,
    pub kind: String,
    meta: Encoded,
    data: Encoded,
}

impl Entry {
    /// Errors: Invalid if it is no `T`.
    pub fn meta<T: DeserializeOwned>(&self) -> Result<T> {
        crate::flat::from_slice(&self.meta.data)
    }
    /// The part that depends on the kind. Errors: Invalid if it is no `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T> {
        crate::flat::from_slice(&self.data.data)
    }
    /// # Safety
    /// Written by the runtime and taken once.
    unsafe fn take(raw: RawEntry) -> Entry {
        // SAFETY: as promised.
        unsafe {
            Entry { id: raw.id.take_text(), kind: raw.kind.take_text(), meta: raw.meta.take(), data: raw.data.take() }
        }
    }
}

/// Errors: PermissionDenied `not allowed to access entry: ID`; NotFound `entry not found: ID`.
pub fn get(id: &str) -> Result<Entry> {
    // SAFETY: the id lives over the call; the runtime writes the answer and hands it over.
    unsafe { Ok(Entry::take(returned(|ret| imports::registry_get(id.as_ptr(), id.len(), ret)).take()?)) }
}

/// The entries that meet all criteria, such as `(".kind", "process.*")` or `("meta.type", "plugin")`.
pub fn find(criteria: &[(&str, Value)]) -> Result<Vec<Entry>> {
    let mut named = Vec::with_capacity(criteria.len());
    for (key, value) in criteria {
        named.push((*key, Payload::new(value)?));
    }
    let raw = fields(&named);
    // SAFETY: the criteria live over the call; the runtime writes the answer and hands it over.
    unsafe {
        let found = returned(|ret| imports::registry_find(raw.as_ptr(), raw.len(), ret)).take()?;
        Ok(found.take().into_iter().map(|raw| Entry::take(raw)).collect())
    }
}
