//! The interface of key-value stores, whatever keeps the values. A store is a
//! resource of the node ([`crate::resources`]) under the id of its entry.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::payload::Flat;

/// What a store promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// `memory`, `sql`, `kv.raft`, `kv.crdt`
    pub backend: &'static str,
    /// `local`, `linearizable`, `eventual`
    pub consistency: &'static str,
    /// Values survive a restart.
    pub durable: bool,
    /// Versions tell one write from another.
    pub versioned: bool,
    /// Conditions of writes are supported.
    pub conditional_put: bool,
}

/// A value and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub key: String,
    pub value: Arc<Flat>,
    pub version: u64,
}

/// When a write is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    Always,
    IfAbsent,
    IfVersion(u64),
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// How long it lives; `None` for as long as the store.
    pub ttl: Option<Duration>,
    pub condition: Condition,
}

/// Which keys to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub prefix: String,
    /// Only keys behind this one.
    pub after: String,
    pub limit: usize,
}

/// Some records in ascending byte order of their keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub items: Vec<Record>,
    pub has_more: bool,
}

/// A key-value store. Keys have the form `ns:name` ([`key`]). Each operation is done as a whole or not at all.
/// Errors of all: Unavailable `store is closed`.
pub trait Store: Send + Sync {
    fn info(&self) -> StoreInfo;
    /// Errors: NotFound `key not found`.
    fn get(&self, key: &str) -> Result<Record>;
    fn has(&self, key: &str) -> Result<bool>;
    fn list(&self, range: &Range) -> Result<Page>;
    /// Errors: AlreadyExists, NotFound or Conflict for a condition that does not hold; Unavailable `store is full`;
    /// Invalid for what the store cannot do.
    fn put(&self, key: &str, value: Arc<Flat>, how: Writing) -> Result<Record>;
    /// Whether there was something.
    fn delete(&self, key: &str) -> Result<bool>;
    /// Whether these calls may block the thread.
    fn blocks(&self) -> bool {
        false
    }
}

/// A key in the form that stores have: what has no namespace gets an empty one.
pub fn key(text: &str) -> String {
    if text.contains(':') { text.to_owned() } else { format!(":{text}") }
}

pub fn key_not_found() -> Error {
    Error::not_found("key not found")
}
