//! What makes guests look up: while any of them runs, the engines' epoch goes
//! on by one every millisecond of the node's timers. When none runs nothing
//! ticks. A guest that notices asks its step whether the slice is used up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use wasmtime::Engine;
use wippy_runtime::timers::{TimerTarget, Timers};

const TICK: Duration = Duration::from_millis(1);

/// See the module comment.
pub struct Ticker {
    timers: Weak<Timers>,
    engines: Vec<Engine>,
    /// A guest has run since the last tick.
    used: AtomicBool,
    armed: AtomicBool,
}

impl Ticker {
    pub fn new(timers: &Arc<Timers>, engines: Vec<Engine>) -> Arc<Ticker> {
        Arc::new(Ticker {
            timers: Arc::downgrade(timers),
            engines,
            used: AtomicBool::new(false),
            armed: AtomicBool::new(false),
        })
    }

    /// A guest runs now. Cheap: as a rule it only reads.
    #[inline]
    pub fn touch(self: &Arc<Self>) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::SeqCst);
            if !self.armed.swap(true, Ordering::SeqCst) {
                self.arm();
            }
        }
    }

    fn arm(self: &Arc<Self>) {
        let Some(timers) = self.timers.upgrade() else { return };
        let ticker = Arc::downgrade(self);
        let tick = move || {
            if let Some(ticker) = ticker.upgrade() {
                ticker.tick();
            }
        };
        timers.arm_after(TICK, TimerTarget::Call(Box::new(tick)));
    }

    fn tick(self: &Arc<Self>) {
        self.engines.iter().for_each(Engine::increment_epoch);
        if self.used.swap(false, Ordering::SeqCst) {
            return self.arm();
        }
        self.armed.store(false, Ordering::SeqCst);
        // Somebody may have come who still saw it armed.
        if self.used.load(Ordering::SeqCst) && !self.armed.swap(true, Ordering::SeqCst) {
            self.arm();
        }
    }
}
