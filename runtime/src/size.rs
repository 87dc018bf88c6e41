//! Amounts of bytes as text: `64MiB`, `512M`, `1 GB`, `4096`. All units are
//! powers of 1024, as everywhere where memory is meant.

use crate::error::{Error, Result};

/// Parses an amount of bytes.
///
/// Errors (Invalid): `invalid size "x", expected a number of bytes such as 1048576, 512KiB or 16MiB`.
pub fn parse(text: &str) -> Result<u64> {
    let invalid = || {
        let expected = "expected a number of bytes such as 1048576, 512KiB or 16MiB";
        Error::invalid(format!("invalid size {text:?}, {expected}"))
    };
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = trimmed.split_at(digits);
    let number: u64 = number.parse().map_err(|_| invalid())?;
    let shift = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(invalid()),
    };
    number.checked_mul(1 << shift).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes() {
        let good =
            [("0", 0), ("4096", 4096), ("16MiB", 16 << 20), ("512M", 512 << 20), ("1 gb", 1 << 30), ("3kB", 3072)];
        for (text, want) in good {
            assert_eq!(parse(text).unwrap(), want, "{text}");
        }
        for text in ["", "MiB", "-1", "1.5M", "1X", "99999999999999999999", "20000000T"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
