//! Durations: signed nanoseconds, their text, and reading it.

pub const MICROSECOND: i64 = 1_000;
pub const MILLISECOND: i64 = 1_000_000;
pub const SECOND: i64 = 1_000_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

/// Text such as `1h30m0s`, `1.5s`, `250ms`, `0s`.
pub fn format(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let n = nanos.unsigned_abs();
    let fraction = |value: u64, unit: u64| {
        let (whole, rest) = (value / unit, value % unit);
        if rest == 0 {
            return whole.to_string();
        }
        let digits = unit.ilog10() as usize;
        format!("{whole}.{}", format!("{rest:0digits$}").trim_end_matches('0'))
    };
    if n < SECOND as u64 {
        let (unit, name) = match n {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (MICROSECOND as u64, "µs"),
            _ => (MILLISECOND as u64, "ms"),
        };
        return format!("{sign}{}{name}", fraction(n, unit));
    }
    let seconds = format!("{}s", fraction(n % MINUTE as u64, SECOND as u64));
    let (hours, minutes) = (n / HOUR as u64, n / MINUTE as u64 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}"),
        (0, m) => format!("{sign}{m}m{seconds}"),
        (h, m) => format!("{sign}{h}h{m}m{seconds}"),
    }
}

/// Reads `[-+]` and numbers with units, or `0`. Errors: the text programs see.
pub fn parse(text: &str) -> Result<i64, String> {
    let bad = || format!("time: invalid duration {}", crate::layout::quote(text));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(bad());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(number);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(bad());
        }
        let unit_end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (name, next) = after.split_at(unit_end);
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", crate::layout::quote(text)));
        }
        let unit = match name {
            "ns" => 1,
            "us" | "µs" | "μs" => MICROSECOND,
            "ms" => MILLISECOND,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            _ => {
                let (name, text) = (crate::layout::quote(name), crate::layout::quote(text));
                return Err(format!("time: unknown unit {name} in duration {text}"));
            }
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| bad())? };
        total = total.checked_add(whole.checked_mul(unit.into()).ok_or_else(bad)?).ok_or_else(bad)?;
        // More digits than these are below a nanosecond of an hour.
        let fraction = &fraction[..fraction.len().min(18)];
        if !fraction.is_empty() {
            let scale = 10_i128.pow(fraction.len() as u32);
            total += fraction.parse::<i128>().map_err(|_| bad())? * i128::from(unit) / scale;
        }
        if total > 1 << 63 {
            return Err(bad());
        }
        rest = next;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| bad())
}
