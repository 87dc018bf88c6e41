//! Schedulers: who runs which process when. One a host.
//!
//! Two drivers implement [`Scheduler`]: [`Pool`] with its own threads and work
//! stealing, and [`Seeded`], single-threaded on virtual time, which picks the
//! next process by a seed. What happens in one step is the same for both
//! (`step.rs`).

mod meter;
mod pool;
mod seeded;
mod step;

pub use step::{is_panic, panic_error};

pub use pool::{MAX_WORKERS, Pool, PoolConfig, PoolStats};
pub use seeded::Seeded;

use std::sync::Arc;

use crate::process::Control;

/// Runs processes. Implementations never run a process inside these calls.
pub trait Scheduler: Send + Sync {
    /// Takes a Ready process whose enqueuing fell to the caller (see [`crate::process::StateWord`]).
    fn schedule(&self, control: Arc<Control>);
    /// So many events were added to a process that is queued already; a hint that it might run elsewhere.
    fn nudge(&self, control: &Arc<Control>, events: usize);
    /// Ends the threads after their current step; queued processes are not run any more, unless it gets threads again.
    fn stop(&self);
    /// Threads of this scheduler.
    fn workers(&self) -> usize;
    /// Threads that compute now, or will at once.
    fn busy(&self) -> usize;
    /// What it has done since its start, and what waits now.
    fn stats(&self) -> PoolStats;
}
