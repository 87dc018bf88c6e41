//! Syntax errors: where, what, and how a person sees them.
//!
//! An error is plain data with byte offsets; lines and columns are worked out once, after parsing, by
//! [`locate`]. This file knows neither tokens nor grammar.

use std::fmt;
use std::ops::Range;

/// At most this many errors are kept for one source; further ones are dropped.
pub const MAX_ERRORS: usize = 100;

/// Source lines longer than this many characters are shown as an excerpt around the error.
const MAX_SHOWN: usize = 160;

/// One syntax error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte range in the source; empty at the end of the file.
    pub range: Range<u32>,
    /// Line of `range.start`, from 1.
    pub line: u32,
    /// Column of `range.start` in bytes, from 1.
    pub column: u32,
    pub message: String,
    /// The text ended too early; `range` is the empty range at its end.
    pub at_eof: bool,
}

impl SyntaxError {
    /// The one-line form: `file:line:column: message`, or `file at EOF: message` when the text ended too early.
    pub fn headline(&self, file: &str) -> String {
        if self.at_eof {
            format!("{file} at EOF: {}", self.message)
        } else {
            format!("{file}:{}:{}: {}", self.line, self.column, self.message)
        }
    }

    /// `file:line:column: message`, the source line and a caret below the range; no line end at the end.
    ///
    /// `source` must be the text that was parsed; with any other text the result is merely useless.
    pub fn render(&self, file: &str, source: &str) -> String {
        let mut out = format!("{file}:{}:{}: {}", self.line, self.column, self.message);
        let at = (self.range.start as usize).min(source.len());
        let start = source.as_bytes()[..at].iter().rposition(|b| is_line_end(*b)).map_or(0, |i| i + 1);
        let end = source.as_bytes()[at..].iter().position(|b| is_line_end(*b)).map_or(source.len(), |i| at + i);
        let stop = (self.range.end as usize).clamp(at, end);
        let (Some(before), Some(marked), Some(after)) =
            (source.get(start..at), source.get(at..stop), source.get(stop..end))
        else {
            return out;
        };
        let before_chars = before.chars().count();
        let skip = before_chars.saturating_sub(MAX_SHOWN / 2);
        let lead = if skip > 0 { "..." } else { "" };
        let before: String = before.chars().skip(skip).collect();
        let mut rest = marked.chars().chain(after.chars());
        let room = MAX_SHOWN - before.chars().count();
        let shown: String = rest.by_ref().take(room).collect();
        let tail = if rest.next().is_some() { "..." } else { "" };
        out.push_str("\n    ");
        out.push_str(lead);
        out.push_str(&before);
        out.push_str(&shown);
        out.push_str(tail);
        out.push_str("\n    ");
        out.push_str(&" ".repeat(lead.len()));
        // Tabs stay tabs, so that the caret stands right whatever their width.
        out.extend(before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }));
        out.push_str(&"^".repeat(marked.chars().count().clamp(1, room.max(1))));
        out
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for SyntaxError {}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// An error before its line is known.
pub(crate) struct RawError {
    pub(crate) range: Range<u32>,
    pub(crate) message: String,
}

/// Sorts, drops what is too many or at one place twice, and adds lines and columns in one pass.
///
/// A line ends at `\n`, `\r\n` or a lone `\r`, as for the Lua compiler.
pub(crate) fn locate(source: &str, mut raw: Vec<RawError>) -> Vec<SyntaxError> {
    raw.sort_by_key(|e| e.range.start);
    raw.dedup_by_key(|e| e.range.start);
    raw.truncate(MAX_ERRORS);
    let bytes = source.as_bytes();
    let (mut line, mut line_start, mut at) = (1u32, 0usize, 0usize);
    raw.into_iter()
        .map(|e| {
            let target = (e.range.start as usize).min(bytes.len());
            while at < target {
                let byte = bytes[at];
                at += 1;
                if byte == b'\n' || (byte == b'\r' && bytes.get(at) != Some(&b'\n')) {
                    line += 1;
                    line_start = at;
                }
            }
            SyntaxError {
                line,
                column: (target - line_start) as u32 + 1,
                message: e.message,
                at_eof: e.range.start as usize >= bytes.len(),
                range: e.range,
            }
        })
        .collect()
}
