//! Names of processes on this node. One name has one pid; a pid may have several.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::error::Error;
use crate::process::Control;
use crate::relay::Pid;

/// How far a name reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameScope {
    /// This node.
    Local,
    /// Spread by gossip.
    Eventual,
    /// Agreed in the cluster.
    Consistent,
    /// Agreed and acknowledged by all live nodes.
    Strong,
}

const SHARDS: usize = 16;

/// The LOCAL scope; the wider ones answer that they are not available on a standalone node.
pub struct Names {
    hash: RandomState,
    shards: [RwLock<HashMap<Arc<str>, Pid>>; SHARDS],
    again: AtomicU64,
}

impl Default for Names {
    fn default() -> Self {
        let shards = std::array::from_fn(|_| RwLock::default());
        Names { hash: RandomState::new(), shards, again: AtomicU64::new(0) }
    }
}

impl Names {
    fn shard(&self, name: &str) -> &RwLock<HashMap<Arc<str>, Pid>> {
        &self.shards[self.hash.hash_one(name) as usize % SHARDS]
    }

    /// Gives `name` to `pid`; `owner` is its process if it lives here, and gives the name back when it ends.
    /// The same pid again is fine. Errors: AlreadyExists `name already registered`; LimitExceeded, of the owner's host.
    pub fn register(&self, name: &str, pid: Pid, owner: Option<&Arc<Control>>) -> Result<(), Error> {
        let text: Arc<str> = name.into();
        let mut shard = self.shard(name).write();
        match shard.get(name) {
            Some(p) if *p == pid => {
                self.again.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Some(p) => {
                let taken = Error::already_exists("name already registered");
                return Err(taken.detail("existing_pid", p.to_string()));
            }
            None => {}
        }
        if let Some(owner) = owner {
            let mut relations = owner.relations.lock();
            if relations.closed {
                return Err(Error::invalid_state("process closed"));
            }
            // A name is held as a file is: by the process, until it gives it back or ends.
            let limit = owner.host.limits.handles;
            if limit > 0 && relations.names.len() >= limit {
                return Err(Error::limit_exceeded(format!("a process may have {limit} names")));
            }
            relations.names.push(text.clone());
        }
        shard.insert(text, pid);
        Ok(())
    }

    /// How often a pid was given a name that it had.
    pub fn registered_again(&self) -> u64 {
        self.again.load(Ordering::Relaxed)
    }

    pub fn lookup(&self, name: &str) -> Option<Pid> {
        self.shard(name).read().get(name).copied()
    }

    /// Takes the name away; gives the pid that had it. `process` finds its process if it lives here.
    pub fn unregister(&self, name: &str, process: impl FnOnce(Pid) -> Option<Arc<Control>>) -> Option<Pid> {
        let mut shard = self.shard(name).write();
        let pid = shard.remove(name)?;
        if let Some(owner) = process(pid) {
            let names = &mut owner.relations.lock().names;
            if let Some(at) = names.iter().rposition(|n| **n == *name) {
                names.swap_remove(at);
            }
        }
        Some(pid)
    }

    /// Removes `name` if it still belongs to `pid`.
    pub(crate) fn release(&self, name: &str, pid: Pid) {
        let mut shard = self.shard(name).write();
        if shard.get(name) == Some(&pid) {
            shard.remove(name);
        }
    }
}
