//! What steps cost. A clock read costs a few percent of a short step, so it is
//! read for every step only on hosts that limit CPU; there the end of a step is
//! the beginning of the next. Elsewhere about one step in [`SAMPLE`] is timed
//! and counted that many times, and of a long step, which looks at the clock
//! anyway, the part behind its first look is timed always.
//!
//! Where time does not pass by itself, a step costs what its looks at the
//! clock stand for.

use super::step::Seen;
use crate::clock::{Clock, LOOK, Nanos};
use crate::process::Control;

/// Steps on average between two that are timed.
const SAMPLE: u32 = 16;
/// What a step without a look costs where time does not pass.
const SHORT_STEP: Nanos = 1_000;

/// One a worker.
pub(super) struct Meter {
    /// The end of the last step, if the next one follows at once.
    last_end: Option<Nanos>,
    until_sample: u32,
    random: u32,
}

impl Default for Meter {
    fn default() -> Self {
        Meter { last_end: None, until_sample: SAMPLE, random: 0x9E37_79B9 }
    }
}

/// How a step is timed.
#[derive(Clone, Copy)]
pub(super) enum Timing {
    /// From this time on.
    Exact(Nanos),
    /// From this time on, for others that are not timed.
    Sample(Nanos),
    /// What follows the first look at the clock.
    Long,
}

impl Timing {
    /// When the step began, if all of it counts.
    pub fn exact(self) -> Option<Nanos> {
        if let Timing::Exact(began) = self { Some(began) } else { None }
    }
}

impl Meter {
    /// The worker does something else than steps.
    pub fn interrupt(&mut self) {
        self.last_end = None;
    }
    pub fn begin(&mut self, control: &Control, clock: &dyn Clock) -> Timing {
        let last_end = self.last_end.take();
        if control.host.limits.cpu_share > 0 || control.cpu_limit() > 0 || !clock.passes() {
            return Timing::Exact(last_end.unwrap_or_else(|| clock.now()));
        }
        if self.samples() { Timing::Sample(clock.now()) } else { Timing::Long }
    }
    /// Whether this step is timed for others. At irregular intervals, so that processes that take turns are all seen.
    fn samples(&mut self) -> bool {
        self.until_sample -= 1;
        if self.until_sample > 0 {
            return false;
        }
        // Marsaglia's xorshift.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.until_sample = 1 + self.random % (2 * SAMPLE - 1);
        true
    }
    /// Nanoseconds the step is charged with, and when it ended if that is known.
    pub fn end(&mut self, timing: Timing, seen: Seen, clock: &dyn Clock) -> (Nanos, Option<Nanos>) {
        if !clock.passes() {
            let cost = SHORT_STEP + u64::from(seen.looks) * LOOK;
            return (cost, timing.exact().map(|began| began + cost));
        }
        let first_look = seen.first_look;
        match timing {
            Timing::Exact(began) => {
                let end = clock.now();
                self.last_end = Some(end);
                (end.saturating_sub(began), Some(end))
            }
            Timing::Sample(began) => {
                let end = clock.now();
                let first = first_look.unwrap_or(end);
                (first.saturating_sub(began) * u64::from(SAMPLE) + end.saturating_sub(first), None)
            }
            Timing::Long => (first_look.map_or(0, |first| clock.now().saturating_sub(first)), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_one_in_sixteen_and_see_each_of_two_that_take_turns() {
        let mut meter = Meter::default();
        let mut seen = [0u32; 2];
        for step in 0..160_000 {
            seen[step % 2] += u32::from(meter.samples());
        }
        assert!((9_500..10_500).contains(&(seen[0] + seen[1])), "{seen:?}");
        assert!(seen[0].abs_diff(seen[1]) < 500, "{seen:?}");
    }
}
