//! The layout language: the reference moment Mon Jan 2 15:04:05 2006 -0700 MST
//! written the way the text should look. Splitting, formatting and parsing
//! follow the original step by step, since programs see its corner cases.

use crate::civil::{Civil, MONTHS, WEEKDAYS, days_in, is_leap, seconds};
use crate::location::Location;
use crate::moment::Moment;

/// An element of a layout.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    LongYear,
    Year,
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    UpperHalf,
    LowerHalf,
    ZoneName,
    /// Numeric zone; `utc` writes `Z` for UTC.
    Zone {
        utc: bool,
        shape: Shape,
    },
    /// Fraction of a second with its number of digits; `trim` leaves trailing zeros out.
    Fraction {
        trim: bool,
        digits: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

const ZONES: [(&str, Shape); 5] = [
    ("070000", Shape::Seconds),
    ("07:00:00", Shape::ColonSeconds),
    ("0700", Shape::Minutes),
    ("07:00", Shape::ColonMinutes),
    ("07", Shape::Hours),
];

/// Literal text before the first element, the element with its text, and the rest.
fn next(layout: &str) -> (&str, Option<(Element, &str)>, &str) {
    for (i, _) in layout.char_indices() {
        if let Some((skip, element, length)) = element_at(&layout[i..]) {
            let start = i + skip;
            return (&layout[..start], Some((element, &layout[start..start + length])), &layout[start + length..]);
        }
    }
    (layout, None, "")
}

/// The element at the start of `s`: literal bytes to skip first, element, length.
fn element_at(s: &str) -> Option<(usize, Element, usize)> {
    use Element::*;
    let lower = |n: usize| s.as_bytes().get(n).is_some_and(u8::is_ascii_lowercase);
    let found = match s.as_bytes()[0] {
        b'J' if s.starts_with("January") => (LongMonth, 7),
        b'J' if s.starts_with("Jan") && !lower(3) => (Month, 3),
        b'M' if s.starts_with("Monday") => (LongWeekday, 6),
        b'M' if s.starts_with("Mon") && !lower(3) => (Weekday, 3),
        b'M' if s.starts_with("MST") => (ZoneName, 3),
        b'0' if s.starts_with("002") => (ZeroYearDay, 3),
        b'0' => match s.as_bytes().get(1)? {
            b'1' => (ZeroMonth, 2),
            b'2' => (ZeroDay, 2),
            b'3' => (ZeroHour12, 2),
            b'4' => (ZeroMinute, 2),
            b'5' => (ZeroSecond, 2),
            b'6' => (Year, 2),
            _ => return None,
        },
        b'1' if s.starts_with("15") => (Hour, 2),
        b'1' => (NumMonth, 1),
        b'2' if s.starts_with("2006") => (LongYear, 4),
        b'2' => (Day, 1),
        b'_' if s.starts_with("_2006") => return Some((1, LongYear, 4)),
        b'_' if s.starts_with("_2") => (UnderDay, 2),
        b'_' if s.starts_with("__2") => (UnderYearDay, 3),
        b'3' => (Hour12, 1),
        b'4' => (Minute, 1),
        b'5' => (Second, 1),
        b'P' if s.starts_with("PM") => (UpperHalf, 2),
        b'p' if s.starts_with("pm") => (LowerHalf, 2),
        sign @ (b'-' | b'Z') => {
            let (text, shape) = ZONES.iter().find(|(text, _)| s[1..].starts_with(text))?;
            (Zone { utc: sign == b'Z', shape: *shape }, 1 + text.len())
        }
        b'.' | b',' => {
            let digit = *s.as_bytes().get(1)?;
            if digit != b'0' && digit != b'9' {
                return None;
            }
            let digits = s.as_bytes()[1..].iter().take_while(|b| **b == digit).count();
            if s.as_bytes().get(1 + digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            (Fraction { trim: digit == b'9', digits }, 1 + digits)
        }
        _ => return None,
    };
    Some((0, found.0, found.1))
}

/// The text of a moment.
pub fn format(t: &Moment, layout: &str) -> String {
    let (offset, zone) = t.location.at(t.unix);
    let c = Civil::from_seconds(t.unix + offset);
    let mut out = String::with_capacity(layout.len() + 10);
    let mut rest = layout;
    loop {
        let (prefix, element, after) = next(rest);
        out.push_str(prefix);
        let Some((element, text)) = element else { return out };
        rest = after;
        write(&mut out, element, text, &c, t.nanos, offset, &zone);
    }
}

fn write(out: &mut String, element: Element, text: &str, c: &Civil, nanos: u32, offset: i64, zone: &str) {
    use Element::*;
    let hour12 = if c.hour % 12 == 0 { 12 } else { c.hour % 12 };
    let month = MONTHS[(c.month - 1) as usize];
    let weekday = WEEKDAYS[c.weekday as usize];
    let number = match element {
        LongYear if c.year < 0 => format!("-{:04}", -c.year),
        LongYear => format!("{:04}", c.year),
        Year => format!("{:02}", c.year.abs() % 100),
        LongMonth => month.to_owned(),
        Month => month[..3].to_owned(),
        NumMonth => c.month.to_string(),
        ZeroMonth => format!("{:02}", c.month),
        LongWeekday => weekday.to_owned(),
        Weekday => weekday[..3].to_owned(),
        Day => c.day.to_string(),
        UnderDay => format!("{:2}", c.day),
        ZeroDay => format!("{:02}", c.day),
        UnderYearDay => format!("{:3}", c.year_day),
        ZeroYearDay => format!("{:03}", c.year_day),
        Hour => format!("{:02}", c.hour),
        Hour12 => hour12.to_string(),
        ZeroHour12 => format!("{hour12:02}"),
        Minute => c.minute.to_string(),
        ZeroMinute => format!("{:02}", c.minute),
        Second => c.second.to_string(),
        ZeroSecond => format!("{:02}", c.second),
        UpperHalf => (if c.hour >= 12 { "PM" } else { "AM" }).to_owned(),
        LowerHalf => (if c.hour >= 12 { "pm" } else { "am" }).to_owned(),
        ZoneName if !zone.is_empty() => zone.to_owned(),
        ZoneName => numeric_zone(offset, Shape::Minutes),
        Zone { utc: true, .. } if offset == 0 => "Z".to_owned(),
        Zone { shape, .. } => numeric_zone(offset, shape),
        Fraction { trim, digits } => fraction(&text[..1], nanos, digits, trim),
    };
    out.push_str(&number);
}

fn numeric_zone(offset: i64, shape: Shape) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let (h, m, s) = (offset.abs() / 3600, offset.abs() / 60 % 60, offset.abs() % 60);
    match shape {
        Shape::Hours => format!("{sign}{h:02}"),
        Shape::Minutes => format!("{sign}{h:02}{m:02}"),
        Shape::ColonMinutes => format!("{sign}{h:02}:{m:02}"),
        Shape::Seconds => format!("{sign}{h:02}{m:02}{s:02}"),
        Shape::ColonSeconds => format!("{sign}{h:02}:{m:02}:{s:02}"),
    }
}

fn fraction(separator: &str, nanos: u32, digits: usize, trim: bool) -> String {
    let all = format!("{nanos:09}");
    let text = &all[..digits.min(9)];
    if !trim {
        return format!("{separator}{text}{}", "0".repeat(digits.saturating_sub(9)));
    }
    match text.trim_end_matches('0') {
        "" => String::new(),
        text => format!("{separator}{text}"),
    }
}

/// Text in double quotes, as the messages show it.
pub fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let mut bytes = [0; 4];
                for b in c.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("\\x{b:02x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// Why an element was not understood.
enum Fault {
    Bad,
    Range(&'static str),
}

/// What has been read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone: Option<String>,
}

/// Reads `value`. Without a zone in the text the moment is in `default`; a zone is looked up in `local`.
/// Errors: the text programs see.
pub fn parse(layout: &str, value: &str, default: &Location, local: &Location) -> Result<Moment, String> {
    let cannot = |rest: &str, element: &str| {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(value),
            quote(layout),
            quote(rest),
            quote(element)
        )
    };
    let wrong = |what: &str| format!("parsing time {}: {what}", quote(value));
    let mut fields = Fields::default();
    let (mut pattern, mut text) = (layout, value);
    loop {
        let (prefix, element, after) = next(pattern);
        text = skip(text, prefix).map_err(|rest| cannot(rest, prefix))?;
        let Some((element, element_text)) = element else { break };
        pattern = after;
        let hold = text;
        match fields.read(element, &mut text, pattern) {
            Ok(()) => {}
            Err(Fault::Bad) => return Err(cannot(hold, element_text)),
            Err(Fault::Range(what)) => return Err(wrong(&format!("{what} out of range"))),
        }
    }
    if !text.is_empty() {
        return Err(wrong(&format!("extra text: {}", quote(text))));
    }
    fields.finish(default, local).map_err(wrong)
}

/// Drops the literal `prefix` from `value`; blanks match any number of blanks. Errors: what was left.
fn skip<'v>(mut value: &'v str, mut prefix: &str) -> Result<&'v str, &'v str> {
    while let Some(c) = prefix.chars().next() {
        if c == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            prefix = prefix.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(c).ok_or(value)?;
        prefix = &prefix[c.len_utf8()..];
    }
    Ok(value)
}

