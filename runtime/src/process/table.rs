//! All live processes of a node by their number: lookup locks one shard of 64.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use super::control::Control;
use crate::relay::Pid;

/// Process numbers count up, so one multiplication spreads them (Fibonacci hashing, Knuth vol. 3 §6.4).
#[derive(Default)]
pub struct SeqHasher(u64);

impl Hasher for SeqHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

const SHARDS: usize = 64;

type Shard = RwLock<HashMap<u64, Arc<Control>, BuildHasherDefault<SeqHasher>>>;

/// See the module comment.
pub struct ProcessTable {
    shards: Box<[Shard]>,
    len: AtomicUsize,
}

impl Default for ProcessTable {
    fn default() -> Self {
        ProcessTable { shards: (0..SHARDS).map(|_| Shard::default()).collect(), len: AtomicUsize::new(0) }
    }
}

impl ProcessTable {
    fn shard(&self, seq: u64) -> &Shard {
        &self.shards[seq as usize % SHARDS]
    }
    /// The live process with the number and host of `pid`; the node part is not compared.
    pub fn get(&self, pid: Pid) -> Option<Arc<Control>> {
        let seq = pid.seq()?;
        self.shard(seq).read().get(&seq).filter(|c| c.pid().host == pid.host).cloned()
    }
    pub fn insert(&self, control: Arc<Control>) {
        let Some(seq) = control.pid().seq() else { return };
        if self.shard(seq).write().insert(seq, control).is_none() {
            self.len.fetch_add(1, Ordering::Relaxed);
        }
    }
    pub fn remove(&self, pid: Pid) {
        let Some(seq) = pid.seq() else { return };
        let removed = self.shard(seq).write().remove(&seq);
        if removed.is_some() {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// A snapshot of all live processes, shard by shard, in no order.
    pub fn all(&self) -> Vec<Arc<Control>> {
        self.shards.iter().flat_map(|s| s.read().values().cloned().collect::<Vec<_>>()).collect()
    }
}
