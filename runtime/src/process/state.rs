//! The state of a process, in one atomic word.
//!
//! ```text
//!            schedule                 start
//!   (new) ──────────────► Ready ───────────────► Running ──────────► Complete
//!                           ▲  ▲      yield /       │  │  finish
//!                           │  └── park finds WAKE ─┘  │ park
//!                           │                          ▼
//!                           └────────── wake ─── Blocked | Idle
//! ```
//!
//! * Whoever adds an event to the queue calls [`StateWord::wake`] afterwards.
//!   Exactly one caller is told to enqueue the process, the one that moved it
//!   from Blocked or Idle to Ready; so a process is in at most one run queue.
//! * While it runs, wake-ups only set WAKE. `park` refuses to sleep when WAKE
//!   is set, so an event that came after the queue was emptied is never lost.
//! * `start`, `yield_now`, `park` and `finish` are called by the one worker
//!   that runs the process.
//! * KILL is set once and stays; the worker looks at it before each step, the
//!   engine at its safepoints.

use crate::sync::{AtomicU32, Ordering};

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// In a run queue.
    Ready = 0,
    /// A worker executes a step.
    Running = 1,
    /// Waits for completions.
    Blocked = 2,
    /// Waits for messages only.
    Idle = 3,
    Complete = 4,
}

impl State {
    /// As introspection shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Running => "running",
            State::Blocked => "blocked",
            State::Idle => "idle",
            State::Complete => "complete",
        }
    }
}

const STATE: u32 = 7;
const WAKE: u32 = 8;
const KILL: u32 = 16;

/// The outcome of [`StateWord::park`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    Asleep,
    /// Something arrived meanwhile: the process is Ready again and the caller must enqueue it.
    Woken,
}

/// The outcome of [`StateWord::wake`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The caller must enqueue the process.
    Enqueue,
    /// It is in a run queue already.
    Queued,
    /// It runs, or has ended.
    Noted,
}

/// See the module comment.
#[derive(Debug)]
pub struct StateWord(AtomicU32);

impl Default for StateWord {
    fn default() -> Self {
        StateWord::new()
    }
}

impl StateWord {
    /// Ready, owned by whoever enqueues it first.
    pub fn new() -> StateWord {
        StateWord(AtomicU32::new(State::Ready as u32))
    }

    pub fn get(&self) -> State {
        match self.0.load(Ordering::Acquire) & STATE {
            0 => State::Ready,
            1 => State::Running,
            2 => State::Blocked,
            3 => State::Idle,
            _ => State::Complete,
        }
    }

    pub fn is_killed(&self) -> bool {
        self.0.load(Ordering::Acquire) & KILL != 0
    }

    fn update(&self, f: impl Fn(u32) -> u32) -> u32 {
        self.update_from(self.0.load(Ordering::Relaxed), f)
    }
    fn update_from(&self, mut old: u32, f: impl Fn(u32) -> u32) -> u32 {
        loop {
            match self.0.compare_exchange_weak(old, f(old), Ordering::AcqRel, Ordering::Acquire) {
                Ok(old) => return old,
                Err(now) => old = now,
            }
        }
    }

    /// Ready to Running; forgets earlier wake-ups, whose events the step is about to take.
    pub fn start(&self) {
        let old = self.update(|w| (w & KILL) | State::Running as u32);
        debug_assert_eq!(old & STATE, State::Ready as u32);
    }

    /// Running to Ready; the caller enqueues.
    pub fn yield_now(&self) {
        self.update(|w| (w & KILL) | State::Ready as u32);
    }

    /// Running to Blocked or Idle, unless something arrived.
    pub fn park(&self, state: State) -> Parked {
        let old = self.update(|w| match w & (WAKE | KILL) {
            0 => state as u32,
            flags => (flags & KILL) | State::Ready as u32,
        });
        if old & (WAKE | KILL) == 0 { Parked::Asleep } else { Parked::Woken }
    }

    /// Running to Complete.
    pub fn finish(&self) {
        self.update(|w| (w & KILL) | State::Complete as u32);
    }

    /// Called after an event was queued.
    pub fn wake(&self) -> Wake {
        self.signal(WAKE)
    }

    /// Asks for the process's end and wakes it.
    pub fn kill(&self) -> Wake {
        self.signal(WAKE | KILL)
    }

    fn signal(&self, flags: u32) -> Wake {
        const ASLEEP: [u32; 2] = [State::Blocked as u32, State::Idle as u32];
        let signalled = |w: u32| match w & STATE {
            s if ASLEEP.contains(&s) => (w & KILL) | (flags & KILL) | State::Ready as u32,
            s if s == State::Running as u32 => w | flags,
            _ => w | (flags & KILL),
        };
        let seen = self.0.load(Ordering::Acquire);
        // Senders to a busy process need not fight over the word when there is nothing to change. What they queued is
        // taken: `start` comes before the step takes the queue, and both lock it, so a sender whose event missed the
        // queue's emptying sees what `start` wrote.
        let old = if signalled(seen) == seen { seen } else { self.update_from(seen, signalled) };
        match old & STATE {
            s if ASLEEP.contains(&s) => Wake::Enqueue,
            s if s == State::Ready as u32 => Wake::Queued,
            _ => Wake::Noted,
        }
    }
}
