//! Case mapping, quoting and plain search of strings, called by C.
//!
//! Rules that make the `unsafe` sound: the callers give `len` readable bytes and
//! an output buffer of the size each function names.

use std::ffi::{c_char, c_int};

/// Maps the letters of valid UTF-8 one to one, as the reference does; of other
/// text only ASCII. `out` has `2 * len` bytes. Returns the bytes written.
#[unsafe(no_mangle)]
unsafe extern "C" fn wippy_casemap(text: *const c_char, len: usize, upper: c_int, out: *mut c_char) -> usize {
    // SAFETY: by the rules above.
    let (text, out) = unsafe { slices(text, len, out, len * 2) };
    let mut written = 0;
    let mut put = |bytes: &[u8]| {
        if let Some(slot) = out.get_mut(written..written + bytes.len()) {
            slot.copy_from_slice(bytes);
            written += bytes.len();
        }
    };
    match std::str::from_utf8(text) {
        Ok(text) => {
            for c in text.chars() {
                let mapped = if upper != 0 { single(c.to_uppercase(), c) } else { single(c.to_lowercase(), c) };
                put(mapped.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Err(_) => {
            for b in text {
                put(&[if upper != 0 { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() }]);
            }
        }
    }
    written
}

/// The mapped letter when it is one, else the letter itself.
fn single(mut mapped: impl Iterator<Item = char>, c: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(m), None) => m,
        _ => c,
    }
}

/// `text` between double quotes with escapes. `out` has `10 * len + 2` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn wippy_quote(text: *const c_char, len: usize, out: *mut c_char) -> usize {
    // SAFETY: by the rules above.
    let (text, out) = unsafe { slices(text, len, out, len * 10 + 2) };
    let mut written = 0;
    let mut put = |bytes: &[u8]| {
        if let Some(slot) = out.get_mut(written..written + bytes.len()) {
            slot.copy_from_slice(bytes);
            written += bytes.len();
        }
    };
    put(b"\"");
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => put(b"\\\""),
                '\\' => put(b"\\\\"),
                '\u{7}' => put(b"\\a"),
                '\u{8}' => put(b"\\b"),
                '\u{c}' => put(b"\\f"),
                '\n' => put(b"\\n"),
                '\r' => put(b"\\r"),
                '\t' => put(b"\\t"),
                '\u{b}' => put(b"\\v"),
                c if c < ' ' || c == '\u{7f}' => put(format!("\\x{:02x}", c as u32).as_bytes()),
                c if unprintable(c) && (c as u32) < 0x10000 => put(format!("\\u{:04x}", c as u32).as_bytes()),
                c if unprintable(c) => put(format!("\\U{:08x}", c as u32).as_bytes()),
                c => put(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for b in chunk.invalid() {
            put(format!("\\x{b:02x}").as_bytes());
        }
    }
    put(b"\"");
    written
}

/// Where `needle` starts in `text`, or null; in linear time.
#[unsafe(no_mangle)]
unsafe extern "C" fn wippy_memfind(
    text: *const c_char,
    len: usize,
    needle: *const c_char,
    size: usize,
) -> *const c_char {
    // SAFETY: by the rules above, for both texts.
    let (hay, needle) = unsafe {
        (std::slice::from_raw_parts(text.cast::<u8>(), len), std::slice::from_raw_parts(needle.cast::<u8>(), size))
    };
    match memchr::memmem::find(hay, needle) {
        // SAFETY: `at` is at most `len`.
        Some(at) => unsafe { text.add(at) },
        None => std::ptr::null(),
    }
}

/// Controls, blanks other than the space, formatting and private characters.
fn unprintable(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c as u32, 0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xe000..=0xf8ff
            | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0x10ffff)
}

/// # Safety
/// `len` readable bytes at `text`, `size` writable ones at `out`, not overlapping.
unsafe fn slices<'a>(text: *const c_char, len: usize, out: *mut c_char, size: usize) -> (&'a [u8], &'a mut [u8]) {
    // SAFETY: by contract; C strings of Lua are never null.
    unsafe { (std::slice::from_raw_parts(text.cast(), len), std::slice::from_raw_parts_mut(out.cast(), size)) }
}
