//! The one error of a process: kind, message, whether a retry may help, details. Every other error becomes one by `?`.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeTupleStruct, Serializer};
use serde::{Deserialize, Serialize};

use crate::flat;
use crate::payload::{Encoded, Format};

/// `Result` with the guest's [`Error`].
pub type Result<T, E = Error> = core::result::Result<T, E>;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The class of an error. Programs may invent their own, so there is [`Kind::Other`].
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $name,)*
            /// A text that is none of the above.
            Other(String),
        }

        impl Kind {
            /// The text that other languages see.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Kind::$name => $text,)*
                    Kind::Other(text) => text,
                }
            }
            /// The kind with that text.
            pub fn new(text: impl Into<String>) -> Kind {
                let text = text.into();
                match text.as_str() {
                    $($text => Kind::$name,)*
                    _ => Kind::Other(text),
                }
            }
        }
    };
}

kinds! {
    /// Nobody said.
    Unknown = "",
    NotFound = "NotFound",
    AlreadyExists = "AlreadyExists",
    Invalid = "Invalid",
    PermissionDenied = "PermissionDenied",
    Unavailable = "Unavailable",
    Internal = "Internal",
    Canceled = "Canceled",
    Conflict = "Conflict",
    Timeout = "Timeout",
    RateLimited = "RateLimited",
    LimitExceeded = "LimitExceeded",
    InvalidState = "InvalidState",
    Terminated = "Terminated",
    Exited = "Exited",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// See the module comment. Like `anyhow::Error` it is no `core::error::Error` itself, so that `?` accepts every other.
///
/// ```
/// use wippy_guest::{Error, Kind, Result};
///
/// fn parse(text: &str) -> Result<i64> {
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(parse("x").unwrap_err().kind(), &Kind::Internal);
/// let busy = Error::new(Kind::Unavailable, "no worker is free").retryable(true);
/// assert_eq!(busy.to_string(), "no worker is free");
/// ```
#[derive(Clone, PartialEq)]
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
    retryable: Option<bool>,
    /// A map in the flat form.
    details: Option<Vec<u8>>,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Error {
        Error { kind, message: message.into(), retryable: None, details: None }
    }
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::NotFound, message)
    }
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Invalid, message)
    }
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Internal, message)
    }
    pub fn timeout(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Timeout, message)
    }
    /// Says whether trying again may help.
    pub fn retryable(mut self, retryable: bool) -> Error {
        self.retryable = Some(retryable);
        self
    }
    pub fn with_kind(mut self, kind: Kind) -> Error {
        self.kind = kind;
        self
    }
    /// Puts what was being done in front: `cannot open shop: file not found`. All else stays.
    pub fn context(mut self, doing: impl fmt::Display) -> Error {
        self.message = alloc::format!("{doing}: {}", self.message).into();
        self
    }
    /// Adds details: a map or a struct that others can read. What cannot be encoded is left out.
    pub fn with_details(mut self, details: &impl Serialize) -> Error {
        self.details = flat::to_vec(details).ok().filter(|bytes| flat::is_table(bytes));
        self
    }

    pub fn kind(&self) -> &Kind {
        &self.kind
    }
    pub fn message(&self) -> &str {
        &self.message
    }
    /// `None`: nobody said.
    pub fn is_retryable(&self) -> Option<bool> {
        self.retryable
    }
    /// The details as `T`; `None` without details, or if they are none.
    pub fn details<T: DeserializeOwned>(&self) -> Option<T> {
        flat::from_slice(self.details.as_deref()?).ok()
    }

    pub(crate) fn encoded_details(&self) -> Option<&[u8]> {
        self.details.as_deref()
    }
    pub(crate) fn from_parts(kind: Kind, message: String, retryable: Option<bool>, details: Option<Encoded>) -> Error {
        let flat = |details: Encoded| match details.format {
            Format::Flat => Some(details.data),
            _ => details.transcode(Format::Flat).ok().map(|flat| flat.data),
        };
        Error { kind, message: message.into(), retryable, details: details.and_then(flat) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.kind, self.message)
    }
}

/// The error and what it came from, outermost first, as Internal.
impl<E: core::error::Error> From<E> for Error {
    fn from(error: E) -> Error {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            // Many errors already say what their source says.
            if !message.contains(&text) {
                message = alloc::format!("{message}: {text}");
            }
            cause = inner.source();
        }
        Error::internal(message)
    }
}

/// Inside of other values an error stays an error, in every language.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut parts = s.serialize_tuple_struct(flat::ERROR, 4)?;
        parts.serialize_field(self.kind.as_str())?;
        parts.serialize_field(&*self.message)?;
        parts.serialize_field(&self.retryable)?;
        parts.serialize_field(&self.details.as_deref().map(flat::Raw))?;
        parts.end()
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Error, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Error;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Error, A::Error> {
                let short = || de::Error::custom("an error has four parts");
                let kind: String = parts.next_element()?.ok_or_else(short)?;
                let message: String = parts.next_element()?.ok_or_else(short)?;
                let retryable = parts.next_element()?.ok_or_else(short)?;
                let Details(details) = parts.next_element()?.ok_or_else(short)?;
                Ok(Error { kind: Kind::new(kind), message: message.into(), retryable, details })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Error, E> {
                Ok(Error::internal(String::from(text)))
            }
        }
        d.deserialize_tuple_struct(flat::ERROR, 4, Parts)
    }
}

/// Details, left encoded.
struct Details(Option<Vec<u8>>);

impl<'de> Deserialize<'de> for Details {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Details, D::Error> {
        struct Raw;
        impl Visitor<'_> for Raw {
            type Value = Details;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the details of an error")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Details, E> {
                Ok(Details(flat::is_table(bytes).then(|| bytes.to_vec())))
            }
        }
        d.deserialize_newtype_struct(flat::RAW, Raw)
    }
}
