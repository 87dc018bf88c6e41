//! How many instances there may be: at the kernel's limit of mappings a program
//! does not fail cleanly, so new instances are refused well before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wippy_runtime::{Error, Result};

use super::Profile;
use super::slab::Slab;

/// Mappings of one instance of the fast engine: reservation, guards, image, some tables.
const FAST_COST: usize = 5;
/// Mappings of a stack whose guard page takes one of its own.
const GUARD_COST: usize = 2;
/// The kernel's default, where the file that says it cannot be read.
const DEFAULT_MAX_MAPS: usize = 65_530;

/// Counts the mappings of all instances.
pub struct Quota {
    used: AtomicUsize,
    max: usize,
    max_maps: usize,
    stacks: Arc<Slab>,
}

impl Quota {
    pub fn new(stacks: Arc<Slab>) -> Arc<Quota> {
        let file = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok();
        let max_maps = file.and_then(|text| text.trim().parse().ok()).unwrap_or(DEFAULT_MAX_MAPS);
        Arc::new(Quota { used: AtomicUsize::new(0), max: max_maps / 4 * 3, max_maps, stacks })
    }

    pub fn admit(self: &Arc<Self>, profile: Profile) -> Result<Seat> {
        let guard = if self.stacks.has_costly_guards() { GUARD_COST } else { 0 };
        let cost = guard + if profile == Profile::Fast { FAST_COST } else { 0 };
        let seat = Seat { quota: self.clone(), cost };
        if cost > 0 && self.used.fetch_add(cost, Ordering::Relaxed) + cost > self.max {
            return Err(Error::limit_exceeded(format!(
                "too many WebAssembly instances: each takes {cost} memory mappings and the system allows {} \
                 (vm.max_map_count)",
                self.max_maps
            )));
        }
        Ok(seat)
    }
}

/// One instance's share; given back when it is dropped.
pub struct Seat {
    quota: Arc<Quota>,
    cost: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.cost > 0 {
            self.quota.used.fetch_sub(self.cost, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_instances_are_refused_before_the_kernel_would() {
        let [stacks] = Slab::one_above_the_other([(1 << 20, true)], 1);
        let quota = Quota::new(stacks);
        let mut seats = Vec::new();
        let refused = loop {
            match quota.admit(Profile::Fast) {
                Ok(seat) => seats.push(seat),
                Err(e) => break e,
            }
        };
        assert!(seats.len() * FAST_COST < quota.max_maps && seats.len() > 100);
        assert!(refused.message().ends_with("(vm.max_map_count)"), "{refused}");
        assert!(quota.admit(Profile::Dense).is_ok());
        seats.pop();
        assert!(quota.admit(Profile::Fast).is_ok());
    }
}
