//! The Lua objects of the `time` module: Time, Duration, Location. All are immutable.

use wippy_calendar::{Location, Moment, PRINTED, RFC3339, duration, layout};

use super::duration_argument;
use crate::native::{Call, Function, Member, Object, Raise, Ret};
use crate::{member, native};

/// A moment.
pub struct TimeObject(pub Moment);

/// Nanoseconds.
pub struct DurationObject(pub i64);

/// A time zone.
pub struct LocationObject(pub Location);

impl Object for TimeObject {
    const EXPECTED: &'static str = "time";
    const METHODS: &'static [Member] = &[
        member!("add", add),
        member!("sub", sub),
        member!("add_date", add_date),
        member!("before", |c| compare(c, |a, b| a < b)),
        member!("after", |c| compare(c, |a, b| a > b)),
        member!("equal", |c| compare(c, |a, b| a == b)),
        member!("format", format),
        member!("format_rfc3339", |c| text(c, RFC3339)),
        member!("unix", |c| number(c, |t| t.unix as f64)),
        member!("unix_nano", |c| number(c, |t| t.total() as f64)),
        member!("date", date),
        member!("clock", clock),
        member!("year", |c| number(c, |t| t.civil().year as f64)),
        member!("month", |c| number(c, |t| t.civil().month as f64)),
        member!("day", |c| number(c, |t| t.civil().day as f64)),
        member!("hour", |c| number(c, |t| t.civil().hour as f64)),
        member!("minute", |c| number(c, |t| t.civil().minute as f64)),
        member!("second", |c| number(c, |t| t.civil().second as f64)),
        member!("nanosecond", |c| number(c, |t| t.nanos.into())),
        member!("weekday", |c| number(c, |t| t.civil().weekday as f64)),
        member!("year_day", |c| number(c, |t| t.civil().year_day as f64)),
        member!("is_zero", is_zero),
        member!("in_location", in_location),
        member!("utc", |c| within(c, Location::utc())),
        member!("in_local", |c| within(c, Location::local())),
        member!("location", location),
        member!("round", |c| stepped(c, Moment::round)),
        member!("truncate", |c| stepped(c, Moment::truncate)),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", |c| text(c, PRINTED))];
}

fn time<'a>(call: &Call<'a>) -> Result<&'a Moment, Raise> {
    Ok(&call.userdata::<TimeObject>(1)?.0)
}

fn push(call: &Call<'_>, moment: Moment) -> Result<Ret, Raise> {
    call.push_object(TimeObject(moment));
    Ok(Ret::ONE)
}

fn add(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let t = time(call)?;
    let d = duration_argument(call, 2).map_err(|e| call.bad_argument(2, e))?;
    push(call, t.add(d))
}

fn sub(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let t = time(call)?;
    call.push_object(DurationObject(t.since(&call.userdata::<TimeObject>(2)?.0)));
    Ok(Ret::ONE)
}

fn add_date(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let t = time(call)?;
    push(call, t.add_date(call.int(2)?, call.int(3)?, call.int(4)?))
}

fn compare(call: &mut Call<'_>, holds: fn(&i128, &i128) -> bool) -> Result<Ret, Raise> {
    let (a, b) = (time(call)?, &call.userdata::<TimeObject>(2)?.0);
    call.push_bool(holds(&a.total(), &b.total()));
    Ok(Ret::ONE)
}

fn text(call: &mut Call<'_>, layout_text: &str) -> Result<Ret, Raise> {
    call.push_str(layout::format(time(call)?, layout_text));
    Ok(Ret::ONE)
}

fn format(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let t = time(call)?;
    call.push_str(layout::format(t, &call.text(2)?));
    Ok(Ret::ONE)
}

fn number(call: &mut Call<'_>, f: fn(&Moment) -> f64) -> Result<Ret, Raise> {
    call.push_float(f(time(call)?));
    Ok(Ret::ONE)
}

fn date(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let c = time(call)?.civil();
    [c.year, c.month, c.day].into_iter().for_each(|n| call.push_float(n as f64));
    Ok(Ret::Values(3))
}

fn clock(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let c = time(call)?.civil();
    [c.hour, c.minute, c.second].into_iter().for_each(|n| call.push_float(n as f64));
    Ok(Ret::Values(3))
}

fn is_zero(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_bool(time(call)?.is_zero());
    Ok(Ret::ONE)
}

fn within(call: &mut Call<'_>, location: Location) -> Result<Ret, Raise> {
    push(call, time(call)?.within(location))
}

fn in_location(call: &mut Call<'_>) -> Result<Ret, Raise> {
    time(call)?;
    let location = call.userdata::<LocationObject>(2)?.0.clone();
    within(call, location)
}

fn location(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_object(LocationObject(time(call)?.location.clone()));
    Ok(Ret::ONE)
}

fn stepped(call: &mut Call<'_>, f: fn(&Moment, i64) -> Moment) -> Result<Ret, Raise> {
    let t = time(call)?;
    push(call, f(t, call.userdata::<DurationObject>(2)?.0))
}

impl Object for DurationObject {
    const EXPECTED: &'static str = "duration";
    const METHODS: &'static [Member] = &[
        member!("nanoseconds", |c| length(c, |n| n as f64)),
        member!("microseconds", |c| length(c, |n| (n / duration::MICROSECOND) as f64)),
        member!("milliseconds", |c| length(c, |n| (n / duration::MILLISECOND) as f64)),
        member!("seconds", |c| length(c, |n| n as f64 / 1e9)),
        member!("minutes", |c| length(c, |n| n as f64 / 60e9)),
        member!("hours", |c| length(c, |n| n as f64 / 3600e9)),
    ];
    const OPERATORS: &'static [Function] = &[native!("__tostring", |c: &mut Call<'_>| {
        call_duration(c).map(|d| {
            c.push_str(duration::format(d));
            Ret::ONE
        })
    })];
}

fn call_duration(call: &Call<'_>) -> Result<i64, Raise> {
    Ok(call.userdata::<DurationObject>(1)?.0)
}

fn length(call: &mut Call<'_>, f: fn(i64) -> f64) -> Result<Ret, Raise> {
    call.push_float(f(call_duration(call)?));
    Ok(Ret::ONE)
}

impl Object for LocationObject {
    const EXPECTED: &'static str = "location";
    const METHODS: &'static [Member] = &[member!("string", name)];
    const OPERATORS: &'static [Function] = &[native!("__tostring", name)];
}

fn name(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_str(call.userdata::<LocationObject>(1)?.0.name());
    Ok(Ret::ONE)
}
