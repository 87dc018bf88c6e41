//! Time zones: UTC, the machine's, fixed offsets and the embedded IANA database.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time zone.
#[derive(Clone, Debug)]
pub struct Location(Zone);

#[derive(Clone, Debug)]
enum Zone {
    Utc,
    Local,
    Fixed { name: Arc<str>, offset: i32 },
    Named { name: Arc<str>, zone: TimeZone },
}

fn system() -> &'static TimeZone {
    static SYSTEM: OnceLock<TimeZone> = OnceLock::new();
    SYSTEM.get_or_init(TimeZone::system)
}

impl Location {
    pub fn utc() -> Location {
        Location(Zone::Utc)
    }
    /// The zone of this machine.
    pub fn local() -> Location {
        Location(Zone::Local)
    }
    /// A zone `offset` seconds east of UTC.
    pub fn fixed(name: &str, offset: i64) -> Location {
        let offset = offset.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        Location(Zone::Fixed { name: name.into(), offset })
    }
    /// A zone of the IANA database, `UTC` or `Local`.
    pub fn load(name: &str) -> Option<Location> {
        match name {
            "UTC" => Some(Location::utc()),
            "Local" => Some(Location::local()),
            _ => {
                let zone = TimeZone::get(name).ok()?;
                Some(Location(Zone::Named { name: name.into(), zone }))
            }
        }
    }
    pub fn name(&self) -> &str {
        match &self.0 {
            Zone::Utc => "UTC",
            Zone::Local => "Local",
            Zone::Fixed { name, .. } | Zone::Named { name, .. } => name,
        }
    }
    /// Offset east of UTC in seconds, and abbreviation, at a moment.
    pub fn at(&self, unix: i64) -> (i64, String) {
        let zone = match &self.0 {
            Zone::Utc => return (0, "UTC".to_owned()),
            Zone::Fixed { name, offset } => return (i64::from(*offset), name.as_ref().to_owned()),
            Zone::Local => system(),
            Zone::Named { zone, .. } => zone,
        };
        let at = unix.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let info = zone.to_offset_info(Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH));
        (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
    }
    pub fn offset(&self, unix: i64) -> i64 {
        self.at(unix).0
    }
    /// The moment at which clocks of this zone show `local` (seconds as if in UTC). In a gap or an overlap one
    /// of the two possible moments is taken.
    pub fn to_unix(&self, local: i64) -> i64 {
        let guess = local - self.offset(local);
        local - self.offset(guess)
    }
    /// The offset that goes with an abbreviation around a moment.
    pub fn offset_named(&self, abbreviation: &str, unix: i64) -> Option<i64> {
        const HALF_YEAR: i64 = 182 * 86_400;
        [unix, unix + HALF_YEAR, unix - HALF_YEAR]
            .into_iter()
            .map(|at| self.at(at))
            .find_map(|(offset, name)| (name == abbreviation).then_some(offset))
    }
}
