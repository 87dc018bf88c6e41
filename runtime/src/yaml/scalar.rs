//! What a scalar means: the type rules of the reference's YAML reader
//! (YAML 1.2 core types, plus octals with a leading zero, `0b`, `_` inside
//! numbers and timestamps from YAML 1.1; `yes` and `on` are text).

use super::Typing;
use crate::payload::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
    Str(String),
    Timestamp(Timestamp),
    Binary(Vec<u8>),
}

/// A moment as written, with its offset from UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Minutes east of UTC.
    offset: i32,
}

impl Scalar {
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Scalar::Null => "null",
            Scalar::Bool(_) => "boolean",
            Scalar::Int(_) | Scalar::Uint(_) => "integer",
            Scalar::Float(_) => "number",
            Scalar::Str(_) => "string",
            Scalar::Timestamp(_) => "timestamp",
            Scalar::Binary(_) => "bytes",
        }
    }

    pub(super) fn into_value(self, typing: Typing) -> Result<Value, String> {
        let json = typing == Typing::Json;
        Ok(match self {
            Scalar::Null => Value::Nil,
            Scalar::Bool(b) => Value::Bool(b),
            Scalar::Int(i) if json => Value::Float(i as f64),
            Scalar::Int(i) => Value::Int(i),
            Scalar::Uint(u) if typing == Typing::Guest => return Err(format!("integer {u} does not fit in 64 bits")),
            Scalar::Uint(u) => Value::Float(u as f64),
            Scalar::Float(f) if json && !f.is_finite() => {
                return Err("infinity and NaN cannot be written as JSON".into());
            }
            Scalar::Float(f) => Value::Float(f),
            Scalar::Str(s) => Value::Str(s),
            Scalar::Timestamp(t) if typing == Typing::Guest => match t.nanos {
                0 => Value::Int(t.unix_seconds()),
                n => Value::Float(t.unix_seconds() as f64 + f64::from(n) / 1e9),
            },
            Scalar::Timestamp(t) => Value::Str(t.to_string()),
            Scalar::Binary(b) => match String::from_utf8(b) {
                Ok(text) => Value::Str(text),
                Err(e) => Value::Bytes(e.into_bytes()),
            },
        })
    }
}

/// The type of an untagged plain scalar.
pub(super) fn resolve(text: &str) -> Scalar {
    let Some(first) = text.bytes().next() else { return Scalar::Null };
    match first {
        b'~' | b'n' | b'N' if matches!(text, "~" | "null" | "Null" | "NULL") => Scalar::Null,
        b't' | b'T' if matches!(text, "true" | "True" | "TRUE") => Scalar::Bool(true),
        b'f' | b'F' if matches!(text, "false" | "False" | "FALSE") => Scalar::Bool(false),
        b'0'..=b'9' | b'+' | b'-' | b'.' => resolve_number(text).unwrap_or_else(|| Scalar::Str(text.to_owned())),
        _ => Scalar::Str(text.to_owned()),
    }
}

fn resolve_number(text: &str) -> Option<Scalar> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Scalar::Float(f64::NEG_INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Some(Scalar::Float(f64::NAN)),
        _ => {}
    }
    if let Some(t) = Timestamp::parse(text) {
        return Some(Scalar::Timestamp(t));
    }
    let plain = text.replace('_', "");
    integer(&plain).or_else(|| is_float(&plain).then(|| plain.parse().ok().map(Scalar::Float)).flatten())
}

/// Base from the prefix: `0x`, `0o`, `0b`, a leading `0` (octal), else decimal.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None; // A second sign, which from_str_radix would take.
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(i)) => Some(Scalar::Int(i)),
        (false, Err(_)) => Some(Scalar::Uint(magnitude)),
        (true, Ok(i)) => Some(Scalar::Int(-i)),
        (true, Err(_)) if magnitude == 1 << 63 => Some(Scalar::Int(i64::MIN)),
        (true, Err(_)) => Some(Scalar::Float(-(magnitude as f64))),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa = match number.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !number.is_empty() && digits(number),
    };
    let exponent = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    mantissa && exponent
}

