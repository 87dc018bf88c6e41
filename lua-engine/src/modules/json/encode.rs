//! JSON text of a Lua value, read from the stack in one walk.
//!
//! The rules (shape of tables, numbers, escapes) are those of the `json`
//! module's reference; errors are Internal with the prefix programs search in.

use std::ffi::c_void;

use wippy_runtime::Error;

use crate::native::{Stack, Type};

/// Levels of tables below the outermost one.
const MAX_DEPTH: usize = 128;

/// The JSON text of the value in slot `i`; a missing value is `null`.
pub(crate) fn encode(stack: &Stack<'_>, i: i32) -> Result<Vec<u8>, Error> {
    let mut e = Encoder { stack, out: Vec::with_capacity(64), parents: Vec::new() };
    match stack.type_of(i) {
        Type::Number => top_number(&mut e.out, stack, i),
        _ => e.value(stack.absolute(i))?,
    }
    Ok(e.out)
}

struct Encoder<'s> {
    stack: &'s Stack<'s>,
    out: Vec<u8>,
    parents: Vec<*const c_void>,
}

/// What the keys of a table say about its shape.
#[derive(Default)]
struct Keys {
    count: i64,
    last: i64,
    others: bool,
}

impl Encoder<'_> {
    fn value(&mut self, i: i32) -> Result<(), Error> {
        let s = self.stack;
        match s.type_of(i) {
            Type::Boolean => self.out.extend_from_slice(if s.truth(i) { b"true" } else { b"false" }),
            Type::Number => number(&mut self.out, s, i),
            Type::String => string(&mut self.out, s.bytes(i).unwrap_or_default()),
            Type::Table => return self.table(i),
            Type::Userdata => match s.object_text(i) {
                Some(text) => string(&mut self.out, text.as_bytes()),
                None => self.out.extend_from_slice(b"null"),
            },
            _ => self.out.extend_from_slice(b"null"),
        }
        Ok(())
    }
    fn table(&mut self, i: i32) -> Result<(), Error> {
        let s = self.stack;
        let p = s.pointer(i);
        if self.parents.contains(&p) {
            return Err(problem("cannot encode recursively nested tables to JSON"));
        }
        if self.parents.len() > MAX_DEPTH || !s.reserve(6) {
            return Err(problem("exceeded maximum nesting depth for JSON encoding"));
        }
        let keys = self.keys(i);
        self.parents.push(p);
        if keys.count > 0 {
            if keys.others {
                return Err(problem("cannot encode mixed-key table: table has both numeric and non-numeric keys"));
            }
            if keys.last != keys.count {
                return Err(problem("cannot encode sparse array: non-contiguous numeric keys found"));
            }
            self.array(i, keys.count)?;
        } else if !keys.others && !s.has_hash_part(i) {
            self.out.extend_from_slice(b"[]");
        } else {
            self.object(i)?;
        }
        self.parents.pop();
        Ok(())
    }
    fn keys(&self, i: i32) -> Keys {
        let s = self.stack;
        let mut keys = Keys::default();
        let key = s.top() + 1;
        s.push_nil();
        while s.next(i) {
            match s.is_integer(key).then(|| s.integer(key)).flatten() {
                Some(n) if n > 0 => {
                    keys.count += 1;
                    keys.last = keys.last.max(n);
                }
                _ => keys.others = true,
            }
            s.pop_raw(1);
        }
        keys
    }
    fn array(&mut self, i: i32, n: i64) -> Result<(), Error> {
        let slot = self.stack.top() + 1;
        for k in 1..=n {
            self.out.push(if k == 1 { b'[' } else { b',' });
            self.stack.get_index(i, k);
            self.value(slot)?;
            self.stack.pop_raw(1);
        }
        self.out.push(b']');
        Ok(())
    }
    fn object(&mut self, i: i32) -> Result<(), Error> {
        let s = self.stack;
        let key = s.top() + 1;
        let mut first = true;
        self.out.push(b'{');
        s.push_nil();
        while s.next(i) {
            let separator = self.out.len();
            if !first {
                self.out.push(b',');
            }
            if self.key(key) {
                first = false;
                self.out.push(b':');
                self.value(key + 1)?;
            } else {
                self.out.truncate(separator);
            }
            s.pop_raw(1);
        }
        self.out.push(b'}');
        Ok(())
    }
    /// Writes a member name; false for keys that JSON cannot have.
    fn key(&mut self, i: i32) -> bool {
        let s = self.stack;
        match s.type_of(i) {
            Type::String => string(&mut self.out, s.bytes(i).unwrap_or_default()),
            Type::Boolean => self.out.extend_from_slice(if s.truth(i) { b"\"true\"" } else { b"\"false\"" }),
            Type::Number if !s.is_integer(i) => {
                let f = s.number(i).unwrap_or_default();
                string(&mut self.out, f.to_string().as_bytes());
            }
            _ => return false,
        }
        true
    }
}

