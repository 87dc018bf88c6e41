//! Atomics and locks of the lock-free parts, replaced by loom's under `--cfg loom`
//! so that a model checker can explore their interleavings.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, Ordering};
