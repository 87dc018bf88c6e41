//! The flat form of values: one byte buffer, tag and payload, no tree.
//!
//! A buffer holds any number of values one after the other (the arguments of a
//! call, the payloads of a message). The format is written down in
//! `docs/FLAT.md`; it is the same on the wire, on disk and between engines.
//! Readers never trust a buffer: every length is checked, nesting is bounded
//! by [`FlatReader::MAX_DEPTH`], and a bad buffer is an error, never a panic.

use std::cell::RefCell;

use super::value::{Map, Value};
use crate::error::{Error, Kind};

/// Bytes kept inside a [`Flat`] before it allocates: fills it up to 40.
const INLINE: usize = 38;
/// Bytes of the buffer that each thread keeps for writing.
const SCRATCH: usize = 64 << 10;

/// Encoded values. Small ones need no allocation, others exactly one, of their size.
#[derive(Clone)]
pub struct Flat(Bytes);

#[derive(Clone)]
enum Bytes {
    Inline { len: u8, bytes: [u8; INLINE] },
    Heap(Box<[u8]>),
}

thread_local! {
    /// Values are written here and then copied out, so that no buffer has to grow or keeps room it does not need.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// First byte of each encoded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    Nil = 0,
    False = 1,
    True = 2,
    /// One signed byte.
    Int8 = 3,
    /// Eight bytes, little endian.
    Int64 = 4,
    /// Eight bytes, IEEE 754 little endian.
    Float = 5,
    /// Length in one byte, then text (bytes meant as text; UTF-8 is not checked here).
    Str8 = 6,
    /// Length in four bytes little endian, then text.
    Str32 = 7,
    /// Length in four bytes, then bytes meant as binary.
    Bytes = 8,
    /// Count in four bytes, then that many values.
    List = 9,
    /// Count in four bytes, then that many pairs key, value.
    Map = 10,
    /// Two counts of four bytes: array values, then pairs.
    Table = 11,
    /// Four bytes: the n-th list, map or table begun in this value, counted from 0 (shared and cyclic references).
    Ref = 12,
    /// Metatable (a value), then the table that has it.
    Meta = 13,
    /// Kind (text), message (text), retryable (nil, false, true), details (map or nil).
    Error = 14,
}

impl Tag {
    fn from_byte(b: u8) -> Option<Tag> {
        use Tag::*;
        const TAGS: [Tag; 15] =
            [Nil, False, True, Int8, Int64, Float, Str8, Str32, Bytes, List, Map, Table, Ref, Meta, Error];
        TAGS.get(b as usize).copied()
    }
}

impl Flat {
    pub const fn new() -> Flat {
        Flat(Bytes::Inline { len: 0, bytes: [0; INLINE] })
    }
    /// What `write` writes.
    pub fn build(write: impl FnOnce(&mut FlatWriter<'_>)) -> Flat {
        let mut flat = Flat::new();
        flat.append(write);
        flat
    }
    /// Lets `write` add to the end. What it writes is kept whatever it returns; see [`FlatWriter::truncate`].
    #[inline]
    pub fn append<T>(&mut self, write: impl FnOnce(&mut FlatWriter<'_>) -> T) -> T {
        BUFFER.with(|buffer| match buffer.try_borrow_mut() {
            Ok(mut out) => self.append_in(&mut out, write),
            Err(_) => self.append_in(&mut Vec::new(), write),
        })
    }
    #[inline]
    fn append_in<T>(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut FlatWriter<'_>) -> T) -> T {
        out.clear();
        if !self.is_empty() {
            out.extend_from_slice(self.as_bytes());
        }
        let result = write(&mut FlatWriter { out });
        let len = out.len();
        if len <= INLINE {
            // Filled up first, so that the copy has a fixed size.
            out.extend_from_slice(&[0; INLINE]);
            if let Some(bytes) = out.first_chunk() {
                self.0 = Bytes::Inline { len: len as u8, bytes: *bytes };
            }
        } else if len <= SCRATCH {
            self.0 = Bytes::Heap(out.as_slice().into());
        } else {
            self.0 = Bytes::Heap(std::mem::take(out).into_boxed_slice());
        }
        if out.capacity() > 2 * SCRATCH {
            *out = Vec::new();
        }
        result
    }
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            // The bound is always kept; it spares the check of the slice.
            Bytes::Inline { len, bytes } => &bytes[..usize::from(*len).min(INLINE)],
            Bytes::Heap(bytes) => bytes,
        }
    }
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Flat {
        if bytes.len() > INLINE {
            return Flat(Bytes::Heap(bytes.into()));
        }
        let mut inline = [0; INLINE];
        inline[..bytes.len()].copy_from_slice(bytes);
        Flat(Bytes::Inline { len: bytes.len() as u8, bytes: inline })
    }
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Bytes::Inline { len, .. } => usize::from(*len),
            Bytes::Heap(bytes) => bytes.len(),
        }
    }
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    #[inline]
    pub fn reader(&self) -> FlatReader<'_> {
        FlatReader::new(self.as_bytes())
    }
    /// The encoding of `values`, one after the other.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Flat {
        Flat::build(|w| values.into_iter().for_each(|v| w.value(v)))
    }
    /// All values of the buffer as trees. Errors: the buffer is damaged, too deep or cyclic.
    pub fn values(&self) -> Result<Vec<Value>, Error> {
        let mut r = self.reader();
        let mut out = Vec::new();
        while !r.is_empty() {
            out.push(r.value()?);
        }
        Ok(out)
    }
    /// The first value, [`Value::Nil`] if there is none.
    pub fn first(&self) -> Result<Value, Error> {
        if self.is_empty() { Ok(Value::Nil) } else { self.reader().value() }
    }
}

