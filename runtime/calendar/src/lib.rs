//! Moments, durations, time zones and their text, as the reference has them.
//! Programs meet them in the module `time` and in expressions. Knows no clock.
//!
//! `civil` is the calendar, `location` the zones, `layout` the format language.

#![forbid(unsafe_code)]

pub mod civil;
pub mod duration;
pub mod layout;
mod location;
mod moment;

pub use location::Location;
pub use moment::Moment;

/// The layout of times in data.
pub const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
pub const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";
/// The layout in which a moment is printed.
pub const PRINTED: &str = "2006-01-02 15:04:05.999999999 -0700 MST";
