//! The runtime's form of values, as a serde format. `docs/FLAT.md` of the runtime describes it: a tag byte and its payload
//! for each value. Being the form in which messages exist anyway, it costs the runtime a copy and loses nothing.
//!
//! What serde cannot say is said by names: an [`Error`](crate::Error) is a tuple struct called [`ERROR`], bytes that are
//! encoded already are a newtype called [`RAW`], and who can take an error or anything else asks for a newtype called
//! [`VALUE`].

pub(crate) mod de;
mod ser;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::payload::{Format, Payload};
use crate::{Error, Result};

pub(crate) const ERROR: &str = "$wippy::error";
pub(crate) const RAW: &str = "$wippy::raw";
pub(crate) const VALUE: &str = "$wippy::value";

/// Deepest nesting, written or read.
const MAX_DEPTH: u32 = 128;

mod tag {
    pub const NIL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const INT8: u8 = 3;
    pub const INT64: u8 = 4;
    pub const FLOAT: u8 = 5;
    pub const STR8: u8 = 6;
    pub const STR32: u8 = 7;
    pub const BYTES: u8 = 8;
    pub const LIST: u8 = 9;
    pub const MAP: u8 = 10;
    pub const TABLE: u8 = 11;
    pub const REF: u8 = 12;
    pub const META: u8 = 13;
    pub const ERROR: u8 = 14;
}

/// Encodes one value. Errors: Invalid for integers beyond 64 bits with sign, nesting beyond 128 levels, and what the type's
/// own `Serialize` refuses.
pub fn to_vec(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>> {
    ser::to_vec(value).map_err(Problem::invalid)
}

/// Decodes one value. Errors: Invalid for damaged bytes, and for values that are not what `T` expects.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    T::deserialize(&mut de::Reader::new(bytes)).map_err(Problem::invalid)
}

pub(crate) fn from_payload<T: DeserializeOwned>(payload: &Payload) -> Result<T> {
    match reader(payload) {
        Some(mut reader) => T::deserialize(&mut reader).map_err(Problem::invalid),
        None => from_slice(&flattened(payload)?),
    }
}

/// A reader of the payload as it is; `None` for one that has to be [`flattened`] first.
pub(crate) fn reader(payload: &Payload) -> Option<de::Reader<'_>> {
    Some(de::Reader::of(match payload {
        Payload::Nil => de::Item::Nil,
        Payload::Bool(b) => de::Item::Bool(*b),
        Payload::Int(i) => de::Item::Int(*i),
        Payload::Float(f) => de::Item::Float(*f),
        Payload::Text(s) => de::Item::Text(s.as_bytes()),
        Payload::Bytes(b) => de::Item::Bytes(b),
        Payload::Encoded(e) if e.format == Format::Flat => return Some(de::Reader::new(&e.data)),
        Payload::Encoded(_) | Payload::Held(_) | Payload::Error(_) => return None,
    }))
}

/// A reader of nil.
pub(crate) fn nil() -> de::Reader<'static> {
    de::Reader::of(de::Item::Nil)
}

/// The flat form of a payload that has another.
pub(crate) fn flattened(payload: &Payload) -> Result<Vec<u8>> {
    match payload {
        Payload::Encoded(e) => e.transcode(Format::Flat).map(|flat| flat.data),
        Payload::Held(held) => held.encode(Format::Flat).map(|flat| flat.data),
        Payload::Error(error) => to_vec(error),
        Payload::Nil => to_vec(&()),
        Payload::Bool(b) => to_vec(b),
        Payload::Int(i) => to_vec(i),
        Payload::Float(f) => to_vec(f),
        Payload::Text(s) => to_vec(s),
        Payload::Bytes(b) => to_vec(&Bytes(b)),
    }
}

/// The payload of an encoded value that is a number, a boolean or nil.
pub(crate) fn scalar(bytes: &[u8]) -> Option<Payload> {
    Some(match de::Reader::new(bytes).item().ok()? {
        de::Item::Nil => Payload::Nil,
        de::Item::Bool(b) => Payload::Bool(b),
        de::Item::Int(i) => Payload::Int(i),
        de::Item::Float(f) => Payload::Float(f),
        _ => return None,
    })
}

/// A value that is encoded already; as part of another one it is put there as it is.
pub(crate) struct Encoded(pub Vec<u8>);

impl Encoded {
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<Encoded, Problem> {
        ser::to_vec(value).map(Encoded)
    }
}

impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        Raw(&self.0).serialize(s)
    }
}

/// The same, borrowed.
pub(crate) struct Raw<'a>(pub &'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_newtype_struct(RAW, &Bytes(self.0))
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(self.0)
    }
}

pub(crate) fn is_table(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&(tag::MAP | tag::TABLE)))
}

/// Why a value cannot be written or read.
#[derive(Debug)]
pub(crate) struct Problem(String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Problem {
    fn new(text: &str) -> Problem {
        Problem(text.to_string())
    }
    /// Not `From`, whose blanket form for errors says Internal.
    pub(crate) fn invalid(self) -> Error {
        Error::invalid(self.0)
    }
}