impl Default for Flat {
    fn default() -> Flat {
        Flat::new()
    }
}

impl PartialEq for Flat {
    fn eq(&self, other: &Flat) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}
impl Eq for Flat {}

impl std::fmt::Debug for Flat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.values() {
            Ok(values) => f.debug_list().entries(values).finish(),
            Err(e) => write!(f, "<{} bytes: {e}>", self.len()),
        }
    }
}

/// Appends values to a buffer. Containers announce their length first; the
/// caller then writes exactly that many values.
pub struct FlatWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> FlatWriter<'a> {
    /// Appends to `out`.
    pub(crate) fn to(out: &'a mut Vec<u8>) -> FlatWriter<'a> {
        FlatWriter { out }
    }
}

impl FlatWriter<'_> {
    /// Length of the buffer so far, in bytes: lets an encoder enforce a message limit as it goes.
    #[inline]
    pub fn position(&self) -> usize {
        self.out.len()
    }
    /// Drops everything after `position`.
    pub fn truncate(&mut self, position: usize) {
        self.out.truncate(position);
    }
    #[inline]
    fn tag(&mut self, tag: Tag) {
        self.out.push(tag as u8);
    }
    #[inline]
    fn tagged(&mut self, tag: Tag, n: u32) {
        let b = n.to_le_bytes();
        self.out.extend_from_slice(&[tag as u8, b[0], b[1], b[2], b[3]]);
    }
    #[inline]
    pub fn nil(&mut self) {
        self.tag(Tag::Nil);
    }
    #[inline]
    pub fn bool(&mut self, b: bool) {
        self.tag(if b { Tag::True } else { Tag::False });
    }
    #[inline]
    pub fn int(&mut self, i: i64) {
        if let Ok(small) = i8::try_from(i) {
            self.out.extend_from_slice(&[Tag::Int8 as u8, small as u8]);
        } else {
            self.word(Tag::Int64, i.to_le_bytes());
        }
    }
    #[inline]
    pub fn float(&mut self, f: f64) {
        self.word(Tag::Float, f.to_le_bytes());
    }
    #[inline]
    fn word(&mut self, tag: Tag, b: [u8; 8]) {
        self.out.extend_from_slice(&[tag as u8, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
    }
    /// Text; `s` may be any bytes (Lua strings are).
    #[inline]
    pub fn str(&mut self, s: &[u8]) {
        self.out.reserve(s.len() + 5);
        match u8::try_from(s.len()) {
            Ok(n) => self.out.extend_from_slice(&[Tag::Str8 as u8, n]),
            Err(_) => self.tagged(Tag::Str32, s.len() as u32),
        }
        self.out.extend_from_slice(s);
    }
    pub fn bytes(&mut self, s: &[u8]) {
        self.tagged(Tag::Bytes, s.len() as u32);
        self.out.extend_from_slice(s);
    }
    /// `n` values follow.
    #[inline]
    pub fn list(&mut self, n: u32) {
        self.tagged(Tag::List, n);
    }
    /// `n` pairs follow.
    #[inline]
    pub fn map(&mut self, n: u32) {
        self.tagged(Tag::Map, n);
    }
    /// `array` values, then `pairs` pairs follow.
    #[inline]
    pub fn table(&mut self, array: u32, pairs: u32) {
        self.tagged(Tag::Table, array);
        self.out.extend_from_slice(&pairs.to_le_bytes());
    }
    /// Sets the count of a list or map begun at `position`, for encoders that learn it on the way.
    pub fn patch_count(&mut self, position: usize, n: u32) {
        self.out[position + 1..position + 5].copy_from_slice(&n.to_le_bytes());
    }
    /// Sets both counts of a table begun at `position`.
    pub fn patch_table(&mut self, position: usize, array: u32, pairs: u32) {
        self.patch_count(position, array);
        self.out[position + 5..position + 9].copy_from_slice(&pairs.to_le_bytes());
    }
    /// The `n`-th container begun in this value, counted from 0.
    pub fn reference(&mut self, n: u32) {
        self.tagged(Tag::Ref, n);
    }
    /// A metatable and then its table follow.
    pub fn meta(&mut self) {
        self.tag(Tag::Meta);
    }
    pub fn error(&mut self, e: &Error) {
        self.tag(Tag::Error);
        self.str(e.kind().as_str().as_bytes());
        self.str(e.to_string().as_bytes());
        match e.is_retryable() {
            None => self.nil(),
            Some(b) => self.bool(b),
        }
        match e.details() {
            None => self.nil(),
            Some(details) => self.map_of(details),
        }
    }
    fn map_of(&mut self, m: &Map) {
        self.map(m.len() as u32);
        for (k, v) in m {
            self.str(k.as_bytes());
            self.value(v);
        }
    }
    pub fn value(&mut self, v: &Value) {
        match v {
            Value::Nil => self.nil(),
            Value::Bool(b) => self.bool(*b),
            Value::Int(i) => self.int(*i),
            Value::Float(f) => self.float(*f),
            Value::Str(s) => self.str(s.as_bytes()),
            Value::Bytes(b) => self.bytes(b),
            Value::Error(e) => self.error(e),
            Value::Map(m) => self.map_of(m),
            Value::List(l) => {
                self.list(l.len() as u32);
                l.iter().for_each(|v| self.value(v));
            }
        }
    }
    /// Appends encoded values as they are.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }
}

/// Reads a buffer from front to back.
#[derive(Clone)]
pub struct FlatReader<'a> {
    rest: &'a [u8],
}