fn digit(s: &str, i: usize) -> Option<i64> {
    s.as_bytes().get(i).filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0'))
}

/// One or two digits, two if `fixed`.
fn two_digits(s: &mut &str, fixed: bool) -> Result<i64, Fault> {
    let first = digit(s, 0).ok_or(Fault::Bad)?;
    let (n, length) = match digit(s, 1) {
        Some(second) => (first * 10 + second, 2),
        None if fixed => return Err(Fault::Bad),
        None => (first, 1),
    };
    *s = &s[length..];
    Ok(n)
}

fn exact(s: &mut &str, n: usize) -> Result<i64, Fault> {
    let digits = s.get(..n).filter(|d| d.bytes().all(|b| b.is_ascii_digit())).ok_or(Fault::Bad)?;
    *s = &s[n..];
    digits.parse().map_err(|_| Fault::Bad)
}

fn within(n: i64, last: i64, what: &'static str) -> Result<i64, Fault> {
    if (0..=last).contains(&n) { Ok(n) } else { Err(Fault::Range(what)) }
}

/// The index of the name that `s` starts with, in any case, or of its first `length` letters.
fn name(s: &mut &str, names: &[&str], length: usize) -> Result<i64, Fault> {
    for (i, name) in names.iter().enumerate() {
        let name = &name[..length.min(name.len())];
        if s.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
            *s = &s[name.len()..];
            return Ok(i as i64);
        }
    }
    Err(Fault::Bad)
}

