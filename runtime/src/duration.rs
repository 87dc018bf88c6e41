//! Durations as text, in Go's grammar: `1h30m`, `1.5s`, `250ms`, `-2us`, `0`.
//!
//! Values are whole nanoseconds in an `i64`, which reaches about 292 years
//! either way. Parsing and formatting are exact inverses. Knows no clock.

use crate::error::{Error, Result};

const SECOND: u64 = 1_000_000_000;

/// Parses a duration text into nanoseconds.
///
/// Errors are `Invalid`: `time: invalid duration "x"`, `time: missing unit in
/// duration "5"`, `time: unknown unit "d" in duration "1d"`.
pub fn parse(text: &str) -> Result<i64> {
    let invalid = || Error::invalid(format!("time: invalid duration {text:?}"));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole_end = digits(rest);
        let (whole_text, after) = rest.split_at(whole_end);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(tail) => tail.split_at(digits(tail)),
            None => ("", after),
        };
        if whole_text.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit_text, tail) = after.split_at(unit_end);
        if unit_text.is_empty() {
            return Err(Error::invalid(format!("time: missing unit in duration {text:?}")));
        }
        let unit = unit(unit_text)
            .ok_or_else(|| Error::invalid(format!("time: unknown unit {unit_text:?} in duration {text:?}")))?;
        let whole: u64 = if whole_text.is_empty() { 0 } else { whole_text.parse().map_err(|_| invalid())? };
        let part = whole.checked_mul(unit).and_then(|n| n.checked_add(fraction_of(fraction, unit)));
        total = part.and_then(|n| total.checked_add(n)).filter(|n| *n <= 1 << 63).ok_or_else(invalid)?;
        rest = tail;
    }
    if negative {
        return Ok((total as i64).wrapping_neg());
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// The leading decimal digits, as a byte count.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn unit(text: &str) -> Option<u64> {
    Some(match text {
        "ns" => 1,
        // U+00B5 micro sign and U+03BC Greek mu are both in use.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        _ => return None,
    })
}

/// `0.<digits>` of a unit, in nanoseconds. Digits beyond what a nanosecond of
/// an hour can show are ignored.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let digits = &digits[..digits.len().min(18)];
    let scale = 10u128.pow(digits.len() as u32);
    let value: u128 = digits.parse().unwrap_or(0);
    (value * u128::from(unit) / scale) as u64
}

/// The shortest text with whole units: `1h30m0s`, `1.5s`, `250ms`, `0s`.
pub fn format(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let n = nanoseconds.unsigned_abs();
    if n < SECOND {
        let (unit, name) = match n {
            0 => return "0s".into(),
            1..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "\u{b5}s"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{name}", decimal(n, unit));
    }
    let (hours, minutes) = (n / (3600 * SECOND), n / (60 * SECOND) % 60);
    let seconds = decimal(n % (60 * SECOND), SECOND);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, m) => format!("{sign}{m}m{seconds}s"),
        (h, m) => format!("{sign}{h}h{m}m{seconds}s"),
    }
}

/// `n / unit` without trailing zeros; `unit` is a power of ten.
fn decimal(n: u64, unit: u64) -> String {
    let (whole, fraction) = (n / unit, n % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let text = format!("{whole}.{fraction:0width$}");
    text.trim_end_matches('0').to_owned()
}

/// Parses a duration that must not be negative.
pub fn parse_std(text: &str) -> Result<std::time::Duration> {
    let n = parse(text)?;
    let n = u64::try_from(n).map_err(|_| Error::invalid(format!("duration must not be negative: {text:?}")))?;
    Ok(std::time::Duration::from_nanos(n))
}

/// [`format()`] for a [`std::time::Duration`]; longer ones are cut to the greatest value.
pub fn format_std(duration: std::time::Duration) -> String {
    format(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_table() {
        let cases = [
            ("0", 0),
            ("+0", 0),
            ("-0", 0),
            ("5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("-1.5h", -5_400_000_000_000),
            ("250ms", 250_000_000),
            ("1us", 1_000),
            ("1\u{b5}s", 1_000),
            ("1\u{3bc}s", 1_000),
            ("3ns", 3),
            ("0.1ns", 0),
            ("1h1h", 7_200_000_000_000),
            ("0.3333333333333333333h", 1_200_000_000_000 - 1),
            ("-9223372036854775808ns", i64::MIN),
            ("9223372036854775807ns", i64::MAX),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), Ok(want), "{text:?}");
        }
    }

    #[test]
    fn error_table() {
        let cases = [
            ("", r#"time: invalid duration """#),
            ("x", r#"time: invalid duration "x""#),
            ("-", r#"time: invalid duration "-""#),
            (".s", r#"time: invalid duration ".s""#),
            ("5", r#"time: missing unit in duration "5""#),
            ("1.5", r#"time: missing unit in duration "1.5""#),
            ("1d", r#"time: unknown unit "d" in duration "1d""#),
            ("1 s", r#"time: unknown unit " s" in duration "1 s""#),
            ("1s ", r#"time: unknown unit "s " in duration "1s ""#),
            ("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#),
            ("3000000h", r#"time: invalid duration "3000000h""#),
            ("99999999999999999999s", r#"time: invalid duration "99999999999999999999s""#),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text).unwrap_err().to_string(), want, "{text:?}");
        }
    }

    #[test]
    fn format_table() {
        let cases = [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5\u{b5}s"),
            (250_000_000, "250ms"),
            (1_500_000_000, "1.5s"),
            (5_400_000_000_000, "1h30m0s"),
            (60_000_000_000, "1m0s"),
            (-2_000_000, "-2ms"),
            (i64::MIN, "-2562047h47m16.854775808s"),
            (i64::MAX, "2562047h47m16.854775807s"),
        ];
        for (n, want) in cases {
            assert_eq!(format(n), want);
        }
    }

    proptest::proptest! {
        #[test]
        fn round_trip(n: i64) {
            proptest::prop_assert_eq!(parse(&format(n)), Ok(n));
        }
        #[test]
        fn any_text_is_handled(text: String) {
            let _ = parse(&text);
        }
    }
}
