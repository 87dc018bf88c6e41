//! Process ids.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::abi::{imports, returned};

/// The id of a process. Cheap to copy and compare; as text, and in messages, `{host|0x00001}`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid {
    node: u32,
    host: u32,
    sequence: u64,
}

impl Pid {
    pub(crate) fn parts(self) -> (u32, u32, u64) {
        (self.node, self.host, self.sequence)
    }
}

impl fmt::Display for Pid {
    #[allow(unsafe_code)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (node, host, sequence) = self.parts();
        // SAFETY: the runtime writes the list and hands it over.
        let text = unsafe { returned(|ret| imports::pid_to_text(node, host, sequence, ret)).take_text() };
        f.write_str(&text)
    }
}

/// Errors: Invalid for a text that is no pid.
impl FromStr for Pid {
    type Err = ParsePidError;
    #[allow(unsafe_code)]
    fn from_str(text: &str) -> Result<Pid, ParsePidError> {
        // SAFETY: the runtime writes the answer and hands it over.
        let answer = unsafe { returned(|ret| imports::parse_pid(text.as_ptr(), text.len(), ret)).take() };
        answer.map_err(|error| ParsePidError(error.message().into()))
    }
}

/// A text is no pid.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsePidError(String);

impl fmt::Display for ParsePidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ParsePidError {}

/// As its text, which is what a pid is in Lua.
impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pid {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Pid, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Pid;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text of a pid")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pid, E> {
                text.parse().map_err(E::custom)
            }
        }
        d.deserialize_str(Text)
    }
}

/// What names a process: a [`Pid`], or a text, which is the text of a pid or a registered name.
pub trait Target {
    #[doc(hidden)]
    fn flat(&self) -> (i32, u32, u32, u64);
}

impl Target for Pid {
    fn flat(&self) -> (i32, u32, u32, u64) {
        (0, self.node, self.host, self.sequence)
    }
}

impl Target for str {
    fn flat(&self) -> (i32, u32, u32, u64) {
        (1, self.as_ptr() as usize as u32, self.len() as u32, 0)
    }
}

impl Target for String {
    fn flat(&self) -> (i32, u32, u32, u64) {
        self.as_str().flat()
    }
}

impl<T: Target + ?Sized> Target for &T {
    fn flat(&self) -> (i32, u32, u32, u64) {
        (**self).flat()
    }
}

/// The sender of a message: an error, if it has none.
impl Target for Option<Pid> {
    fn flat(&self) -> (i32, u32, u32, u64) {
        // The empty name belongs to nobody, so the runtime answers as for any unknown one.
        self.as_ref().map_or_else(|| "".flat(), Target::flat)
    }
}

/// The pid of this process.
#[allow(unsafe_code)]
pub fn self_pid() -> Pid {
    // SAFETY: the runtime writes the pid.
    unsafe { returned(|ret| imports::self_pid(ret)) }
}
