//! The `time` module: moments, durations, time zones and their text.
//!
//! What they are is in the crate `wippy-calendar`; `objects` are the Lua objects.
//! Waiting is done in `process/timer.rs`.

mod objects;

use std::sync::LazyLock;

use wippy_lua_vm::share::Constant;
use wippy_runtime::Error;

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, MemberValue, Raise, Ret, Type, constant};
use crate::process::timer::MEMBERS as WAITING;

pub(crate) use wippy_calendar::civil::{Civil, MONTHS, WEEKDAYS, seconds};
pub use wippy_calendar::{Location, Moment};
use wippy_calendar::{RFC3339, RFC3339_NANO, duration, layout};

pub use objects::{DurationObject, LocationObject, TimeObject};

pub static MODULE: Module = Module {
    name: "time",
    value: ModuleValue::Table(MEMBERS),
    class: &["time", "workflow"],
    description: "Moments, durations and time zones",
};

static UTC: LazyLock<Constant> = LazyLock::new(|| constant(LocationObject(Location::utc())));
static LOCAL: LazyLock<Constant> = LazyLock::new(|| constant(LocationObject(Location::local())));

const fn number(name: &'static str, value: i64) -> Member {
    Member { name, value: MemberValue::Float(value as f64) }
}

const MEMBERS: &[Member] = &[
    number("NANOSECOND", 1),
    number("MICROSECOND", duration::MICROSECOND),
    number("MILLISECOND", duration::MILLISECOND),
    number("SECOND", duration::SECOND),
    number("MINUTE", duration::MINUTE),
    number("HOUR", duration::HOUR),
    number("JANUARY", 1),
    number("FEBRUARY", 2),
    number("MARCH", 3),
    number("APRIL", 4),
    number("MAY", 5),
    number("JUNE", 6),
    number("JULY", 7),
    number("AUGUST", 8),
    number("SEPTEMBER", 9),
    number("OCTOBER", 10),
    number("NOVEMBER", 11),
    number("DECEMBER", 12),
    number("SUNDAY", 0),
    number("MONDAY", 1),
    number("TUESDAY", 2),
    number("WEDNESDAY", 3),
    number("THURSDAY", 4),
    number("FRIDAY", 5),
    number("SATURDAY", 6),
    Member::str("RFC3339", RFC3339),
    Member::str("RFC3339NANO", RFC3339_NANO),
    Member::str("RFC822", "02 Jan 06 15:04 MST"),
    Member::str("RFC822Z", "02 Jan 06 15:04 -0700"),
    Member::str("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
    Member::str("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    Member::str("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    Member::str("KITCHEN", "3:04PM"),
    Member::str("STAMP", "Jan _2 15:04:05"),
    Member::str("STAMP_MILLI", "Jan _2 15:04:05.000"),
    Member::str("STAMP_MICRO", "Jan _2 15:04:05.000000"),
    Member::str("STAMP_NANO", "Jan _2 15:04:05.000000000"),
    Member::str("DATE_TIME", "2006-01-02 15:04:05"),
    Member::str("DATE_ONLY", "2006-01-02"),
    Member::str("TIME_ONLY", "15:04:05"),
    Member::constant("utc", &UTC),
    Member::constant("localtz", &LOCAL),
    member!("now", now),
    member!("date", date),
    member!("unix", unix),
    member!("parse", parse),
    member!("parse_duration", parse_duration),
    member!("load_location", load_location),
    member!("fixed_zone", fixed_zone),
    WAITING[0],
    WAITING[1],
    WAITING[2],
    WAITING[3],
];

fn now(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let nanos = call.state().surroundings().unix_nanos();
    call.push_object(TimeObject(Moment::from_unix_nanos(nanos, Location::local())));
    Ok(Ret::ONE)
}

fn date(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut f = [0; 7];
    for (i, field) in f.iter_mut().enumerate() {
        *field = call.int(i as i32 + 1)?;
    }
    let location = location_argument(call, 8)?.unwrap_or_else(Location::local);
    let (local, nanos) = seconds(f[0], f[1], f[2], f[3], f[4], f[5], f[6]);
    call.push_object(TimeObject(Moment { unix: location.to_unix(local), nanos, location }));
    Ok(Ret::ONE)
}

/// The location in argument `i`, if there is such an argument.
fn location_argument(call: &Call<'_>, i: i32) -> Result<Option<Location>, Raise> {
    if call.type_of(i) == Type::None {
        return Ok(None);
    }
    Ok(Some(call.userdata::<LocationObject>(i)?.0.clone()))
}

fn unix(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (sec, nano) = (call.int(1)?, call.int(2)?);
    let (unix, nanos) = seconds(1970, 1, 1, 0, 0, sec, nano);
    call.push_object(TimeObject(Moment { unix, nanos, location: Location::local() }));
    Ok(Ret::ONE)
}

fn parse(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (layout_text, value) = (call.text(1)?, call.text(2)?);
    let given = location_argument(call, 3)?;
    let parsed = match &given {
        Some(location) => layout::parse(&layout_text, &value, location, location),
        None => layout::parse(&layout_text, &value, &Location::utc(), &Location::local()),
    };
    match parsed {
        Ok(moment) => {
            call.push_object(TimeObject(moment));
            call.fine()
        }
        Err(text) => call.fail(Error::invalid(text)),
    }
}

/// The duration in argument `i`: a number of nanoseconds, a text or a Duration. Errors: Invalid.
pub fn duration_argument(call: &Call<'_>, i: i32) -> Result<i64, Error> {
    if let Some(d) = call.object::<DurationObject>(i) {
        return Ok(d.0);
    }
    if let Some(n) = call.number(i) {
        return Ok(call.integer(i).unwrap_or(n as i64));
    }
    match call.real_str(i) {
        Some(text) => duration::parse(&String::from_utf8_lossy(text)).map_err(Error::invalid),
        None => Err(Error::invalid("duration must be number or string")),
    }
}

fn parse_duration(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match duration_argument(call, 1) {
        Ok(nanos) => {
            call.push_object(DurationObject(nanos));
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn load_location(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.text(1)?;
    if name.is_empty() {
        return call.fail(Error::invalid("empty location name"));
    }
    match Location::load(&name) {
        Some(location) => {
            call.push_object(LocationObject(location));
            call.fine()
        }
        None => call.fail(Error::not_found(format!("unknown time zone {name}"))),
    }
}

fn fixed_zone(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (name, offset) = (call.text(1)?, call.int(2)?);
    call.push_object(LocationObject(Location::fixed(&name, offset)));
    Ok(Ret::ONE)
}
