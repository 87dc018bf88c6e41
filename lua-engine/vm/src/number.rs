//! The text of floats, called by C.
//!
//! Digits come from `zmij` (shortest form that reads back); the layout is that
//! of chapter 60, V1-V5. Rules that make the `unsafe` sound: the callers give a
//! buffer of at least [`MAX`] bytes.

use std::ffi::c_char;

/// Longest text: sign, 17 digits, point, four zeros or an exponent.
const MAX: usize = 32;

/// `tostring` of a float: integral ones as integers.
#[unsafe(no_mangle)]
unsafe extern "C" fn wippy_fmtfloat(x: f64, buffer: *mut c_char) -> usize {
    // SAFETY: the caller's buffer has MAX bytes.
    let out = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), MAX) };
    float(x, out)
}

/// `%g` of a float: shortest digits, exponent form from 1e6 also when integral.
#[unsafe(no_mangle)]
unsafe extern "C" fn wippy_fmtshortest(x: f64, buffer: *mut c_char) -> usize {
    // SAFETY: the caller's buffer has MAX bytes.
    let out = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), MAX) };
    shortest(x, out)
}

fn float(x: f64, out: &mut [u8]) -> usize {
    // -2^63 <= x < 2^63: the integers of Lua.
    if x.trunc() == x && (-9223372036854775808.0..9223372036854775808.0).contains(&x) {
        let mut text = Text { out, len: 0 };
        let n = x as i64; // -0.0 becomes 0
        if n < 0 {
            text.push(b'-');
        }
        text.integer(n.unsigned_abs());
        return text.len;
    }
    shortest(x, out)
}

fn shortest(x: f64, out: &mut [u8]) -> usize {
    let mut text = Text { out, len: 0 };
    if !x.is_finite() {
        text.extend(if x.is_nan() {
            b"NaN"
        } else if x > 0.0 {
            b"+Inf"
        } else {
            b"-Inf"
        });
        return text.len;
    }
    if x == 0.0 {
        text.push(b'0');
        return text.len;
    }
    let (digits, count, exponent) = digits(x.abs());
    let digits = &digits[..count];
    if x < 0.0 {
        text.push(b'-');
    }
    if !(-4..6).contains(&exponent) {
        text.push(digits[0]);
        if count > 1 {
            text.push(b'.');
            text.extend(&digits[1..]);
        }
        text.extend(if exponent < 0 { b"e-" } else { b"e+" });
        let e = exponent.unsigned_abs();
        if e < 10 {
            text.push(b'0');
        }
        text.integer(e.into());
    } else if exponent < 0 {
        text.extend(b"0.");
        text.extend(&b"000"[..(-exponent - 1) as usize]);
        text.extend(digits);
    } else {
        let whole = exponent as usize + 1;
        for i in 0..whole.max(count) {
            if i == whole {
                text.push(b'.');
            }
            text.push(*digits.get(i).unwrap_or(&b'0'));
        }
    }
    text.len
}

/// Shortest digits of a finite positive `x` without outer zeros, how many, and
/// the decimal exponent of the first one.
fn digits(x: f64) -> ([u8; 20], usize, i32) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(x);
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
        None => (text, 0),
    };
    let (mut digits, mut count, mut point, mut seen_point) = ([0; 20], 0, 0, false);
    for byte in mantissa.bytes() {
        if byte == b'.' {
            seen_point = true;
            continue;
        }
        if count == 0 && byte == b'0' {
            // A leading zero; after the point it moves the first digit down.
            point -= i32::from(seen_point);
            continue;
        }
        if count < digits.len() {
            digits[count] = byte;
            count += 1;
        }
        point += i32::from(!seen_point);
    }
    while count > 1 && digits[count - 1] == b'0' {
        count -= 1;
    }
    (digits, count, exponent + point - 1)
}

struct Text<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Text<'_> {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.out.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.push(*b));
    }

    fn integer(&mut self, mut n: u64) {
        let (mut digits, mut at) = ([0; 20], 20);
        loop {
            at -= 1;
            digits[at] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                break;
            }
        }
        self.extend(&digits[at..]);
    }
}

#[cfg(test)]
mod tests {
    use super::{float, shortest};

    fn text(x: f64, format: fn(f64, &mut [u8]) -> usize) -> String {
        let mut out = [0; super::MAX];
        let len = format(x, &mut out);
        String::from_utf8_lossy(&out[..len]).into_owned()
    }

    #[test]
    fn layout_of_floats() {
        for (x, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (5.0, "5"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.0 / 3.0, "0.3333333333333333"),
            (123456.5, "123456.5"),
            (1234567.5, "1.2345675e+06"),
            (1700000000.25, "1.70000000025e+09"),
            (0.0001, "0.0001"),
            (0.00012345, "0.00012345"),
            (0.00001, "1e-05"),
            (1e-7, "1e-07"),
            (-2.5e-10, "-2.5e-10"),
            (5e-324, "5e-324"),
            (100000.5, "100000.5"),
            (999999.5, "999999.5"),
            (1e15, "1000000000000000"),
            (9007199254740993.0, "9007199254740992"),
            (9223372036854775807.0, "9.223372036854776e+18"),
            (-9223372036854775808.0, "-9223372036854775808"),
            (1e20, "1e+20"),
            (1.5e300, "1.5e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(text(x, float), expected);
        }
    }

    #[test]
    fn shortest_of_integral_floats() {
        for (x, expected) in [(3.0, "3"), (100000.0, "100000"), (1e6, "1e+06"), (1234567.0, "1.234567e+06")] {
            assert_eq!(text(x, shortest), expected);
        }
    }

    #[test]
    fn every_text_reads_back() {
        let mut bits = 0x9e3779b97f4a7c15u64;
        for _ in 0..200_000 {
            bits = bits.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let x = f64::from_bits(bits);
            if x.is_finite() {
                assert_eq!(text(x, float).parse::<f64>(), Ok(x));
            }
        }
    }
}
