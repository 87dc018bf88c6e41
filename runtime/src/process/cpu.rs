//! Who has computed how much, and who has to wait for the others.
//!
//! Each step of a process is charged to the process and to its host. Hosts with
//! a share (`limits.cpu.share`) have a balance: it earns their share of what
//! all hosts compute and pays for what they compute themselves. While more
//! threads want to compute than the machine has processors, the workers of a
//! host whose balance is negative wait until the others have caught up. On an
//! idle machine nobody waits, and what was taken then is forgiven.
//!
//! Counting what others got, instead of time, keeps shares right on a machine
//! that does other things as well, and under a seed, where no time passes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crossbeam_utils::CachePadded;
use parking_lot::{Mutex, RwLock};

use super::control::HostShared;
use crate::clock::Nanos;

/// Nanoseconds a host may save up while it computes nothing.
const MOST_CREDIT: i64 = 2_000_000;
/// Nanoseconds that it may owe for what it took while nobody else wanted the machine.
const MOST_DEBT: i64 = 4_000_000;

/// What one host has computed.
#[derive(Default)]
pub(super) struct HostCpu {
    used: AtomicU64,
    balance: Mutex<Balance>,
}

#[derive(Default)]
struct Balance {
    nanos: i64,
    /// What all hosts had computed when the balance earned its share last.
    seen: u64,
}

/// The accounts of all hosts of a node.
pub struct Ledger {
    /// Nanoseconds that all hosts have computed since one of them has a share.
    total: CachePadded<AtomicU64>,
    /// Some host has a share.
    sharing: AtomicBool,
    hosts: RwLock<Vec<Weak<HostShared>>>,
    processors: usize,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger {
            total: CachePadded::default(),
            sharing: AtomicBool::new(false),
            hosts: RwLock::default(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Ledger {
    /// Makes a host one of those that compete for the machine, for as long as it lives.
    pub fn join(&self, host: &Arc<HostShared>) {
        let mut hosts = self.hosts.write();
        hosts.retain(|h| h.strong_count() > 0);
        hosts.push(Arc::downgrade(host));
        let shares = |h: &Weak<HostShared>| h.upgrade().is_some_and(|h| h.limits.cpu_share > 0);
        self.sharing.store(hosts.iter().any(shares), Ordering::Relaxed);
    }

    pub(crate) fn charge(&self, host: &HostShared, nanos: Nanos) {
        host.cpu.used.fetch_add(nanos, Ordering::Relaxed);
        if self.sharing.load(Ordering::Relaxed) {
            self.total.fetch_add(nanos, Ordering::Relaxed);
            if host.limits.cpu_share > 0 {
                host.cpu.balance.lock().nanos -= nanos as i64;
            }
        }
    }

    /// Whether `host` has had more than its share of late. `contended`: somebody else wants the machine; if nobody does
    /// the answer is no.
    pub(crate) fn is_over(&self, host: &HostShared, contended: impl FnOnce() -> bool) -> bool {
        let share = u64::from(host.limits.cpu_share);
        if share == 0 {
            return false;
        }
        let total = self.total.load(Ordering::Relaxed);
        let balance = &mut *host.cpu.balance.lock();
        let earned = total.saturating_sub(balance.seen).saturating_mul(share) / 1000;
        balance.seen = total;
        balance.nanos = balance.nanos.saturating_add_unsigned(earned).min(MOST_CREDIT);
        if balance.nanos >= 0 {
            return false;
        }
        let contended = contended();
        if !contended {
            balance.nanos = balance.nanos.max(-MOST_DEBT);
        }
        contended
    }

    /// Whether one thread more than those that compute now would be too many for the processors.
    pub(crate) fn is_crowded(&self) -> bool {
        let hosts = self.hosts.read();
        let busy: usize = hosts.iter().filter_map(Weak::upgrade).map(|h| h.scheduler.busy()).sum();
        busy >= self.processors
    }
}

impl HostShared {
    /// Nanoseconds its processes have computed. Exact where the host limits CPU, an estimate from samples elsewhere.
    pub fn cpu(&self) -> Nanos {
        self.cpu.used.load(Ordering::Relaxed)
    }
}
