//! What makes guests look up: while any of them runs, the engines' epoch goes
//! on by one every millisecond of the node's timers. When none runs nothing
//! ticks. A guest that notices asks its step whether the slice is used up.
//!
//! A guest that has noticed waits for the epoch after the one it then reads, and
//! its thread can lose the processor for any time before it reads. So it is not
//! enough that guests say now and then that they run: the ticks go on until the
//! last one has left.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use wasmtime::Engine;
use wippy_runtime::timers::{TimerTarget, Timers};

const TICK: Duration = Duration::from_millis(1);
/// Counters of guests that run: each thread has one, but for those that come late, which share the last.
const COUNTERS: usize = 64;

/// A cache line of its own, with the one beside it that processors fetch too.
#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicUsize);

/// See the module comment.
pub struct Ticker {
    timers: Weak<Timers>,
    engines: Vec<Engine>,
    /// Guests that run now, by threads.
    inside: [Counter; COUNTERS],
    /// The next tick is on its way.
    armed: AtomicBool,
}

/// A guest that runs, as long as this lives. To be dropped by the thread that has it from [`Ticker::enter`].
pub struct Inside<'a>(&'a AtomicUsize, PhantomData<*const ()>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if counter() < COUNTERS - 1 {
            // Nobody else writes here, and this costs a tenth of the other.
            self.0.store(self.0.load(Ordering::Relaxed) - 1, Ordering::Release);
        } else {
            self.0.fetch_sub(1, Ordering::Release);
        }
    }
}

/// The number of the counter of this thread; only the last one may be other threads' too.
#[inline]
fn counter() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static COUNTER: usize = THREADS.fetch_add(1, Ordering::Relaxed).min(COUNTERS - 1);
    }
    COUNTER.with(|counter| *counter)
}

impl Ticker {
    pub fn new(timers: &Arc<Timers>, engines: Vec<Engine>) -> Arc<Ticker> {
        Arc::new(Ticker {
            timers: Arc::downgrade(timers),
            engines,
            inside: std::array::from_fn(|_| Counter::default()),
            armed: AtomicBool::new(false),
        })
    }

    /// A guest runs until the answer is dropped. Cheap: threads do not write to the same place.
    #[inline]
    pub fn enter(self: &Arc<Self>) -> Inside<'_> {
        let counter = &self.inside[counter()].0;
        // Before `armed` is read: either this sees that nothing is armed any more, or `tick` sees this guest.
        counter.fetch_add(1, Ordering::SeqCst);
        if !self.armed.load(Ordering::SeqCst) {
            self.begin();
        }
        Inside(counter, PhantomData)
    }

    #[cold]
    fn begin(self: &Arc<Self>) {
        if !self.armed.swap(true, Ordering::SeqCst) {
            self.arm();
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

    fn is_used(&self) -> bool {
        self.inside.iter().any(|counter| counter.0.load(Ordering::SeqCst) > 0)
    }

    fn tick(self: &Arc<Self>) {
        self.engines.iter().for_each(Engine::increment_epoch);
        if self.is_used() {
            return self.arm();
        }
        self.armed.store(false, Ordering::SeqCst);
        // Somebody may have come who still saw it armed.
        if self.is_used() {
            self.begin();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use wippy_runtime::clock::{Clock, VirtualClock};

    use super::*;

    /// A guest whose thread had no processor for many ticks has not asked for any of them.
    #[test]
    fn it_ticks_until_the_last_guest_has_left() {
        let clock = Arc::new(VirtualClock::new());
        let timers = Arc::new(Timers::new(clock.clone()));
        let ticker = Ticker::new(&timers, Vec::new());
        let pass = || {
            let next = timers.next().unwrap_or_else(|| clock.now() + TICK.as_nanos() as u64);
            clock.advance_to(next);
            timers.turn(clock.now())
        };
        assert_eq!(pass(), 0, "nobody runs");
        for _ in 0..2 {
            let first = ticker.enter();
            let (come, go) = (Barrier::new(2), Barrier::new(2));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _second = ticker.enter();
                    come.wait();
                    go.wait();
                });
                come.wait();
                assert_eq!(timers.len(), 1);
                assert!((0..100).all(|_| pass() == 1));
                drop(first);
                assert!((0..100).all(|_| pass() == 1));
                go.wait();
            });
            assert_eq!((pass(), timers.len()), (1, 0), "the tick that finds nobody is the last");
        }
    }
}