/// A fraction of `length` bytes with its separator, as nanoseconds; digits after the ninth are dropped.
fn nanoseconds(s: &mut &str, length: usize) -> Result<i64, Fault> {
    let text = s.get(..length).filter(|t| t.starts_with(['.', ','])).ok_or(Fault::Bad)?;
    let digits = &text[1..text.len().min(10)];
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::Bad);
    }
    *s = &s[length..];
    let n: i64 = digits.parse().map_err(|_| Fault::Bad)?;
    Ok(n * 10_i64.pow(9 - digits.len() as u32))
}

fn fraction_length(s: &str) -> Option<usize> {
    let digits = s.strip_prefix(['.', ','])?.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then_some(1 + digits)
}

impl Fields {
    fn read(&mut self, element: Element, s: &mut &str, pattern: &str) -> Result<(), Fault> {
        use Element::*;
        match element {
            Year => {
                let y = exact(s, 2)?;
                self.year = if y >= 69 { y + 1900 } else { y + 2000 };
            }
            LongYear => self.year = exact(s, 4)?,
            Month => self.month = Some(name(s, &MONTHS, 3)? + 1),
            LongMonth => self.month = Some(name(s, &MONTHS, 9)? + 1),
            NumMonth | ZeroMonth => {
                let m = two_digits(s, element == ZeroMonth)?;
                if !(1..=12).contains(&m) {
                    return Err(Fault::Range("month"));
                }
                self.month = Some(m);
            }
            Weekday => drop(name(s, &WEEKDAYS, 3)?),
            LongWeekday => drop(name(s, &WEEKDAYS, 9)?),
            Day | UnderDay | ZeroDay => {
                if element == UnderDay {
                    *s = s.strip_prefix(' ').unwrap_or(s);
                }
                self.day = Some(two_digits(s, element == ZeroDay)?);
            }
            UnderYearDay | ZeroYearDay => {
                for _ in 0..2 {
                    if element == UnderYearDay {
                        *s = s.strip_prefix(' ').unwrap_or(s);
                    }
                }
                let digits = s.bytes().take(3).take_while(u8::is_ascii_digit).count();
                if digits == 0 || (element == ZeroYearDay && digits != 3) {
                    return Err(Fault::Bad);
                }
                self.year_day = Some(exact(s, digits)?);
            }
            Hour => self.hour = within(two_digits(s, false)?, 23, "hour")?,
            Hour12 | ZeroHour12 => self.hour = within(two_digits(s, element == ZeroHour12)?, 12, "hour")?,
            Minute | ZeroMinute => self.minute = within(two_digits(s, element == ZeroMinute)?, 59, "minute")?,
            Second | ZeroSecond => {
                self.second = within(two_digits(s, element == ZeroSecond)?, 59, "second")?;
                // A fraction may follow even when the layout has none.
                let asked = matches!(next(pattern).1, Some((Fraction { .. }, _)));
                if let Some(length) = fraction_length(s).filter(|_| !asked) {
                    self.nanos = nanoseconds(s, length)?;
                }
            }
            UpperHalf | LowerHalf => self.afternoon = Some(half(s, element == UpperHalf)?),
            ZoneName => self.zone_name(s)?,
            Zone { utc, shape } => self.zone(s, utc, shape)?,
            Fraction { trim: false, digits } => self.nanos = nanoseconds(s, 1 + digits)?,
            Fraction { .. } => {
                if let Some(length) = fraction_length(s) {
                    self.nanos = nanoseconds(s, length)?;
                }
            }
        }
        Ok(())
    }
    fn zone(&mut self, s: &mut &str, utc: bool, shape: Shape) -> Result<(), Fault> {
        if utc && s.starts_with('Z') {
            *s = &s[1..];
            self.utc = true;
            return Ok(());
        }
        let sign = match s.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(Fault::Bad),
        };
        *s = &s[1..];
        let colon = |s: &mut &str| -> Result<(), Fault> {
            *s = s.strip_prefix(':').ok_or(Fault::Bad)?;
            Ok(())
        };
        let (h, mut m, mut sec) = (exact(s, 2)?, 0, 0);
        if matches!(shape, Shape::ColonMinutes | Shape::ColonSeconds) {
            colon(s)?;
        }
        if shape != Shape::Hours {
            m = exact(s, 2)?;
        }
        if shape == Shape::ColonSeconds {
            colon(s)?;
        }
        if matches!(shape, Shape::Seconds | Shape::ColonSeconds) {
            sec = exact(s, 2)?;
        }
        within(h, 24, "time zone offset hour")?;
        within(m, 60, "time zone offset minute")?;
        within(sec, 60, "time zone offset second")?;
        self.offset = Some(sign * (h * 3600 + m * 60 + sec));
        Ok(())
    }
    fn zone_name(&mut self, s: &mut &str) -> Result<(), Fault> {
        if let Some(rest) = s.strip_prefix("UTC") {
            *s = rest;
            self.utc = true;
            return Ok(());
        }
        let length = abbreviation(s).ok_or(Fault::Bad)?;
        self.zone = Some(s[..length].to_owned());
        *s = &s[length..];
        Ok(())
    }
    fn finish(mut self, default: &Location, local: &Location) -> Result<Moment, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        if let Some(year_day) = self.year_day {
            self.apply_year_day(year_day)?;
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if day < 1 || day > days_in(self.year, month) {
            return Err("day out of range");
        }
        let (at, nanos) = seconds(self.year, month, day, self.hour, self.minute, self.second, self.nanos);
        let moment = |unix, location| Moment { unix, nanos, location };
        if self.utc {
            return Ok(moment(at, Location::utc()));
        }
        let zone = self.zone.unwrap_or_default();
        if let Some(offset) = self.offset {
            let unix = at - offset;
            let (here, abbreviation) = local.at(unix);
            let known = here == offset && (zone.is_empty() || zone == abbreviation);
            return Ok(moment(unix, if known { local.clone() } else { Location::fixed(&zone, offset) }));
        }
        if !zone.is_empty() {
            if let Some(offset) = local.offset_named(&zone, at) {
                return Ok(moment(at - offset, local.clone()));
            }
            let hours: i64 = zone.strip_prefix("GMT").and_then(|h| h.parse().ok()).unwrap_or(0);
            return Ok(moment(at, Location::fixed(&zone, hours * 3600)));
        }
        Ok(moment(default.to_unix(at), default.clone()))
    }
    fn apply_year_day(&mut self, year_day: i64) -> Result<(), &'static str> {
        if year_day < 1 || year_day > 365 + i64::from(is_leap(self.year)) {
            return Err("day-of-year out of range");
        }
        let (mut month, mut day) = (1, year_day);
        while day > days_in(self.year, month) {
            day -= days_in(self.year, month);
            month += 1;
        }
        if self.month.is_some_and(|m| m != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|d| d != day) {
            return Err("day-of-year does not match day");
        }
        (self.month, self.day) = (Some(month), Some(day));
        Ok(())
    }
}

fn half(s: &mut &str, upper: bool) -> Result<bool, Fault> {
    let (am, pm) = if upper { ("AM", "PM") } else { ("am", "pm") };
    let afternoon = s.starts_with(pm);
    if !afternoon && !s.starts_with(am) {
        return Err(Fault::Bad);
    }
    *s = &s[2..];
    Ok(afternoon)
}

/// Length of the zone abbreviation that `s` starts with.
fn abbreviation(s: &str) -> Option<usize> {
    if s.starts_with("ChST") || s.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = s.strip_prefix("GMT") {
        return Some(3 + signed_hours(rest));
    }
    if s.starts_with(['+', '-']) {
        return Some(signed_hours(s)).filter(|n| *n > 0);
    }
    let letters = s.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match letters {
        5 if s.as_bytes()[4] == b'T' => Some(5),
        4 if s.as_bytes()[3] == b'T' || s.starts_with("WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// Length of `+3` or `-11`; 0 for anything else.
fn signed_hours(s: &str) -> usize {
    let Some(rest) = s.strip_prefix(['+', '-']) else { return 0 };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match rest[..digits].parse::<u32>() {
        Ok(0..=23) => 1 + digits,
        _ => 0,
    }
}
