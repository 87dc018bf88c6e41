//! The registry object: who takes part, what is current, and reading it.
//!
//! The current state is one `Arc` behind a lock that is held only to clone or
//! swap it, so readers never wait for a running change. Changing is in `apply`.

use std::sync::Arc;
use std::thread::ThreadId;

use parking_lot::{Mutex, RwLock};

use super::changeset::OpKind;
use super::entry::{Entry, EntryId};
use super::finder::Finder;
use super::forms::Forms;
use super::handler::{EntryHandler, Expander, Observer};
use super::history::History;
use super::kinds::Participants;
use super::state::State;
use super::version::Version;
use crate::env::Environment;
use crate::error::{Error, Result};
use crate::events::Bus;

/// Settings of a [`Registry`].
#[derive(Clone, Debug)]
pub struct Config {
    /// Kinds that are only stored and never reach a handler.
    pub internal_kinds: Vec<String>,
    /// Search results kept; at least 1. Together they hold at most a million entries.
    pub query_cache_size: usize,
    /// Compiled regular expressions of searches kept; at least 1.
    pub regex_cache_size: usize,
}

impl Default for Config {
    fn default() -> Config {
        let internal = ["registry.entry", "ns.dependency", "ns.requirement", "ns.definition"];
        Config { internal_kinds: internal.map(str::to_owned).to_vec(), query_cache_size: 1000, regex_cache_size: 100 }
    }
}

/// The registry's content at one moment; never changes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub version: Version,
    pub state: State,
    /// Grows with every installed change, also those that make no version.
    pub generation: u64,
}

/// The registry. Clones share it.
#[derive(Clone)]
pub struct Registry(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub current: RwLock<Arc<Snapshot>>,
    pub participants: RwLock<Arc<Participants>>,
    pub expander: RwLock<Option<Arc<dyn Expander>>>,
    pub environment: RwLock<Arc<Environment>>,
    pub history: Arc<dyn History>,
    pub finder: Finder,
    pub bus: Bus,
    /// Held for a whole apply, expansion included.
    pub applies: Mutex<()>,
    /// Held while handlers are called and until the new state is installed. Taken after `applies`.
    pub writer: Mutex<Writer>,
    /// The threads inside a change, to refuse one from inside a handler or expander.
    pub changing: Mutex<Vec<ThreadId>>,
}

#[derive(Default)]
pub(super) struct Writer {
    /// Number of the last transaction.
    pub transactions: u64,
    /// What handlers were shown of the entries they hold.
    pub forms: Forms,
}

impl Registry {
    /// An empty registry at the root version.
    pub fn new(config: Config, history: Arc<dyn History>, bus: Bus) -> Registry {
        let empty = Snapshot { version: Version::ROOT, state: State::new(), generation: 0 };
        let finder = Finder::new(config.query_cache_size, config.regex_cache_size);
        let participants = Participants { internal: config.internal_kinds, ..Participants::default() };
        Registry(Arc::new(Shared {
            current: RwLock::new(Arc::new(empty)),
            participants: RwLock::new(Arc::new(participants)),
            expander: RwLock::new(None),
            environment: RwLock::default(),
            history,
            finder,
            bus,
            applies: Mutex::new(()),
            writer: Mutex::default(),
            changing: Mutex::default(),
        }))
    }

    /// Adds the owner of some kinds. It takes part from the next change on.
    pub fn add_handler(&self, handler: Arc<dyn EntryHandler>) {
        Arc::make_mut(&mut *self.0.participants.write()).add_owner(handler);
    }
    pub fn add_observer(&self, observer: Arc<dyn Observer>) {
        Arc::make_mut(&mut *self.0.participants.write()).add_watcher(observer);
    }
    /// Sets what runs before a change is ordered; replaces an earlier one.
    pub fn set_expander(&self, expander: Arc<dyn Expander>) {
        *self.0.expander.write() = Some(expander);
    }
    /// Sets where the placeholders of entries get their values.
    pub fn set_environment(&self, environment: Arc<Environment>) {
        *self.0.environment.write() = environment;
    }
    /// The kinds entries can have, as far as they can be named; sorted.
    pub fn known_kinds(&self) -> Vec<String> {
        self.0.participants.read().known()
    }
    /// Whether a kind has an owner or is only stored.
    pub fn accepts_kind(&self, kind: &str) -> bool {
        let participants = self.0.participants.read().clone();
        participants.is_internal(kind) || participants.owner(kind).is_some()
    }
    /// The error for an entry whose kind nobody accepts: names its file, line,
    /// id and the nearest known kind.
    pub fn unknown_kind(&self, entry: &Entry) -> Error {
        self.0.participants.read().unknown(entry)
    }

    /// What is current. Never waits for a running change.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.current.read().clone()
    }
    /// The entry as of now.
    pub fn get(&self, id: &EntryId) -> Option<Arc<Entry>> {
        self.snapshot().state.get(id).cloned()
    }
    pub fn current_version(&self) -> Version {
        self.snapshot().version
    }

    pub fn history(&self) -> &Arc<dyn History> {
        &self.0.history
    }
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }
    /// All versions by ascending id.
    pub fn versions(&self) -> Result<Vec<Version>> {
        self.0.history.versions()
    }
    /// NotFound `version not found`.
    pub fn version(&self, id: u64) -> Result<Version> {
        self.0.history.version(id)?.ok_or_else(|| Error::not_found("version not found"))
    }
    /// The version this one was made from.
    pub fn previous(&self, version: Version) -> Result<Option<Version>> {
        version.parent.map(|id| self.version(id)).transpose()
    }
    /// The version that was made from this one last.
    pub fn next(&self, version: Version) -> Result<Option<Version>> {
        self.0.history.last_child(version.id)
    }
    /// The head of the history. NotFound `no head version set` before the first save.
    pub fn head(&self) -> Result<Version> {
        let head = self.0.history.head()?.ok_or_else(|| Error::not_found("no head version set"))?;
        self.version(head)
    }

    /// The state that the recorded changes up to a version make on their own,
    /// without the entries that came from files. NotFound `version not found`;
    /// Internal `build snapshot state` if a change needs an entry of a file.
    pub fn snapshot_at(&self, id: u64) -> Result<Snapshot> {
        let version = self.version(id)?;
        let failed = |e: Error| Error::internal("build snapshot state").because(e);
        let mut state = State::new();
        for id in self.0.history.lineage(id).map_err(failed)? {
            for op in &self.0.history.changes(id).map_err(failed)?.0 {
                // A kind is fixed by what was recorded, so only presence is checked.
                let expected = op.kind != OpKind::Create;
                if state.contains(op.id()) != expected {
                    state.complete(op).map_err(failed)?;
                }
                state.carry_out(op);
            }
        }
        Ok(Snapshot { version, state, generation: self.snapshot().generation })
    }
}
