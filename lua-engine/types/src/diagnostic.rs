//! What the checker and the linter report, and how a person sees it.

use crate::SyntaxError;
use std::cell::OnceCell;
use std::fmt;
use std::ops::Range;

/// Columns a tab goes to when a source line is shown.
const TAB: usize = 8;
/// Characters of a source line that are shown.
const MAX_SHOWN: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
    Hint,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The codes that are produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Syntax error.
    P0001,
    /// Type mismatch.
    E0000,
    /// Not callable.
    E0002,
    /// Wrong number of arguments.
    E0003,
    /// Field not found.
    E0004,
    /// Missing return.
    E0010,
    /// Invalid operand.
    E0019,
    /// Call of an optional value.
    E0021,
    /// Method not found.
    E0022,
    /// The checker failed.
    E9999,
    /// no-empty-blocks
    W0001,
    /// no-global-assign
    W0002,
    /// no-self-compare
    W0003,
    /// no-unused-vars
    W0004,
    /// no-unused-params
    W0005,
    /// no-unused-imports
    W0006,
    /// no-shadowed-vars
    W0007,
    /// no-undeclared-require
    W0008,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 18] = {
        use Code::*;
        [
            P0001, E0000, E0002, E0003, E0004, E0010, E0019, E0021, E0022, E9999, W0001, W0002, W0003, W0004, W0005,
            W0006, W0007, W0008,
        ]
    };

    /// The code that is written like this.
    pub fn of(text: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.to_string() == text)
    }

    pub fn severity(self) -> Severity {
        match self {
            Code::W0001 | Code::W0002 | Code::W0004 | Code::W0006 | Code::W0008 => Severity::Warning,
            Code::W0005 | Code::W0007 => Severity::Hint,
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

/// One finding in one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    /// Bytes of the source it is about.
    pub range: Range<u32>,
    /// Line of the start, from 1.
    pub line: u32,
    /// Column of the start in bytes, from 1.
    pub column: u32,
    /// Further facts, shown as `= note:` lines.
    pub notes: Vec<String>,
    /// Advice, shown as a `= help:` line.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A syntax error as a diagnostic.
    pub fn syntax(error: &SyntaxError) -> Diagnostic {
        Diagnostic {
            code: Code::P0001,
            severity: Severity::Error,
            message: error.message.clone(),
            range: error.range.clone(),
            line: error.line,
            column: error.column,
            notes: vec![],
            help: None,
        }
    }

    /// For the day the checker itself fails on a source.
    pub fn internal() -> Diagnostic {
        Diagnostic {
            code: Code::E9999,
            severity: Severity::Error,
            message: "type checker internal error (skipped)".to_owned(),
            range: 0..0,
            line: 1,
            column: 1,
            notes: vec![],
            help: None,
        }
    }

    /// `error[E0000]: message`, the place, and the source line with the range marked; no line end at the end.
    pub fn render(&self, file: &str, source: &str) -> String {
        let mut out =
            format!("{}[{}]: {}\n --> {file}:{}:{}", self.severity, self.code, self.message, self.line, self.column);
        let gutter = self.line.to_string().len();
        if let Some((text, mark)) = self.excerpt(source) {
            out.push_str(&format!("\n{:gutter$} |\n{} | {text}\n{:gutter$} | {mark}", "", self.line, ""));
        }
        for note in &self.notes {
            out.push_str(&format!("\n{:gutter$} = note: {note}", ""));
        }
        if let Some(help) = &self.help {
            out.push_str(&format!("\n{:gutter$} = help: {help}", ""));
        }
        out
    }

    /// The source line, tabs expanded, and the mark below it.
    fn excerpt(&self, source: &str) -> Option<(String, String)> {
        let at = (self.range.start as usize).min(source.len());
        let is_end = |b: &u8| *b == b'\n' || *b == b'\r';
        let start = source.as_bytes()[..at].iter().rposition(is_end).map_or(0, |i| i + 1);
        let end = source.as_bytes()[at..].iter().position(is_end).map_or(source.len(), |i| at + i);
        let stop = (self.range.end as usize).clamp(at, end);
        let mut text = String::new();
        let mut column = 0;
        let (mut from, mut to) = (None, None);
        for (i, c) in source.get(start..end)?.char_indices() {
            let byte = start + i;
            if byte >= at {
                from.get_or_insert(column);
            }
            if byte >= stop {
                to.get_or_insert(column);
            }
            if column >= MAX_SHOWN {
                text.push_str("...");
                break;
            }
            let width = if c == '\t' { TAB - column % TAB } else { 1 };
            text.extend(std::iter::repeat_n(if c == '\t' { ' ' } else { c }, width));
            column += width;
        }
        let from = from.unwrap_or(column);
        let to = to.unwrap_or(column).max(from + 1);
        Some((text, format!("{}^{}", " ".repeat(from), "~".repeat(to - from - 1))))
    }
}

/// Turns byte offsets into lines and columns. Looks for lines when it is first asked: most sources have nothing wrong.
pub(crate) struct Lines<'t> {
    source: &'t str,
    starts: OnceCell<Vec<u32>>,
}

impl<'t> Lines<'t> {
    /// A line ends at `\n`, `\r\n` or a lone `\r`.
    pub(crate) fn new(source: &'t str) -> Self {
        Lines { source, starts: OnceCell::new() }
    }

    fn starts(&self) -> &[u32] {
        self.starts.get_or_init(|| {
            let bytes = self.source.as_bytes();
            let ends = |(i, b): (usize, &u8)| *b == b'\n' || (*b == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
            let starts = bytes.iter().enumerate().filter(|x| ends(*x)).map(|(i, _)| i as u32 + 1);
            std::iter::once(0).chain(starts).collect()
        })
    }

    pub(crate) fn place(&self, offset: u32) -> (u32, u32) {
        let starts = self.starts();
        let line = starts.partition_point(|s| *s <= offset).max(1);
        (line as u32, offset - starts[line - 1] + 1)
    }
}
