//! The registry: entries, versions, change sets, history.

mod entry;

pub use entry::{Entry, EntryId, FieldOrigin, Origin};
