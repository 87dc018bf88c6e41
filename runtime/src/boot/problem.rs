//! A finding about a user's file: where it is, what is wrong, what to do.
//!
//! Loading never stops at the first finding; it collects them, and whoever
//! called decides what an error means. Rendered like a compiler's message:
//! `file:line:column: error: message`, the line itself with a caret, a hint.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::registry::EntryId;
use crate::yaml::{Pos, SyntaxError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Loading goes on as the reference describes; something is probably not meant so.
    Warning,
    /// Something was left out or could not be read.
    Error,
}

/// See the module comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub severity: Severity,
    /// Path as the user would type it; empty if no file is concerned.
    pub file: Arc<str>,
    /// 1-based; 0 if unknown.
    pub line: u32,
    pub column: u32,
    pub entry: Option<EntryId>,
    /// Path of the field inside the entry or file.
    pub field: Option<String>,
    pub message: String,
    /// What the user can do.
    pub help: Option<String>,
    /// The text of the line.
    pub excerpt: Option<String>,
}

/// Longest part of a line that is shown.
const EXCERPT: usize = 120;

impl Problem {
    pub fn error(file: impl Into<Arc<str>>, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            file: file.into(),
            line: 0,
            column: 0,
            entry: None,
            field: None,
            message: message.into(),
            help: None,
            excerpt: None,
        }
    }
    pub fn warning(file: impl Into<Arc<str>>, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(file, message) }
    }
    /// A syntax error of `text`.
    pub fn syntax(file: impl Into<Arc<str>>, text: &str, error: &SyntaxError) -> Problem {
        Problem::error(file, error.message.clone()).at(error.pos).showing(text)
    }
    pub fn at(mut self, pos: Pos) -> Problem {
        (self.line, self.column) = (pos.line, pos.column);
        self
    }
    /// Shows the line of `text` the problem is on. Call after [`Problem::at`].
    pub fn showing(mut self, text: &str) -> Problem {
        let line = text.lines().nth((self.line as usize).wrapping_sub(1));
        self.excerpt = line.filter(|l| !l.trim().is_empty()).map(str::to_owned);
        self
    }
    pub fn entry(mut self, id: EntryId) -> Problem {
        self.entry = Some(id);
        self
    }
    pub fn field(mut self, path: impl Into<String>) -> Problem {
        self.field = Some(path.into());
        self
    }
    pub fn help(mut self, text: impl Into<String>) -> Problem {
        self.help = Some(text.into());
        self
    }
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
    /// `file:line:column: entry x: field y: message` on one line, for logs.
    pub fn summary(&self) -> String {
        let mut out = self.place();
        if !out.is_empty() {
            out.push_str(": ");
        }
        out + &self.subject()
    }

    fn place(&self) -> String {
        match (self.line, self.column) {
            (0, _) => self.file.to_string(),
            (line, 0) => format!("{}:{line}", self.file),
            (line, column) => format!("{}:{line}:{column}", self.file),
        }
    }
    fn subject(&self) -> String {
        let mut out = String::new();
        if let Some(id) = &self.entry {
            out += &format!("entry {id}: ");
        }
        if let Some(field) = &self.field {
            out += &format!("field {field}: ");
        }
        out + &self.message
    }
}

impl From<Problem> for Error {
    fn from(p: Problem) -> Error {
        Error::invalid(p.summary())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        if !place.is_empty() {
            write!(f, "{place}: ")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.subject())?;
        let mut gutter = String::from("  ");
        if let Some(excerpt) = self.excerpt.as_ref().filter(|_| self.line > 0) {
            gutter = " ".repeat(self.line.to_string().len() + 1);
            // Long lines are shown around the column; tabs become one space so the caret fits.
            let column = (self.column as usize).saturating_sub(1);
            let skip = column.saturating_sub(EXCERPT / 2);
            let shown: String =
                excerpt.chars().skip(skip).take(EXCERPT).map(|c| if c.is_control() { ' ' } else { c }).collect();
            write!(f, "\n{gutter}|\n{} | {}\n{gutter}| ", self.line, shown.trim_end())?;
            if self.column > 0 {
                write!(f, "{}^", " ".repeat(column - skip))?;
            }
        }
        if let Some(help) = &self.help {
            write!(f, "\n{gutter}= help: {help}")?;
        }
        Ok(())
    }
}

/// The candidate a misspelt `word` most probably means: at most a third of the letters differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(word, c), c))
        .filter(|&(distance, c)| distance > 0 && distance <= allowed && c.len() > distance)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, c)| c)
}
