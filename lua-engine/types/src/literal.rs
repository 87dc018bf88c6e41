//! Values of literals in a source, as far as types need them.

use crate::ty::Ty;

/// The type of a number literal.
pub fn number(text: &str) -> Ty {
    if let Some(value) = small_integer(text) {
        return Ty::Int(value);
    }
    let lower = text.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return match u64::from_str_radix(hex, 16) {
            Ok(n) => Ty::Int(n as i64),
            Err(_) => Ty::Number,
        };
    }
    if !lower.is_empty() && lower.bytes().all(|b| b.is_ascii_digit()) {
        let octal = lower.starts_with("00") && lower.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let value = if octal { i64::from_str_radix(&lower, 8).ok() } else { lower.parse::<i64>().ok() };
        if let Some(value) = value {
            return Ty::Int(value);
        }
    }
    match lower.parse::<f64>() {
        Ok(n) if n.is_finite() => Ty::Float(n.to_bits()),
        _ => Ty::Number,
    }
}

/// The value of what most number literals are: a few digits of which the first is no zero.
fn small_integer(text: &str) -> Option<i64> {
    let plain = text.len() < 10 && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The text of a string literal.
pub fn string(text: &str) -> String {
    let quoted = text.strip_prefix(['"', '\'']).map(|t| t.strip_suffix(['"', '\'']).unwrap_or(t));
    match quoted {
        Some(inner) => unescape(inner),
        None => long_string(text).to_owned(),
    }
}

/// The inside of `[==[ ... ]==]`, without a first line end.
fn long_string(text: &str) -> &str {
    let level = text.bytes().skip(1).take_while(|b| *b == b'=').count();
    let inner = text.get(level + 2..text.len().saturating_sub(level + 2)).unwrap_or("");
    let inner = inner.strip_prefix("\r\n").unwrap_or(inner);
    inner.strip_prefix('\n').unwrap_or(inner)
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('v') => out.push('\x0b'),
            Some(d @ '0'..='9') => {
                let mut value = d.to_digit(10).unwrap_or(0);
                for _ in 0..2 {
                    let Some(next) = chars.peek().and_then(|c| c.to_digit(10)) else { break };
                    value = value * 10 + next;
                    chars.next();
                }
                out.push(char::from(value.min(255) as u8));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}
