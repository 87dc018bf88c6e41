//! Reads the first JSON value of a text and pushes it on a Lua stack.
//!
//! A parser of our own because the rules are: integers stay integers and
//! saturate, only the first value is read, duplicate names and invalid UTF-8 are
//! errors, `null` members are absent and `null` elements are holes.

use smallvec::SmallVec;
use wippy_runtime::Error;

use crate::native::{Stack, Type};

/// Levels of values below the outermost one.
const MAX_DEPTH: usize = 128;

/// Pushes the value. Errors (Internal): syntax, nesting; then nothing is pushed.
pub(crate) fn decode(stack: &Stack<'_>, text: &[u8]) -> Result<(), Error> {
    let top = stack.top();
    let mut p = Parser { stack, text, at: 0, scratch: Vec::new() };
    p.skip_space();
    let result = p.value(0);
    if result.is_err() {
        stack.pop_raw(stack.top() - top);
    }
    result
}

struct Parser<'s> {
    stack: &'s Stack<'s>,
    text: &'s [u8],
    at: usize,
    scratch: Vec<u8>,
}

impl<'s> Parser<'s> {
    fn value(&mut self, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::internal("json: maximum nesting depth exceeded"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => {
                let s = self.string()?;
                self.stack.push_str(&s);
                self.scratch = s;
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", |s| s.push_bool(true)),
            Some(b'f') => self.word(b"false", |s| s.push_bool(false)),
            Some(b'n') => self.word(b"null", |s| s.push_nil()),
            _ => Err(self.unexpected("at start of value")),
        }
    }
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }
    #[cold]
    fn unexpected(&self, place: &str) -> Error {
        let rest = &self.text[self.at.min(self.text.len())..];
        match String::from_utf8_lossy(&rest[..rest.len().min(4)]).chars().next() {
            None => Error::internal("unexpected EOF"),
            Some(c) => Error::internal(format!("invalid character {c:?} {place} after offset {}", self.at)),
        }
    }
    fn word(&mut self, word: &[u8], push: fn(&Stack<'_>)) -> Result<(), Error> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            push(self.stack);
            return Ok(());
        }
        let same = self.text[self.at..].iter().zip(word).take_while(|(a, b)| a == b).count();
        self.at += same;
        Err(self.unexpected(&format!("in literal {}", String::from_utf8_lossy(word))))
    }
    fn array(&mut self, depth: usize) -> Result<(), Error> {
        self.at += 1;
        self.stack.push_table(0, 0);
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        for n in 1.. {
            self.skip_space();
            self.value(depth + 1)?;
            self.stack.set_index(-2, n);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected("after array element")),
            }
        }
        self.at += 1;
        Ok(())
    }
    fn object(&mut self, depth: usize) -> Result<(), Error> {
        self.at += 1;
        self.stack.push_table(0, 2);
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        // Names whose value was null: absent from the table, but still not to be repeated.
        let mut nulls: SmallVec<[Vec<u8>; 2]> = SmallVec::new();
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("at start of member name"));
            }
            let name = self.string()?;
            self.stack.push_str(&name);
            self.stack.push_copy(-1);
            let seen = self.stack.get_raw(-3) != Type::Nil;
            self.stack.pop_raw(1);
            if seen || nulls.contains(&name) {
                let name = String::from_utf8_lossy(&name);
                return Err(Error::internal(format!("duplicate object member name {name:?} after offset {}", self.at)));
            }
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("after member name"));
            }
            self.at += 1;
            self.skip_space();
            let mut null_name = None;
            if self.peek() == Some(b'n') {
                null_name = Some(name);
            } else {
                self.scratch = name;
            }
            self.value(depth + 1)?;
            nulls.extend(null_name);
            self.stack.set_pair(-3);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected("after object member")),
            }
        }
        self.at += 1;
        Ok(())
    }
    fn number(&mut self) -> Result<(), Error> {
        let start = self.at;
        let digits = |p: &mut Self| {
            let from = p.at;
            while let Some(b'0'..=b'9') = p.peek() {
                p.at += 1;
            }
            if p.at == from { Err(p.unexpected("in number")) } else { Ok(()) }
        };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => digits(self)?,
        }
        let mut float = false;
        if self.peek() == Some(b'.') {
            float = true;
            self.at += 1;
            digits(self)?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            float = true;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            digits(self)?;
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        if float {
            // Rust gives infinity where the value is too large for a double.
            let f: f64 = text.parse().unwrap_or_default();
            self.stack.push_float(f.clamp(f64::MIN, f64::MAX));
        } else {
            let limit = if text.starts_with('-') { i64::MIN } else { i64::MAX };
            self.stack.push_int(text.parse().unwrap_or(limit));
        }
        Ok(())
    }
    /// The content of the string that begins here, in the scratch buffer (which the caller gives back).
    fn string(&mut self) -> Result<Vec<u8>, Error> {
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        self.at += 1;
        let start = self.at;
        loop {
            let run = self.at;
            while let Some(b) = self.peek()
                && b != b'"'
                && b != b'\\'
                && b >= 0x20
            {
                self.at += 1;
            }
            out.extend_from_slice(&self.text[run..self.at]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut out)?,
                _ => return Err(self.unexpected("in string")),
            }
        }
        self.at += 1;
        if std::str::from_utf8(&out).is_err() {
            return Err(Error::internal(format!("invalid UTF-8 within string after offset {start}")));
        }
        Ok(out)
    }
    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.at += 1;
        let simple = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => c,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode(out),
            _ => return Err(self.unexpected("in escape sequence within string")),
        };
        out.push(simple);
        self.at += 1;
        Ok(())
    }
    fn unicode(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = self.at;
        let bad = || Error::internal(format!("invalid escape sequence within string after offset {start}"));
        let first = self.hex().ok_or_else(bad)?;
        let code = match first {
            0xD800..0xDC00 => {
                if !self.text[self.at..].starts_with(b"\\u") {
                    return Err(Error::internal(format!("invalid surrogate pair within string after offset {start}")));
                }
                self.at += 1;
                match self.hex() {
                    Some(second @ 0xDC00..0xE000) => 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                    _ => {
                        return Err(Error::internal(format!(
                            "invalid surrogate pair within string after offset {start}"
                        )));
                    }
                }
            }
            code => code,
        };
        let c = char::from_u32(code)
            .ok_or_else(|| Error::internal(format!("invalid surrogate pair within string after offset {start}")))?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
    /// Four hexadecimal digits after the `u` here.
    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at + 1..self.at + 5)?;
        let mut n = 0;
        for d in digits {
            n = n * 16 + char::from(*d).to_digit(16)?;
        }
        self.at += 5;
        Some(n)
    }
}