/// The value of a scalar with a core tag (`int` of `!!int`), or why there is none.
pub(super) fn tagged(tag: &str, text: &str) -> Result<Scalar, String> {
    let wrong = || format!("cannot read `{text}` as !!{tag}");
    Ok(match (tag, resolve(text)) {
        ("str", _) => Scalar::Str(text.to_owned()),
        ("binary", _) => {
            use base64::Engine as _;
            let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(compact);
            Scalar::Binary(bytes.map_err(|_| "!!binary value contains invalid base64 data".to_owned())?)
        }
        ("null", s @ Scalar::Null)
        | ("bool", s @ Scalar::Bool(_))
        | ("int", s @ (Scalar::Int(_) | Scalar::Uint(_)))
        | ("float", s @ Scalar::Float(_))
        | ("timestamp", s @ Scalar::Timestamp(_)) => s,
        ("float", Scalar::Int(i)) => Scalar::Float(i as f64),
        ("float", Scalar::Uint(u)) => Scalar::Float(u as f64),
        ("null" | "bool" | "int" | "float" | "timestamp", _) => return Err(wrong()),
        _ => Scalar::Str(text.to_owned()),
    })
}

impl Timestamp {
    /// `2006-1-2`, `2006-1-2 15:4:5.9` and `2006-1-2T15:4:5.9Z07:00` (or `t`).
    fn parse(text: &str) -> Option<Timestamp> {
        let b = text.as_bytes();
        if b.len() < 8 || b[4] != b'-' || !b[..4].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let year: i64 = text[..4].parse().ok()?;
        let (month, rest) = number(&text[5..])?;
        let (day, rest) = number(rest.strip_prefix('-')?)?;
        let mut t = Timestamp { year, month, day, hour: 0, minute: 0, second: 0, nanos: 0, offset: 0 };
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        if rest.is_empty() {
            return Some(t);
        }
        let zoned = !rest.starts_with(' ');
        let (hour, rest) = number(rest.strip_prefix([' ', 'T', 't'])?)?;
        let (minute, rest) = number(rest.strip_prefix(':')?)?;
        let (second, rest) = number(rest.strip_prefix(':')?)?;
        let rest = match rest.strip_prefix(['.', ',']) {
            None => rest,
            Some(fraction) => {
                let len = fraction.bytes().take_while(u8::is_ascii_digit).count();
                if len == 0 || len > 9 {
                    return None;
                }
                t.nanos = fraction[..len].parse::<u32>().ok()? * 10_u32.pow(9 - len as u32);
                &fraction[len..]
            }
        };
        (t.hour, t.minute, t.second) = (hour, minute, second);
        t.offset = match (zoned, rest) {
            (false, "") | (true, "Z") => 0,
            (true, zone) => {
                let sign = match zone.as_bytes().first()? {
                    b'+' => 1,
                    b'-' => -1,
                    _ => return None,
                };
                let (h, m) = zone[1..].split_once(':')?;
                if h.len() != 2 || m.len() != 2 {
                    return None;
                }
                let (h, m): (i32, i32) = (h.parse().ok()?, m.parse().ok()?);
                if !(0..24).contains(&h) || !(0..60).contains(&m) {
                    return None;
                }
                sign * (h * 60 + m)
            }
            _ => return None,
        };
        (hour < 24 && minute < 60 && second < 60).then_some(t)
    }

    pub fn unix_seconds(&self) -> i64 {
        // Days from civil, http://howardhinnant.github.io/date_algorithms.html
        let y = self.year - i64::from(self.month <= 2);
        let era = y.div_euclid(400);
        let yoe = y - era * 400;
        let mp = (i64::from(self.month) + 9) % 12;
        let doy = (153 * mp + 2) / 5 + i64::from(self.day) - 1;
        let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
        days * 86_400 + i64::from(self.hour * 3600 + self.minute * 60 + self.second) - i64::from(self.offset) * 60
    }
}

impl std::fmt::Display for Timestamp {
    /// RFC 3339 with the shortest fraction.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Timestamp { year, month, day, hour, minute, second, .. } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        match self.offset {
            0 => f.write_str("Z"),
            o => write!(f, "{}{:02}:{:02}", if o < 0 { '-' } else { '+' }, o.abs() / 60, o.abs() % 60),
        }
    }
}

/// One or two digits.
fn number(text: &str) -> Option<(u32, &str)> {
    let len = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((text[..len].parse().ok()?, &text[len..]))
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
