//! Literals whose text means something else to plain Lua 5.4, and how to say the same there.
//!
//! The dialect lets an unknown escape stand for its character (`"\d"` is `d`) and reads `0010` as octal. The
//! lexer asks here which literals are concerned; the eraser asks for an equivalent text of the same length.
//! Escapes that only newer Lua has (`\x41`, `\u{41}`, `\z`) are kept when well formed: more than the dialect
//! offers, and nothing written for it relies on their absence.

/// Effect of one escape sequence.
pub(crate) enum Escape {
    /// Means the same to Lua 5.4.
    Plain,
    /// Stands for the character after the backslash; Lua 5.4 would refuse it.
    Foreign,
    /// `\ddd` above 255.
    TooLarge,
}

/// An escape sequence and its length in bytes, backslash included.
pub(crate) struct EscapeAt {
    pub(crate) len: usize,
    pub(crate) meaning: Escape,
}

/// Reads the escape sequence at the start of `bytes`, which begins with a backslash.
pub(crate) fn escape_at(bytes: &[u8]) -> EscapeAt {
    let plain = |len| EscapeAt { len, meaning: Escape::Plain };
    let Some(&next) = bytes.get(1) else { return plain(1) };
    match next {
        b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' | b'"' | b'\'' => plain(2),
        b'\r' if bytes.get(2) == Some(&b'\n') => plain(3),
        b'\n' if bytes.get(2) == Some(&b'\r') => plain(3),
        b'\n' | b'\r' => plain(2),
        b'0'..=b'9' => {
            let digits = bytes[1..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
            let value = bytes[1..1 + digits].iter().fold(0u32, |v, b| v * 10 + u32::from(b - b'0'));
            EscapeAt { len: 1 + digits, meaning: if value > 255 { Escape::TooLarge } else { Escape::Plain } }
        }
        b'x' if bytes.len() >= 4 && bytes[2..4].iter().all(u8::is_ascii_hexdigit) => plain(4),
        b'u' if unicode_len(&bytes[2..]).is_some() => plain(2 + unicode_len(&bytes[2..]).unwrap_or(0)),
        b'z' => plain(2 + bytes[2..].iter().take_while(|b| b.is_ascii_whitespace() || **b == 0x0b).count()),
        _ => EscapeAt { len: 2, meaning: Escape::Foreign },
    }
}

/// Length of `{XXX}` with a value that Lua 5.4 accepts (below 2^31).
fn unicode_len(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let digits = bytes[1..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
    if digits == 0 || bytes.get(1 + digits) != Some(&b'}') {
        return None;
    }
    let significant = bytes[1..1 + digits].iter().skip_while(|b| **b == b'0').count();
    let high = bytes[1 + digits - significant];
    (significant < 8 || (significant == 8 && (b'0'..=b'7').contains(&high))).then_some(digits + 2)
}

/// The value of an integer literal that the dialect reads as octal: at least two leading zeros, octal digits
/// only, and a value other than the one plain Lua reads.
pub(crate) fn octal_value(text: &[u8]) -> Option<u64> {
    if !text.starts_with(b"00") || !text.iter().all(|b| (b'0'..=b'7').contains(b)) {
        return None;
    }
    let mut value = 0u64;
    for byte in text {
        value = value.checked_mul(8)?.checked_add(u64::from(byte - b'0'))?;
    }
    (value > 7 && i64::try_from(value).is_ok()).then_some(value)
}

/// The text of a concerned literal for plain Lua 5.4, padded with blanks at its end to the same length.
pub(crate) fn rewrite(text: &str) -> String {
    let mut out = match octal_value(text.as_bytes()) {
        Some(value) => value.to_string(),
        None => without_foreign_escapes(text),
    };
    out.extend(std::iter::repeat_n(' ', text.len().saturating_sub(out.len())));
    out
}

fn without_foreign_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let escape = escape_at(rest.as_bytes());
        match escape.meaning {
            // The character itself follows with the next piece.
            Escape::Foreign => rest = &rest[1..],
            Escape::Plain | Escape::TooLarge => {
                out.push_str(&rest[..escape.len]);
                rest = &rest[escape.len..];
            }
        }
    }
    out.push_str(rest);
    out
}
