//! Timers: one hierarchical wheel for the whole node (Varghese and Lauck
//! 1987). Arming, cancelling and firing are O(1), so hundreds of thousands are
//! cheap. A real node turns the wheel on a thread of its own that sleeps until
//! the next deadline; a run under a seed turns it by hand.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::clock::{Clock, Nanos};
use crate::process::{Completion, Control, Tag};

/// Nanoseconds of one tick as a power of two: about a quarter of a millisecond.
const TICK_SHIFT: u32 = 18;
/// Slots per level as a power of two.
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// Six levels of 64 slots reach 208 days; later deadlines wait in the last level and are sorted in again.
const LEVELS: usize = 6;
/// Ticks that a timer of a real node may be late on purpose.
const MOST_SLACK: u64 = 16;
/// No timer: ends the slots' lists.
const NIL: u32 = u32::MAX;

/// What a timer does when it fires.
pub enum TimerTarget {
    /// Completes the request `tag` of a process with `()`.
    Process(Weak<Control>, Tag),
    /// Calls a function on the timer thread; it must be quick.
    Call(Box<dyn FnOnce() + Send>),
}

/// Names an armed timer. Stale keys are harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerKey {
    index: u32,
    generation: u32,
}

struct Slot {
    deadline: u64,
    target: Option<TimerTarget>,
    generation: u32,
    next: u32,
    prev: u32,
    /// Which list it is in: level * SLOTS + slot.
    list: u32,
}

struct Wheel {
    slots: Vec<Slot>,
    free: Vec<u32>,
    heads: Vec<u32>,
    /// Bit s of level l: list is not empty.
    occupied: [u64; LEVELS],
    /// Ticks that have been handled.
    now: u64,
    len: usize,
}

impl Wheel {
    fn new() -> Wheel {
        Wheel {
            slots: Vec::new(),
            free: Vec::new(),
            heads: vec![NIL; LEVELS * SLOTS],
            occupied: [0; LEVELS],
            now: 0,
            len: 0,
        }
    }

    /// The list for a deadline that is after `now`.
    fn list_for(&self, deadline: u64) -> usize {
        let highest = (1u64 << (SLOT_BITS * LEVELS as u32)) - 1;
        // The level is that of the highest bit in which deadline and now differ.
        let when = if (deadline ^ self.now) > highest { self.now | highest } else { deadline };
        let differing = (when ^ self.now) | 1;
        let level = ((63 - differing.leading_zeros()) / SLOT_BITS) as usize;
        let slot = (when >> (SLOT_BITS * level as u32)) as usize % SLOTS;
        level * SLOTS + slot
    }

