//! What is wrong with an expression, and where: the message, line and column,
//! and the line itself with a mark below the place.

use std::borrow::Cow;
use std::fmt;

/// Shown as `message (line:column)`, then the line and a mark below the place, unless the line holds wide characters
/// before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub message: String,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    snippet: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{}){}", self.message, self.line, self.column, self.snippet)
    }
}

impl std::error::Error for Error {}

/// An error on its way to whoever knows the source.
#[derive(Debug)]
pub(crate) struct Fault {
    pub message: Cow<'static, str>,
    /// Offset in bytes.
    pub at: u32,
}

impl Fault {
    pub fn new(at: u32, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { message: message.into(), at }
    }

    pub fn locate(self, source: &str) -> Error {
        let mut at = (self.at as usize).min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        let start = source[..at].rfind('\n').map_or(0, |n| n + 1);
        let line = source[start..].lines().next().unwrap_or_default();
        let before = &source[start..at];
        let line_number = source[..start].matches('\n').count() as u32 + 1;
        let mut snippet = String::new();
        if !line.is_empty() {
            snippet = format!("\n | {}", line.replace('\t', " "));
            let marked = line[before.len().min(line.len())..].chars().next();
            if before.is_ascii() && marked.is_none_or(|c| c.is_ascii()) {
                snippet += &format!("\n | {}^", ".".repeat(before.len()));
            }
        }
        let column = before.chars().count() as u32 + 1;
        Error { message: self.message.into_owned(), line: line_number, column, snippet }
    }
}
