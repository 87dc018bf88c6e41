//! The one error model of the runtime, seen by Lua and WebAssembly alike.
//!
//! An [`Error`] has a kind, a message, an optional statement about whether a
//! retry may help, details (plain data) and a cause. Guests see exactly these
//! parts, never a Rust path or a panic text. Typed errors of the crates map
//! into this type at their borders.

use std::borrow::Cow;
use std::fmt;

use crate::payload::{Map, Value};

/// The class of an error, compared as text: guests may invent their own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Kind(Cow<'static, str>);

macro_rules! kinds {
    ($($name:ident = $text:literal),* $(,)?) => {
        impl Kind { $(pub const $name: Kind = Kind(Cow::Borrowed($text));)* }
    };
}

kinds! {
    UNKNOWN = "", NOT_FOUND = "NotFound", ALREADY_EXISTS = "AlreadyExists", INVALID = "Invalid",
    PERMISSION_DENIED = "PermissionDenied", UNAVAILABLE = "Unavailable", INTERNAL = "Internal",
    CANCELED = "Canceled", CONFLICT = "Conflict", TIMEOUT = "Timeout", RATE_LIMITED = "RateLimited",
    LIMIT_EXCEEDED = "LimitExceeded", INVALID_STATE = "InvalidState", TERMINATED = "Terminated",
    EXITED = "Exited",
}

impl Kind {
    pub fn new(text: impl Into<String>) -> Kind {
        Kind(Cow::Owned(text.into()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Unknown" } else { &self.0 })
    }
}

/// `Result` with the runtime's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// See the module comment. One pointer wide, so that `Result<(), Error>` is cheap.
#[derive(Clone, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq)]
struct Inner {
    kind: Kind,
    message: String,
    retryable: Option<bool>,
    details: Option<Map>,
    cause: Option<Error>,
}

macro_rules! constructors {
    ($($fun:ident => $kind:ident),* $(,)?) => {
        $(#[doc = concat!("A not retryable error of kind `", stringify!($kind), "`.")]
        pub fn $fun(message: impl Into<String>) -> Error {
            Error::new(Kind::$kind, message).retryable(false)
        })*
    };
}

impl Error {
    /// An error that says nothing about retrying.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), retryable: None, details: None, cause: None }))
    }

    constructors! {
        not_found => NOT_FOUND, already_exists => ALREADY_EXISTS, invalid => INVALID,
        permission_denied => PERMISSION_DENIED, unavailable => UNAVAILABLE, internal => INTERNAL,
        canceled => CANCELED, conflict => CONFLICT, timeout => TIMEOUT,
        limit_exceeded => LIMIT_EXCEEDED, invalid_state => INVALID_STATE,
    }

    pub fn retryable(mut self, retryable: bool) -> Error {
        self.0.retryable = Some(retryable);
        self
    }
    /// Replaces the statement about retrying; `None` says nothing.
    pub fn with_retryable(mut self, retryable: Option<bool>) -> Error {
        self.0.retryable = retryable;
        self
    }
    pub fn with_kind(mut self, kind: Kind) -> Error {
        self.0.kind = kind;
        self
    }
    /// Adds one detail; details are plain data that guests can read.
    pub fn detail(mut self, key: impl Into<String>, value: impl Into<Value>) -> Error {
        self.0.details.get_or_insert_with(Map::new).insert(key.into(), value.into());
        self
    }
    pub fn with_details(mut self, details: Option<Map>) -> Error {
        self.0.details = details;
        self
    }
    /// Sets what led to this error; its text is appended to this one's.
    pub fn because(mut self, cause: Error) -> Error {
        self.0.cause = Some(cause);
        self
    }

    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }
    /// The error's own message without its causes; [`fmt::Display`] gives the whole chain.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    pub fn is_retryable(&self) -> Option<bool> {
        self.0.retryable
    }
    pub fn details(&self) -> Option<&Map> {
        self.0.details.as_ref()
    }
    pub fn cause(&self) -> Option<&Error> {
        self.0.cause.as_ref()
    }
    /// This error and its causes, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &Error> {
        std::iter::successors(Some(self), |e| e.cause())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({self})", self.0.kind)
    }
}

impl std::error::Error for Error {}