fn problem(text: &str) -> Error {
    Error::internal(format!("json: error calling MarshalJSON for type *json.jsonValue: {text}"))
}

fn integral(f: f64) -> Option<i64> {
    (f.fract() == 0.0 && f.abs() < 9.223_372_036_854_775e18).then_some(f as i64)
}

fn number(out: &mut Vec<u8>, s: &Stack<'_>, i: i32) {
    use std::io::Write;
    let result = if s.is_integer(i) {
        write!(out, "{}", s.integer(i).unwrap_or_default())
    } else {
        let f = s.number(i).unwrap_or_default();
        match integral(f) {
            Some(n) => write!(out, "{n}"),
            None if f.is_finite() => write!(out, "{f}"),
            None => write!(out, "null"),
        }
    };
    debug_assert!(result.is_ok(), "writing to memory");
}

/// The outermost value: with an exponent when very small or large.
fn top_number(out: &mut Vec<u8>, s: &Stack<'_>, i: i32) {
    match s.number(i) {
        Some(f) if !s.is_integer(i) && f.is_finite() && f != 0.0 && (f.abs() < 1e-6 || f.abs() >= 1e21) => {
            let text = format!("{f:e}");
            let text = if text.contains("e-") { text } else { text.replace('e', "e+") };
            out.extend_from_slice(text.as_bytes());
        }
        _ => number(out, s, i),
    }
}

/// Writes `s` as a JSON string; bytes that are no UTF-8 become `\ufffd` each.
pub(crate) fn string(out: &mut Vec<u8>, s: &[u8]) {
    out.push(b'"');
    for chunk in s.utf8_chunks() {
        text(out, chunk.valid());
        for _ in chunk.invalid() {
            out.extend_from_slice(br"\ufffd");
        }
    }
    out.push(b'"');
}

fn text(out: &mut Vec<u8>, s: &str) {
    let bytes = s.as_bytes();
    let mut done = 0;
    for (i, &b) in bytes.iter().enumerate() {
        let escape: &[u8] = match b {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            8 => b"\\b",
            12 => b"\\f",
            b'<' => b"\\u003c",
            b'>' => b"\\u003e",
            b'&' => b"\\u0026",
            0..0x20 => {
                out.extend_from_slice(&bytes[done..i]);
                out.extend_from_slice(format!("\\u{b:04x}").as_bytes());
                done = i + 1;
                continue;
            }
            // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
            0xE2 if bytes[i..].starts_with(&[0xE2, 0x80, 0xA8]) => b"\\u2028",
            0xE2 if bytes[i..].starts_with(&[0xE2, 0x80, 0xA9]) => b"\\u2029",
            _ => continue,
        };
        out.extend_from_slice(&bytes[done..i]);
        out.extend_from_slice(escape);
        done = if b == 0xE2 { i + 3 } else { i + 1 };
    }
    out.extend_from_slice(&bytes[done..]);
}
