//! Time and chance as the runtime has them: under a seed both come from it.
#![allow(unsafe_code)]

use core::ops::{Add, Sub};
use core::time::Duration;

use crate::abi::imports;

/// A moment of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    pub fn now() -> Instant {
        // SAFETY: a call without arguments.
        Instant(unsafe { imports::time_now() })
    }
    pub fn elapsed(self) -> Duration {
        Instant::now().saturating_duration_since(self)
    }
    /// Zero if `earlier` is later.
    pub fn saturating_duration_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The farthest moment there is, if the sum is beyond it.
impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, later: Duration) -> Instant {
        Instant(self.0.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// Time since 1970-01-01 00:00 UTC; zero on a clock that is before it.
pub fn since_epoch() -> Duration {
    // SAFETY: a call without arguments.
    Duration::from_nanos(u64::try_from(unsafe { imports::time_wall() }).unwrap_or(0))
}

/// Suspends the process; its mailbox keeps what arrives.
pub fn sleep(time: Duration) {
    // SAFETY: a call with a number.
    unsafe { imports::time_sleep(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)) }
}

/// 64 random bits.
pub fn random() -> u64 {
    // SAFETY: a call without arguments.
    unsafe { imports::random() }
}
