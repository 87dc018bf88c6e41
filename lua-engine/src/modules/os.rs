//! The `os` table: the part of the C library that tells the time.

use super::time::{Civil, Location, MONTHS, Moment, WEEKDAYS, seconds};
use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Raise, Ret};

pub static MODULE: Module = Module {
    name: "os",
    value: ModuleValue::Table(&[
        member!("time", time),
        member!("date", date),
        member!("clock", clock),
        member!("difftime", difftime),
        Member::str("platform", "wippy"),
    ]),
    class: &["time", "workflow"],
    description: "Wall clock and its text",
};

fn now(call: &Call<'_>) -> i64 {
    call.state().surroundings().unix_nanos().div_euclid(1_000_000_000)
}

fn time(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut at = now(call);
    if !call.is_nil_or_none(1) {
        call.table(1)?;
        let local = Location::local();
        let today = Moment { unix: at, nanos: 0, location: local.clone() }.civil();
        let mut f = [today.year, today.month, today.day, 0, 0, 0];
        for (field, name) in f.iter_mut().zip(["year", "month", "day", "hour", "min", "sec"]) {
            call.get_field(1, name);
            if let Some(n) = call.number(-1) {
                *field = n as i64;
            }
            call.pop(1);
        }
        at = local.to_unix(seconds(f[0], f[1], f[2], f[3], f[4], f[5], 0).0);
    }
    call.push_float(at as f64);
    Ok(Ret::ONE)
}

fn date(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let format = if call.is_nil_or_none(1) { "%c".into() } else { call.text(1)? };
    let at = call.opt_int(2)?.unwrap_or_else(|| now(call));
    let (format, location) = match format.strip_prefix('!') {
        Some(rest) => (rest, Location::utc()),
        None => (&*format, Location::local()),
    };
    let offset = location.offset(at);
    let c = Civil::from_seconds(at.saturating_add(offset));
    if format.starts_with("*t") {
        push_table(call, &c, offset != 0);
        return Ok(Ret::ONE);
    }
    let mut out = String::with_capacity(format.len() + 16);
    let mut rest = format.chars();
    while let Some(ch) = rest.next() {
        match (ch, rest.as_str().chars().next()) {
            ('%', Some(specifier)) => {
                rest.next();
                match expand(specifier, &c, offset, &location, at) {
                    Some(text) => out.push_str(&text),
                    None => out.extend(['%', specifier]),
                }
            }
            _ => out.push(ch),
        }
    }
    call.push_str(out);
    Ok(Ret::ONE)
}

fn push_table(call: &Call<'_>, c: &Civil, dst: bool) {
    call.push_table(0, 9);
    let fields = [
        ("year", c.year),
        ("month", c.month),
        ("day", c.day),
        ("hour", c.hour),
        ("min", c.minute),
        ("sec", c.second),
        ("wday", c.weekday + 1),
        ("yday", c.year_day),
    ];
    for (name, n) in fields {
        call.push_float(n as f64);
        call.set_field(-2, name);
    }
    call.push_bool(dst);
    call.set_field(-2, "isdst");
}

fn expand(specifier: char, c: &Civil, offset: i64, location: &Location, at: i64) -> Option<String> {
    let month = MONTHS[(c.month - 1) as usize];
    let weekday = WEEKDAYS[c.weekday as usize];
    let clock = format!("{:02}:{:02}:{:02}", c.hour, c.minute, c.second);
    let hour12 = if c.hour % 12 == 0 { 12 } else { c.hour % 12 };
    let two = |n: i64| format!("{n:02}");
    Some(match specifier {
        'a' => weekday[..3].to_owned(),
        'A' => weekday.to_owned(),
        'b' => month[..3].to_owned(),
        'B' => month.to_owned(),
        'c' => format!("{} {} {:2} {clock} {}", &weekday[..3], &month[..3], c.day, c.year),
        'd' => two(c.day),
        'H' => two(c.hour),
        'I' => two(hour12),
        'j' => format!("{:03}", c.year_day),
        'm' => two(c.month),
        'M' => two(c.minute),
        'p' => (if c.hour < 12 { "AM" } else { "PM" }).to_owned(),
        'S' => two(c.second),
        'U' | 'W' => two(c.iso_week()),
        'w' => c.weekday.to_string(),
        'x' => format!("{:02}/{:02}/{:02}", c.month, c.day, c.year.rem_euclid(100)),
        'X' => clock,
        'y' => two(c.year.rem_euclid(100)),
        'Y' => c.year.to_string(),
        'z' => {
            let sign = if offset < 0 { '-' } else { '+' };
            format!("{sign}{:02}{:02}", offset.abs() / 3600, offset.abs() / 60 % 60)
        }
        'Z' => location.at(at).1,
        '%' => "%".to_owned(),
        _ => return None,
    })
}

fn clock(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_float(call.state().surroundings().uptime_nanos() as f64 / 1e9);
    Ok(Ret::ONE)
}

fn difftime(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let from = if call.is_nil_or_none(2) { 0.0 } else { call.float(2)? };
    call.push_float(call.float(1)? - from);
    Ok(Ret::ONE)
}
