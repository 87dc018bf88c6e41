//! How host functions reach the step that runs their guest.
//!
//! A guest runs inside a future that is only polled during a step, but the
//! future cannot name the step's lifetime. So the step leaves its address here
//! while it polls. Contains `unsafe`: it turns that address back into a
//! reference, one at a time.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use wippy_runtime::dispatch::StepContext;

/// The step that polls now, if any. One for each process; used only by the thread that steps it.
#[derive(Default)]
pub struct Current(AtomicPtr<()>);

impl Current {
    /// Runs `poll` with `cx` reachable through [`Current::with`].
    pub fn during<T>(&self, cx: &mut StepContext<'_>, poll: impl FnOnce() -> T) -> T {
        struct Unset<'a>(&'a Current);
        impl Drop for Unset<'_> {
            fn drop(&mut self) {
                self.0.0.store(null_mut(), Ordering::Relaxed);
            }
        }
        self.0.store(std::ptr::from_mut(cx).cast(), Ordering::Relaxed);
        let _unset = Unset(self);
        poll()
    }

    /// Runs `f` with the step; `None` outside of one, and inside of another `with`.
    pub fn with<T>(&self, f: impl FnOnce(&mut StepContext<'_>) -> T) -> Option<T> {
        struct PutBack<'a>(&'a Current, *mut ());
        impl Drop for PutBack<'_> {
            fn drop(&mut self) {
                self.0.0.store(self.1, Ordering::Relaxed);
            }
        }
        // Two accesses, not one that costs as much as both of them ten times over: only this thread is here.
        let step = self.0.load(Ordering::Relaxed);
        if step.is_null() {
            return None;
        }
        self.0.store(null_mut(), Ordering::Relaxed);
        let _put_back = PutBack(self, step);
        // SAFETY: `during` borrows the step mutably for as long as its address is here, and only this thread polls.
        // The address is away while the reference lives, so there is no second one.
        Some(f(unsafe { &mut *step.cast::<StepContext<'_>>() }))
    }
}