    fn insert(&mut self, deadline: u64, target: TimerTarget) -> TimerKey {
        let deadline = deadline.max(self.now + 1);
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { deadline: 0, target: None, generation: 0, next: NIL, prev: NIL, list: NIL });
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        slot.deadline = deadline;
        slot.target = Some(target);
        let generation = slot.generation;
        self.len += 1;
        self.hang(index);
        TimerKey { index, generation }
    }

    fn hang(&mut self, index: u32) {
        let list = self.list_for(self.slots[index as usize].deadline);
        let head = self.heads[list];
        let slot = &mut self.slots[index as usize];
        (slot.next, slot.prev, slot.list) = (head, NIL, list as u32);
        if head != NIL {
            self.slots[head as usize].prev = index;
        }
        self.heads[list] = index;
        self.occupied[list / SLOTS] |= 1 << (list % SLOTS);
    }

    fn unhang(&mut self, index: u32) {
        let Slot { next, prev, list, .. } = self.slots[index as usize];
        if prev == NIL {
            self.heads[list as usize] = next;
            if next == NIL {
                self.occupied[list as usize / SLOTS] &= !(1 << (list as usize % SLOTS));
            }
        } else {
            self.slots[prev as usize].next = next;
        }
        if next != NIL {
            self.slots[next as usize].prev = prev;
        }
    }

    fn release(&mut self, index: u32) -> Option<TimerTarget> {
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        self.len -= 1;
        slot.target.take()
    }

    fn cancel(&mut self, key: TimerKey) -> Option<TimerTarget> {
        let slot = self.slots.get(key.index as usize)?;
        if slot.generation != key.generation || slot.target.is_none() {
            return None;
        }
        self.unhang(key.index);
        self.release(key.index)
    }

    /// The tick at which something has to be done, if anything is armed.
    fn next(&self) -> Option<u64> {
        (0..LEVELS).find(|&level| self.occupied[level] != 0).map(|level| {
            let shift = SLOT_BITS * level as u32;
            let here = (self.now >> shift) as usize % SLOTS;
            let ahead = self.occupied[level].rotate_right(here as u32);
            // In the lowest used level every entry lies ahead of `now`; the own slot means a full turn.
            let steps = (ahead & !1).trailing_zeros().min(SLOTS as u32);
            ((self.now >> shift) + u64::from(steps)) << shift
        })
    }

    /// Moves to `to` and collects what is due.
    fn advance(&mut self, to: u64, fired: &mut Vec<TimerTarget>) {
        while let Some(at) = self.next().filter(|&at| at <= to) {
            self.now = at;
            // What waited in coarser levels for this moment moves down or fires.
            for level in (0..LEVELS).rev() {
                let shift = SLOT_BITS * level as u32;
                let list = level * SLOTS + (at >> shift) as usize % SLOTS;
                if level > 0 && at & ((1 << shift) - 1) != 0 {
                    continue;
                }
                let mut index = std::mem::replace(&mut self.heads[list], NIL);
                self.occupied[level] &= !(1 << (list % SLOTS));
                while index != NIL {
                    let Slot { next, deadline, .. } = self.slots[index as usize];
                    if deadline <= at {
                        fired.extend(self.release(index));
                    } else {
                        self.hang(index);
                    }
                    index = next;
                }
            }
        }
        self.now = self.now.max(to);
    }
}

/// See the module comment. All methods may be called from any thread and do not block.
pub struct Timers {
    clock: Arc<dyn Clock>,
    wheel: Mutex<Wheel>,
    /// Wakes the timer thread when an earlier deadline was armed.
    changed: Condvar,
    stopped: AtomicBool,
    /// The tick the timer thread sleeps until.
    sleeping_until: AtomicU64,
    /// A thread turns the wheel, in real time.
    turning: AtomicBool,
}

impl Timers {
    pub fn new(clock: Arc<dyn Clock>) -> Timers {
        Timers {
            clock,
            wheel: Mutex::new(Wheel::new()),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
            sleeping_until: AtomicU64::new(u64::MAX),
            turning: AtomicBool::new(false),
        }
    }