impl<'a> FlatReader<'a> {
    /// Deepest nesting that is read or written.
    pub const MAX_DEPTH: u32 = 128;

    pub fn new(bytes: &'a [u8]) -> FlatReader<'a> {
        FlatReader { rest: bytes }
    }
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
    #[inline]
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        if n > self.rest.len() {
            return Err(damaged());
        }
        let (head, rest) = self.rest.split_at(n);
        self.rest = rest;
        Ok(head)
    }
    #[inline]
    pub fn tag(&mut self) -> Result<Tag, Error> {
        let (&b, rest) = self.rest.split_first().ok_or_else(damaged)?;
        self.rest = rest;
        Tag::from_byte(b).ok_or_else(damaged)
    }
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.take(1)?[0])
    }
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Error> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
    #[inline]
    pub fn word(&mut self) -> Result<[u8; 8], Error> {
        let b = self.take(8)?;
        Ok([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])
    }
    /// A count of values that each take at least `min` more bytes: refuses what the buffer cannot hold,
    /// so that nobody allocates for a lie.
    #[inline]
    pub fn count(&mut self, min: usize) -> Result<u32, Error> {
        let n = self.u32()?;
        if (n as usize).saturating_mul(min) > self.rest.len() { Err(damaged()) } else { Ok(n) }
    }
    /// The bytes of a text whose tag `tag` was just read.
    #[inline]
    pub fn text(&mut self, tag: Tag) -> Result<&'a [u8], Error> {
        let n = match tag {
            Tag::Str8 => self.u8()? as usize,
            Tag::Str32 | Tag::Bytes => self.u32()? as usize,
            _ => return Err(damaged()),
        };
        self.take(n)
    }
    /// The next value as a tree.
    pub fn value(&mut self) -> Result<Value, Error> {
        self.nested(0)
    }
    fn nested(&mut self, depth: u32) -> Result<Value, Error> {
        if depth > Self::MAX_DEPTH {
            return Err(Error::invalid(format!("value is nested deeper than {} levels", Self::MAX_DEPTH)));
        }
        Ok(match self.tag()? {
            Tag::Nil => Value::Nil,
            Tag::False => Value::Bool(false),
            Tag::True => Value::Bool(true),
            Tag::Int8 => Value::Int(self.u8()? as i8 as i64),
            Tag::Int64 => Value::Int(i64::from_le_bytes(self.word()?)),
            Tag::Float => Value::Float(f64::from_le_bytes(self.word()?)),
            tag @ (Tag::Str8 | Tag::Str32) => text(self.text(tag)?),
            Tag::Bytes => Value::Bytes(self.text(Tag::Bytes)?.to_vec()),
            Tag::List => {
                let n = self.count(1)?;
                let items: Result<_, Error> = (0..n).map(|_| self.nested(depth + 1)).collect();
                Value::List(items?)
            }
            Tag::Map => {
                let n = self.count(2)?;
                Value::Map(self.pairs(n, depth)?)
            }
            Tag::Table => {
                let (array, pairs) = (self.u32()?, self.u32()?);
                let need = array as usize + (pairs as usize).saturating_mul(2);
                if need > self.rest.len() {
                    return Err(damaged());
                }
                let mut map = Map::with_capacity((array + pairs) as usize);
                for i in 1..=array {
                    map.insert(i.to_string(), self.nested(depth + 1)?);
                }
                map.extend(self.pairs(pairs, depth)?);
                Value::Map(map)
            }
            Tag::Ref => return Err(Error::invalid("value refers to itself or shares a part, plain data cannot")),
            Tag::Meta => {
                self.nested(depth + 1)?;
                self.nested(depth + 1)?
            }
            Tag::Error => Value::Error(self.error(depth)?),
        })
    }
    fn pairs(&mut self, n: u32, depth: u32) -> Result<Map, Error> {
        let mut map = Map::with_capacity(n as usize);
        for _ in 0..n {
            let key = match self.nested(depth + 1)? {
                Value::Str(s) => s,
                Value::Int(i) => i.to_string(),
                Value::Float(f) => f.to_string(),
                Value::Bool(b) => b.to_string(),
                Value::Bytes(b) => String::from_utf8_lossy(&b).into_owned(),
                _ => return Err(damaged()),
            };
            map.insert(key, self.nested(depth + 1)?);
        }
        Ok(map)
    }
    /// The parts of an error whose tag was just read.
    pub fn error(&mut self, depth: u32) -> Result<Error, Error> {
        let kind = self.string()?;
        let message = self.string()?;
        let retryable = match self.tag()? {
            Tag::Nil => None,
            Tag::True => Some(true),
            Tag::False => Some(false),
            _ => return Err(damaged()),
        };
        let details = match self.nested(depth + 1)? {
            Value::Map(m) => Some(m),
            Value::Nil => None,
            _ => return Err(damaged()),
        };
        Ok(Error::new(Kind::new(kind), message).with_retryable(retryable).with_details(details))
    }
    fn string(&mut self) -> Result<String, Error> {
        let tag = self.tag()?;
        Ok(String::from_utf8_lossy(self.text(tag)?).into_owned())
    }
}

fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(s) => Value::Str(s.to_owned()),
        Err(_) => Value::Bytes(bytes.to_vec()),
    }
}

#[cold]
fn damaged() -> Error {
    Error::invalid("damaged payload")
}
