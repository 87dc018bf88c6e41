//! How a process ended.

use crate::error::Error;
use crate::payload::Flat;

/// The end of a process: the first value its main returned, or why it failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Exit {
    /// At most one encoded value; empty means nil.
    Value(Flat),
    Error(Error),
}

impl Exit {
    pub fn error(&self) -> Option<&Error> {
        match self {
            Exit::Value(_) => None,
            Exit::Error(e) => Some(e),
        }
    }
    pub fn is_error(&self) -> bool {
        matches!(self, Exit::Error(_))
    }
    pub fn into_result(self) -> Result<Flat, Error> {
        match self {
            Exit::Value(v) => Ok(v),
            Exit::Error(e) => Err(e),
        }
    }
}

impl From<Result<Flat, Error>> for Exit {
    fn from(result: Result<Flat, Error>) -> Exit {
        result.map_or_else(Exit::Error, Exit::Value)
    }
}