    /// Starts the thread that turns the wheel. It ends after [`Timers::stop`].
    pub fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let timers = self.clone();
        std::thread::Builder::new().name("timers".into()).spawn(move || timers.run())?;
        self.turning.store(true, Ordering::Release);
        Ok(())
    }

    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        drop(self.wheel.lock());
        self.changed.notify_all();
    }

    /// Fires at `deadline` (nanoseconds of the node's clock) or up to a quarter of a millisecond later. Where a thread
    /// turns the wheel it may be a 128th of the delay, at most 4 ms, so that long timers share wake-ups.
    pub fn arm(&self, deadline: Nanos, target: TimerTarget) -> TimerKey {
        let mut tick = deadline.div_ceil(1 << TICK_SHIFT);
        if self.turning.load(Ordering::Acquire) {
            tick = shared_tick(tick, self.clock.now() >> TICK_SHIFT);
        }
        let key = self.wheel.lock().insert(tick, target);
        if tick < self.sleeping_until.load(Ordering::Acquire) {
            self.changed.notify_one();
        }
        key
    }

    /// Fires after `delay`.
    pub fn arm_after(&self, delay: Duration, target: TimerTarget) -> TimerKey {
        self.arm(self.clock.now().saturating_add(delay.as_nanos().min(u64::MAX as u128) as u64), target)
    }

    /// True if the timer had not fired.
    pub fn cancel(&self, key: TimerKey) -> bool {
        let target = self.wheel.lock().cancel(key);
        target.is_some()
    }

    /// Armed timers.
    pub fn len(&self) -> usize {
        self.wheel.lock().len
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the wheel has to be turned next.
    pub fn next(&self) -> Option<Nanos> {
        self.wheel.lock().next().map(|tick| tick << TICK_SHIFT)
    }

    /// Fires everything due at `now`; returns how many.
    pub fn turn(&self, now: Nanos) -> usize {
        let mut fired = Vec::new();
        self.wheel.lock().advance(now >> TICK_SHIFT, &mut fired);
        let n = fired.len();
        fired.into_iter().for_each(fire);
        n
    }

    fn run(&self) {
        let mut fired = Vec::new();
        let mut wheel = self.wheel.lock();
        while !self.stopped.load(Ordering::Acquire) {
            wheel.advance(self.clock.now() >> TICK_SHIFT, &mut fired);
            if !fired.is_empty() {
                parking_lot::MutexGuard::unlocked(&mut wheel, || fired.drain(..).for_each(fire));
                continue;
            }
            let next = wheel.next();
            self.sleeping_until.store(next.unwrap_or(u64::MAX), Ordering::Release);
            match next {
                None => self.changed.wait(&mut wheel),
                Some(tick) => {
                    let wait = (tick << TICK_SHIFT).saturating_sub(self.clock.now());
                    self.changed.wait_for(&mut wheel, Duration::from_nanos(wait));
                }
            }
            // Awake: whoever arms now need not notify, the loop looks again.
            self.sleeping_until.store(0, Ordering::Release);
        }
    }
}

/// The tick at or after `tick` that others with a similar delay take, too.
fn shared_tick(tick: u64, now: u64) -> u64 {
    match (tick.saturating_sub(now) / 128).min(MOST_SLACK) {
        0 => tick,
        slack => tick.next_multiple_of(1 << slack.ilog2()),
    }
}

fn fire(target: TimerTarget) {
    match target {
        TimerTarget::Process(control, tag) => {
            if let Some(control) = control.upgrade() {
                control.complete(Completion { tag, result: Ok(Box::new(())) });
            }
        }
        TimerTarget::Call(f) => f(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;
    use proptest::prelude::*;

    /// Late by a 128th of the delay at most, never early, and long timers meet.
    #[test]
    fn shares_ticks() {
        for (delay, grain) in [(0, 1), (100, 1), (256, 2), (700, 4), (1024, 8), (1_000_000, 16)] {
            for now in [0, 1, 5, 12_345] {
                let tick = shared_tick(now + delay, now);
                assert!(tick.is_multiple_of(grain) && (now + delay..now + delay + grain).contains(&tick), "{delay}");
                assert!(tick - (now + delay) <= delay / 128);
            }
        }
    }

    proptest! {
        /// Every timer fires at its deadline's tick, in order of ticks, unless it was cancelled.
        #[test]
        fn fires_when_due(delays in proptest::collection::vec((1u64..40_000_000_000_000, any::<bool>()), 1..80)) {
            let clock = Arc::new(VirtualClock::new());
            let timers = Timers::new(clock.clone());
            let log = Arc::new(Mutex::new(Vec::new()));
            for &(delay, cancelled) in &delays {
                let (log, at) = (log.clone(), clock.clone());
                let key = timers.arm(delay, TimerTarget::Call(Box::new(move || log.lock().push((delay, at.now())))));
                if cancelled {
                    prop_assert!(timers.cancel(key));
                    prop_assert!(!timers.cancel(key));
                }
            }
            while let Some(next) = timers.next() {
                clock.advance_to(next);
                timers.turn(clock.now());
            }
            let mut want: Vec<u64> = delays.iter().filter(|d| !d.1).map(|d| d.0).collect();
            want.sort_unstable();
            let mut got: Vec<u64> = log.lock().iter().map(|e| e.0).collect();
            got.sort_unstable();
            prop_assert_eq!(got, want);
            for (delay, at) in log.lock().iter() {
                prop_assert!(at >= delay && at - delay <= 1 << TICK_SHIFT, "{} fired at {}", delay, at);
            }
        }
    }
}
