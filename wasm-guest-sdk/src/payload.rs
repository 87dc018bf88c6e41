//! Values that cross between the process and the rest of the world, and the handles to those that do not.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::abi::{RawEncoded, RawPayload, imports, returned};
use crate::{Error, Result, flat};

/// How a table is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Format {
    /// The runtime's own form, which loses nothing; what this crate reads and writes.
    Flat = 0,
    MsgPack = 1,
    Json = 2,
}

/// A value, written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    pub format: Format,
    pub data: Vec<u8>,
}

impl Encoded {
    /// The same value in another format. Errors: Invalid for data that is not in its format, or that `to` cannot express.
    #[allow(unsafe_code)]
    pub fn transcode(&self, to: Format) -> Result<Encoded> {
        let (format, at, len) = RawEncoded::of(self).flat();
        // SAFETY: the runtime writes the answer and hands it over.
        unsafe { Ok(returned(|ret| imports::transcode(format, at, len, to as i32, ret)).take()?.take()) }
    }
}

/// One value as it crosses. [`Payload::new`] makes one of anything that serde can serialize, [`Payload::decode`] is the
/// way back; most programs see neither, because messages, arguments and results are converted for them.
#[derive(Debug)]
pub enum Payload {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A table.
    Encoded(Encoded),
    /// A table that stays with the runtime; see [`Options::hold_tables`](crate::Options::hold_tables).
    Held(Held),
    Error(Error),
}

impl Payload {
    /// Errors: Invalid for what no process could read: integers beyond 64 bits with sign, nesting beyond 128 levels.
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<Payload> {
        Ok(match flat::to_vec(value)? {
            bytes if bytes.len() <= 9 => flat::scalar(&bytes).unwrap_or_else(|| Payload::flat(bytes)),
            bytes => Payload::flat(bytes),
        })
    }
    pub(crate) fn flat(data: Vec<u8>) -> Payload {
        Payload::Encoded(Encoded { format: Format::Flat, data })
    }
    /// Decodes the value. Whole floats are taken for integers, as Lua does not tell them apart either.
    /// Errors: Invalid, with what was expected and what was there.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        flat::from_payload(self)
    }
    pub fn is_nil(&self) -> bool {
        matches!(self, Payload::Nil)
    }
}

impl From<Error> for Payload {
    fn from(error: Error) -> Payload {
        Payload::Error(error)
    }
}

/// A handle to a value that stays with the runtime: passed on without ever being copied into the process. Dropping the
/// handle frees the value.
#[derive(Debug)]
pub struct Held(u32);

#[allow(unsafe_code)]
impl Held {
    pub(crate) fn from_handle(handle: u32) -> Held {
        Held(handle)
    }
    pub(crate) fn into_handle(self) -> u32 {
        core::mem::ManuallyDrop::new(self).0
    }
    /// `list` or `map`, or what it is if it is no table.
    pub fn kind(&self) -> String {
        // SAFETY: the runtime writes the text and hands it over.
        unsafe { returned(|ret| imports::value_kind(self.0, ret)).take_text() }
    }
    /// Elements of a list, pairs of a map, bytes of a text; 0 for the rest.
    pub fn len(&self) -> usize {
        // SAFETY: a call with a live handle.
        unsafe { imports::value_len(self.0) as usize }
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The value at `path`: keys joined by dots, elements of lists by number from 1.
    pub fn get(&self, path: &str) -> Option<Payload> {
        // SAFETY: the runtime writes the payload and hands it over.
        unsafe {
            let found = returned(|ret| imports::value_get(self.0, path.as_ptr(), path.len(), ret));
            found.get().map(|raw: RawPayload| raw.take())
        }
    }
    /// Copies the value into the process. Error: Invalid when the format cannot express it.
    pub fn encode(&self, format: Format) -> Result<Encoded> {
        // SAFETY: the runtime writes the answer and hands it over.
        let data = unsafe { returned(|ret| imports::value_encode(self.0, format as i32, ret)).take()?.take() };
        Ok(Encoded { format, data })
    }
    /// A second handle to the same value.
    pub fn share(&self) -> Held {
        // SAFETY: a call with a live handle.
        Held(unsafe { imports::value_share(self.0) })
    }
}

impl Drop for Held {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the handle is live and not used again.
        unsafe { imports::value_drop(self.0) }
    }
}

/// Arguments: a tuple, each member of which is one value; `()` for none, `(x,)` for one.
pub trait Args {
    #[doc(hidden)]
    fn payloads(&self) -> Result<Vec<Payload>>;
}

/// Values that arrive as several payloads: a tuple as in [`Args`]. Payloads that are missing are nil.
pub trait FromArgs: Sized {
    /// Errors: Invalid `argument N: ...`.
    fn from_args(payloads: &[Payload]) -> Result<Self>;
}

fn argument<T: DeserializeOwned>(payloads: &[Payload], index: usize) -> Result<T> {
    let payload = payloads.get(index).unwrap_or(&Payload::Nil);
    payload.decode().map_err(|error| error.context(format_args!("argument {}", index + 1)))
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => {
        $(
            impl<$($name: Serialize),*> Args for ($($name,)*) {
                fn payloads(&self) -> Result<Vec<Payload>> {
                    Ok(alloc::vec![$(Payload::new(&self.$index)?),*])
                }
            }
            impl<$($name: DeserializeOwned),*> FromArgs for ($($name,)*) {
                #[allow(unused_variables)]
                fn from_args(payloads: &[Payload]) -> Result<Self> {
                    Ok(($(argument::<$name>(payloads, $index)?,)*))
                }
            }
        )*
    };
}

tuples! {
    ()
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}
