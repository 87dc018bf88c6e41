//! The atomics and the lock of the scheduler's hand-over (`process/state.rs`,
//! `process/queue.rs`). `tests/loom.rs` compiles those two files against
//! loom's, so that a model checker explores their interleavings.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicU32, Ordering};
