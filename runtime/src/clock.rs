//! The only source of time. A real clock for production, a virtual one for
//! runs under a seed; nobody else calls `Instant::now` or `SystemTime::now`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Monotonic nanoseconds since the node started.
pub type Nanos = u64;

/// What a look at the clock during a computation stands for where time does not pass: about what an engine computes
/// between two looks.
pub const LOOK: Nanos = 10_000;

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// Monotonic nanoseconds since the clock was made.
    fn now(&self) -> Nanos;
    /// Nanoseconds since the Unix epoch.
    fn wall(&self) -> i64;
    /// Whether time passes by itself. If not, computing takes [`LOOK`] for each look at the clock.
    fn passes(&self) -> bool {
        true
    }
    /// Whole seconds since the Unix epoch.
    fn unix(&self) -> i64 {
        self.wall().div_euclid(1_000_000_000)
    }
}

/// The machine's clocks. Wall time is read once and advanced by the
/// monotonic clock, so it never runs backwards within a run.
pub struct RealClock {
    start: Instant,
    wall: i64,
}

impl RealClock {
    pub fn new() -> RealClock {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        RealClock { start: Instant::now(), wall: since_epoch.as_nanos() as i64 }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RealClock {
    fn now(&self) -> Nanos {
        self.start.elapsed().as_nanos() as u64
    }
    fn wall(&self) -> i64 {
        self.wall + self.start.elapsed().as_nanos() as i64
    }
}

/// Time that moves only when it is told to. Starts at 2024-01-01T00:00:00Z.
#[derive(Default)]
pub struct VirtualClock {
    now: AtomicU64,
}

impl VirtualClock {
    const START: i64 = 1_704_067_200_000_000_000;

    pub fn new() -> VirtualClock {
        VirtualClock::default()
    }
    /// Moves to `at`; earlier times are ignored.
    pub fn advance_to(&self, at: Nanos) {
        self.now.fetch_max(at, Ordering::AcqRel);
    }
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_nanos() as u64, Ordering::AcqRel);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Nanos {
        self.now.load(Ordering::Acquire)
    }
    fn wall(&self) -> i64 {
        Self::START + self.now() as i64
    }
    fn passes(&self) -> bool {
        false
    }
}
