//! The registry: entries, versions, change sets, history.
//!
//! [`Registry`] holds one immutable [`State`] at a time. A [`ChangeSet`] is put
//! into dependency order (`order`), shown to the [`EntryHandler`]s that own the
//! kinds (`transition`), saved as a [`Version`] (`history`) and then installed
//! in one swap (`apply`). Readers never wait: until the swap they see the old
//! state. `finder` searches, `decode` turns an entry's data into typed
//! configuration, `forms` is what handlers see of entries with placeholders,
//! `commands` is the way in for processes. Nothing here knows a kind or an engine.

mod apply;
mod changeset;
pub mod commands;
mod core;
pub mod decode;
mod delta;
mod entry;
mod finder;
mod forms;
mod handler;
pub mod history;
mod kinds;
mod lifecycle;
pub mod order;
pub mod pipeline;
mod state;
mod transition;
mod version;

pub use self::core::{Config, Registry, Snapshot};
pub use changeset::{ChangeSet, OpKind, Operation, Scope};
pub use commands::RegistryCommands;
pub use delta::build_delta;
pub use entry::{Entry, EntryId, FieldOrigin, Origin};
pub use finder::Finder;
pub use handler::{Effects, EntryHandler, Expander, Expansion, Observer};
pub use history::{History, MemoryHistory, NilHistory, SqliteHistory};
pub use lifecycle::{Lifecycle, RestartPolicy, ServiceSecurity};
pub use state::State;
pub use version::Version;
