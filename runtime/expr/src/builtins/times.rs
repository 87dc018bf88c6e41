//! Times, durations and time zones, and what they can be asked.

use std::sync::Arc;

use wippy_calendar::{Location, Moment, RFC3339, duration as durations, layout};

use super::{Answer, text};
use crate::eval::{Budget, Text};
use crate::value::Value;

/// What `date` tries if it is not told.
const LAYOUTS: [&str; 7] = [
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    RFC3339,
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
];

fn time(moment: Moment) -> Value {
    Value::Time(Arc::new(moment))
}

pub(super) fn now(nanos: i64) -> Value {
    time(Moment::from_unix_nanos(nanos, Location::local()))
}

pub(super) fn duration(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(Value::Duration(durations::parse(text(arguments, 0, ""))?))
}

fn zone(name: &str) -> Result<Location, Text> {
    Location::load(name).ok_or_else(|| format!("unknown time zone {name}").into())
}

pub(super) fn timezone(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(Value::Zone(zone(text(arguments, 0, ""))?))
}

/// `date(text)`, `date(text, layout)`, `date(text, layout, zone)`; a zone may also stand first.
pub(super) fn date(_: &mut Budget, arguments: &[Value]) -> Answer {
    let (mut given, arguments) = match arguments {
        [Value::Zone(zone), rest @ ..] => (Some(zone.clone()), rest),
        all => (None, all),
    };
    let Some(date) = arguments.first().and_then(Value::as_str) else { return Err("invalid date".into()) };
    if let Some(name) = arguments.get(2).and_then(Value::as_str) {
        given = Some(zone(name)?);
    }
    let read = |layout: &str| match &given {
        Some(zone) => layout::parse(layout, date, zone, zone),
        None => layout::parse(layout, date, &Location::utc(), &Location::local()),
    };
    if let Some(layout) = arguments.get(1).and_then(Value::as_str) {
        return Ok(time(read(layout)?));
    }
    let found = LAYOUTS.iter().find_map(|layout| read(layout).ok());
    found.map(time).ok_or_else(|| format!("invalid date {date}").into())
}

pub(super) fn method(budget: &mut Budget, value: &Value, name: &str, arguments: &[Value]) -> Answer {
    let answer = match value {
        Value::Time(moment) => of_time(budget, moment, name, arguments)?,
        Value::Duration(nanos) => of_duration(*nanos, name, arguments),
        Value::Zone(zone) if name == "String" && arguments.is_empty() => Some(Value::text(zone.name())),
        _ => None,
    };
    answer.ok_or_else(|| match value {
        Value::Time(_) | Value::Duration(_) | Value::Zone(_) if !arguments.is_empty() => {
            format!("type {} has no method {name} for these arguments", value.type_name()).into()
        }
        _ => format!("type {} has no method {name}", value.type_name()).into(),
    })
}

fn of_time(budget: &mut Budget, moment: &Moment, name: &str, arguments: &[Value]) -> Result<Option<Value>, Text> {
    let civil = moment.civil();
    Ok(Some(match (name, arguments) {
        ("Year", []) => Value::Int(civil.year),
        ("Month", []) => Value::Int(civil.month),
        ("Day", []) => Value::Int(civil.day),
        ("Hour", []) => Value::Int(civil.hour),
        ("Minute", []) => Value::Int(civil.minute),
        ("Second", []) => Value::Int(civil.second),
        ("Nanosecond", []) => Value::Int(moment.nanos.into()),
        ("Weekday", []) => Value::Int(civil.weekday),
        ("YearDay", []) => Value::Int(civil.year_day),
        ("Unix", []) => Value::Int(moment.unix),
        ("UnixMilli", []) => Value::Int((moment.total() / 1_000_000) as i64),
        ("UnixMicro", []) => Value::Int((moment.total() / 1_000) as i64),
        ("UnixNano", []) => Value::Int(moment.total() as i64),
        ("IsZero", []) => Value::Bool(moment.is_zero()),
        ("UTC", []) => time(moment.within(Location::utc())),
        ("Local", []) => time(moment.within(Location::local())),
        ("String", []) => Value::text(&Value::Time(Arc::new(moment.clone())).to_string()),
        ("In", [Value::Zone(zone)]) => time(moment.within(zone.clone())),
        ("Add", [Value::Duration(nanos)]) => time(moment.add(*nanos)),
        ("Sub", [Value::Time(other)]) => Value::Duration(moment.since(other)),
        ("AddDate", [Value::Int(years), Value::Int(months), Value::Int(days)]) => {
            time(moment.add_date(*years, *months, *days))
        }
        ("Before", [Value::Time(other)]) => Value::Bool(moment.total() < other.total()),
        ("After", [Value::Time(other)]) => Value::Bool(moment.total() > other.total()),
        ("Equal", [Value::Time(other)]) => Value::Bool(moment.total() == other.total()),
        ("Truncate", [Value::Duration(nanos)]) => time(moment.truncate(*nanos)),
        ("Round", [Value::Duration(nanos)]) => time(moment.round(*nanos)),
        ("Format", [Value::Str(layout)]) => {
            budget.text(layout.len().saturating_mul(4))?;
            Value::Str(layout::format(moment, layout).into())
        }
        _ => return Ok(None),
    }))
}

fn of_duration(nanos: i64, name: &str, arguments: &[Value]) -> Option<Value> {
    let per = |unit: i64| Value::Float(nanos as f64 / unit as f64);
    Some(match (name, arguments) {
        ("Hours", []) => per(durations::HOUR),
        ("Minutes", []) => per(durations::MINUTE),
        ("Seconds", []) => per(durations::SECOND),
        ("Milliseconds", []) => Value::Int(nanos / durations::MILLISECOND),
        ("Microseconds", []) => Value::Int(nanos / durations::MICROSECOND),
        ("Nanoseconds", []) => Value::Int(nanos),
        ("Abs", []) => Value::Duration(nanos.saturating_abs()),
        ("String", []) => Value::text(&durations::format(nanos)),
        _ => return None,
    })
}
