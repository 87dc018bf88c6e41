//! The two ways guests are run, and the code they share.
//!
//! * **dense**: memories and stacks are slots of a [`slab`], an idle process
//!   takes some 20 KiB and no mapping of the kernel, so a hundred thousand fit.
//!   The price is exact bounds checks (about a fifth more time in code that does
//!   little but read memory) and a memory of at most [`DENSE_MEMORY`].
//! * **fast**: memories are reserved up to four gigabytes, so bounds checks cost
//!   nothing, and large data segments are mapped copy on write. Each instance
//!   takes several mappings, so there are some thousands at most.
//!
//! Processes are dense unless their code carries more than [`LARGE_DATA`] or
//! asks for a larger memory than a slot; functions are fast. The entry's field
//! `engine: dense | fast` overrides this. [`quota`] keeps the number of
//! instances below what the kernel allows.

pub mod cache;
pub mod compile;
mod inspect;
mod quota;
mod slab;
#[cfg(test)]
mod tests;
pub mod ticker;

use std::sync::Arc;

use wasmtime::{Config, Engine, OptLevel};
use wippy_runtime::timers::Timers;
use wippy_runtime::{Error, Result};

use quota::Quota;
pub use quota::Seat;
pub use slab::Slab;
use slab::Stacks;
use ticker::Ticker;

/// Bytes of memory a guest can have in the dense engine: one slot.
pub const DENSE_MEMORY: usize = 64 << 20;
/// Bytes of code and data from which a process is run by the fast engine, unless its entry says otherwise.
pub const LARGE_DATA: usize = 4 << 20;
/// Memories and stacks the dense engine can have.
const DENSE_SLOTS: usize = 1 << 20;
/// Bytes of a fiber's stack, its guard page included. Only touched pages count.
const STACK: usize = if cfg!(debug_assertions) { 1 << 20 } else { 512 << 10 };
/// Bytes of it that the guest's own frames may take; the rest is for the host functions it calls.
const GUEST_STACK: usize = 128 << 10;

/// Which of the engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    Dense,
    Fast,
}

/// Both engines, what they share, and the count of their instances.
pub struct Engines {
    dense: Engine,
    fast: Engine,
    pub ticker: Arc<Ticker>,
    pub stacks: Arc<Slab>,
    memories: Arc<Slab>,
    quota: Arc<Quota>,
}

impl Engines {
    /// Errors: this machine cannot run compiled code.
    pub fn new(timers: &Arc<Timers>) -> Result<Engines> {
        let [stacks, memories] = Slab::one_above_the_other([(STACK, true), (DENSE_MEMORY, false)], DENSE_SLOTS);
        let dense = engine(Profile::Dense, &stacks, &memories)?;
        let fast = engine(Profile::Fast, &stacks, &memories)?;
        let ticker = Ticker::new(timers, vec![dense.clone(), fast.clone()]);
        let quota = Quota::new(stacks.clone());
        Ok(Engines { dense, fast, ticker, stacks, memories, quota })
    }
    pub fn get(&self, profile: Profile) -> &Engine {
        match profile {
            Profile::Dense => &self.dense,
            Profile::Fast => &self.fast,
        }
    }
    /// An engine to compile for `profile`, to be dropped afterwards: an engine keeps, for each thread that compiles, the
    /// memory that its most demanding function took, which can be a hundred times the size of that function.
    pub fn compiler(&self, profile: Profile) -> Result<Engine> {
        engine(profile, &self.stacks, &self.memories)
    }
    /// Room for one more instance. Errors: LimitExceeded, which says what the kernel allows.
    pub fn admit(&self, profile: Profile) -> Result<Seat> {
        self.quota.admit(profile)
    }
}

fn engine(profile: Profile, stacks: &Arc<Slab>, memories: &Arc<Slab>) -> Result<Engine> {
    Engine::new(&config(profile, stacks, memories))
        .map_err(|e| Error::internal(format!("cannot start the WebAssembly engine: {e:#}")))
}

fn config(profile: Profile, stacks: &Arc<Slab>, memories: &Arc<Slab>) -> Config {
    let mut config = Config::new();
    config
        // The call futures are polled by our workers; one task an instance needs none of the machinery for several.
        .concurrency_support(false)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .async_stack_size(STACK - 4096)
        .max_wasm_stack(GUEST_STACK)
        .with_host_stack(Arc::new(Stacks(stacks.clone())));
    if profile == Profile::Dense {
        slab::use_memories(&mut config, memories);
    }
    config
}
