//! A moment with a time zone: what a Time object holds.

use crate::civil::{Civil, seconds};
use crate::location::Location;

/// Seconds from year 1 (where moments count from when rounded) to 1970.
const YEAR_ONE: i64 = -62_135_596_800;

/// Nanosecond precision; the location is where it is shown.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Seconds since 1970-01-01 UTC.
    pub unix: i64,
    /// Below a second.
    pub nanos: u32,
    pub location: Location,
}

impl Moment {
    /// The moment `nanos` after 1970-01-01 UTC.
    pub fn from_unix_nanos(nanos: i64, location: Location) -> Moment {
        let second = crate::duration::SECOND;
        Moment { unix: nanos.div_euclid(second), nanos: nanos.rem_euclid(second) as u32, location }
    }
    pub fn civil(&self) -> Civil {
        Civil::from_seconds(self.unix + self.location.offset(self.unix))
    }
    /// Nanoseconds since 1970; wide enough for every year.
    pub fn total(&self) -> i128 {
        i128::from(self.unix) * 1_000_000_000 + i128::from(self.nanos)
    }
    fn with_total(&self, total: i128) -> Moment {
        let unix = total.div_euclid(1_000_000_000).clamp((i64::MIN / 2).into(), (i64::MAX / 2).into()) as i64;
        Moment { unix, nanos: total.rem_euclid(1_000_000_000) as u32, location: self.location.clone() }
    }
    pub fn add(&self, nanos: i64) -> Moment {
        self.with_total(self.total() + i128::from(nanos))
    }
    /// Nanoseconds since `other`, as far as they fit.
    pub fn since(&self, other: &Moment) -> i64 {
        (self.total() - other.total()).clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Moment {
        let c = self.civil();
        let (local, nanos) = seconds(
            c.year.saturating_add(years),
            c.month.saturating_add(months),
            c.day.saturating_add(days),
            c.hour,
            c.minute,
            c.second,
            self.nanos.into(),
        );
        Moment { unix: self.location.to_unix(local), nanos, location: self.location.clone() }
    }
    /// Down to a multiple of `nanos` since year 1.
    pub fn truncate(&self, nanos: i64) -> Moment {
        if nanos <= 0 { self.clone() } else { self.with_total(self.total() - self.rest(nanos)) }
    }
    /// To the nearest multiple of `nanos` since year 1, halves up.
    pub fn round(&self, nanos: i64) -> Moment {
        if nanos <= 0 {
            return self.clone();
        }
        let rest = self.rest(nanos);
        let up = if rest * 2 < i128::from(nanos) { 0 } else { i128::from(nanos) };
        self.with_total(self.total() - rest + up)
    }
    fn rest(&self, nanos: i64) -> i128 {
        (self.total() - i128::from(YEAR_ONE) * 1_000_000_000).rem_euclid(nanos.into())
    }
    pub fn is_zero(&self) -> bool {
        self.unix == YEAR_ONE && self.nanos == 0
    }
    pub fn within(&self, location: Location) -> Moment {
        Moment { location, ..self.clone() }
    }
}
