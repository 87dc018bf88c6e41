//! Cuts a source text into tokens, every byte in exactly one of them.
//!
//! Tokens are a kind and a start offset; a token ends where the next begins, so no text is copied. Faults inside
//! a token (unfinished string, malformed number, bad escape) are reported here and the token keeps its kind, so
//! that the parser does not stumble over them again. `>` is always a token of its own: only the parser knows
//! whether `>>` closes two type-argument lists. This file knows no grammar.

use crate::error::{MAX_ERRORS, RawError};
use crate::kind::SyntaxKind::{self, *};

/// A token; it ends where the next one starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawToken {
    pub(crate) kind: SyntaxKind,
    pub(crate) start: u32,
}

/// What the lexer found.
pub(crate) struct Lexed {
    /// All tokens, trivia included, then one `Eof` at the length of the source.
    pub(crate) tokens: Vec<RawToken>,
    pub(crate) errors: Vec<RawError>,
    /// Start offsets of literals that plain Lua 5.4 reads differently (see [`crate::literal`]), ascending.
    pub(crate) foreign_literals: Vec<u32>,
}

/// Cuts `source` into tokens. The caller has made sure that its length fits `u32`.
pub(crate) fn lex(source: &str) -> Lexed {
    let mut lexer = Lexer {
        bytes: source.as_bytes(),
        source,
        at: 0,
        out: Lexed { tokens: Vec::with_capacity(source.len() / 4 + 2), errors: Vec::new(), foreign_literals: vec![] },
    };
    if source.starts_with('\u{feff}') {
        lexer.at = 3;
        lexer.out.tokens.push(RawToken { kind: Whitespace, start: 0 });
    }
    while lexer.at < lexer.bytes.len() {
        let start = lexer.at;
        let kind = lexer.token();
        lexer.out.tokens.push(RawToken { kind, start: start as u32 });
    }
    lexer.out.tokens.push(RawToken { kind: Eof, start: source.len() as u32 });
    lexer.out
}

struct Lexer<'s> {
    bytes: &'s [u8],
    source: &'s str,
    at: usize,
    out: Lexed,
}

pub(crate) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

impl Lexer<'_> {
    /// The byte `ahead` places after the current one; 0 past the end (a NUL in the source is no token either).
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|b| test(*b)) {
            self.at += 1;
        }
    }

    fn error(&mut self, start: usize, end: usize, message: impl Into<String>) {
        if self.out.errors.len() < MAX_ERRORS {
            self.out.errors.push(RawError { range: start as u32..end as u32, message: message.into() });
        }
    }

    /// Takes `len` bytes as a token of `kind`.
    fn take(&mut self, len: usize, kind: SyntaxKind) -> SyntaxKind {
        self.at += len;
        kind
    }

    fn token(&mut self) -> SyntaxKind {
        let start = self.at;
        match self.peek(0) {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.skip_while(is_word_byte);
                SyntaxKind::of_word(&self.bytes[start..self.at])
            }
            b if is_blank(b) => {
                self.skip_while(is_blank);
                Whitespace
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'"' | b'\'' => self.quoted(),
            b'-' if self.peek(1) == b'-' => self.comment(),
            b'[' => match self.long_bracket_level() {
                Some(level) => {
                    if !self.long_bracket(level) {
                        self.error(start, self.at, "unterminated long string");
                    }
                    Str
                }
                None => self.take(1, LBracket),
            },
            byte => self.punctuation(byte),
        }
    }

    fn punctuation(&mut self, byte: u8) -> SyntaxKind {
        let next = self.peek(1);
        match byte {
            b'+' => self.take(1, Plus),
            b'-' if next == b'>' => self.take(2, Arrow),
            b'-' => self.take(1, Minus),
            b'*' => self.take(1, Star),
            b'/' if next == b'/' => self.take(2, SlashSlash),
            b'/' => self.take(1, Slash),
            b'%' => self.take(1, Percent),
            b'^' => self.take(1, Caret),
            b'#' => self.take(1, Hash),
            b'&' => self.take(1, Amp),
            b'~' if next == b'=' => self.take(2, NotEq),
            b'~' => self.take(1, Tilde),
            b'|' => self.take(1, Pipe),
            b'<' if next == b'<' => self.take(2, Shl),
            b'<' if next == b'=' => self.take(2, Le),
            b'<' => self.take(1, Lt),
            b'>' => self.take(1, Gt),
            b'=' if next == b'=' => self.take(2, Eq),
            b'=' => self.take(1, Assign),
            b'.' if next == b'.' && self.peek(2) == b'.' => self.take(3, Ellipsis),
            b'.' if next == b'.' => self.take(2, DotDot),
            b'.' => self.take(1, Dot),
            b',' => self.take(1, Comma),
            b';' => self.take(1, Semicolon),
            b':' if next == b':' => self.take(2, ColonColon),
            b':' => self.take(1, Colon),
            b'(' => self.take(1, LParen),
            b')' => self.take(1, RParen),
            b'{' => self.take(1, LBrace),
            b'}' => self.take(1, RBrace),
            b']' => self.take(1, RBracket),
            b'?' if next == b':' => self.take(2, QuestionColon),
            b'?' => self.take(1, Question),
            b'!' => self.take(1, Bang),
            b'@' => self.take(1, At),
            _ => self.unknown(),
        }
    }

    /// One character that starts no token. Whole characters only, so that tokens never split one.
    fn unknown(&mut self) -> SyntaxKind {
        let start = self.at;
        let Some(c) = self.source[start..].chars().next() else { return Unknown };
        self.at += c.len_utf8();
        self.error(start, self.at, format!("unexpected character {c:?}"));
        Unknown
    }

    fn comment(&mut self) -> SyntaxKind {
        let start = self.at;
        self.at += 2;
        if self.peek(0) == b'['
            && let Some(level) = self.long_bracket_level()
        {
            if !self.long_bracket(level) {
                self.error(start, self.at, "unterminated multiline comment");
            }
            return Comment;
        }
        self.skip_while(|b| b != b'\n' && b != b'\r');
        Comment
    }

    /// Number of `=` when a long bracket opens at the current byte.
    fn long_bracket_level(&self) -> Option<usize> {
        let level = self.bytes[self.at + 1..].iter().take_while(|b| **b == b'=').count();
        (self.peek(1 + level) == b'[').then_some(level)
    }

    /// Takes a whole long bracket; false if it is not closed (then everything is taken).
    fn long_bracket(&mut self, level: usize) -> bool {
        self.at += level + 2;
        while let Some(found) = self.bytes[self.at..].iter().position(|b| *b == b']') {
            self.at += found + 1;
            let equals = self.bytes[self.at..].iter().take_while(|b| **b == b'=').count();
            if equals == level && self.peek(equals) == b']' {
                self.at += equals + 1;
                return true;
            }
            self.at += equals;
        }
        self.at = self.bytes.len();
        false
    }

    fn number(&mut self) -> SyntaxKind {
        let start = self.at;
        let hex = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X');
        loop {
            match self.peek(0) {
                b'e' | b'E' if !hex && matches!(self.peek(1), b'+' | b'-') => self.at += 2,
                b if is_word_byte(b) || b == b'.' => self.at += 1,
                _ => break,
            }
        }
        let text = &self.bytes[start..self.at];
        let shape = if hex { hex_shape(text) } else { decimal_shape(text) };
        if !shape {
            let message = format!("malformed number near '{}'", shorten(&self.source[start..self.at]));
            self.error(start, self.at, message);
        } else if !hex && crate::literal::octal_value(text).is_some() {
            self.out.foreign_literals.push(start as u32);
        }
        Number
    }

    fn quoted(&mut self) -> SyntaxKind {
        let start = self.at;
        let quote = self.peek(0);
        let mut foreign = false;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                Some(b'\\') => foreign |= self.escape(),
                Some(byte) if *byte == quote => {
                    self.at += 1;
                    break;
                }
                Some(b'\n' | b'\r') | None => {
                    self.error(start, self.at, "unterminated string");
                    return Str;
                }
                Some(_) => self.at += 1,
            }
        }
        if foreign {
            self.out.foreign_literals.push(start as u32);
        }
        Str
    }

    /// Takes one escape sequence; true if plain Lua 5.4 would refuse it.
    fn escape(&mut self) -> bool {
        let start = self.at;
        let escape = crate::literal::escape_at(&self.bytes[start..]);
        self.at += escape.len;
        match escape.meaning {
            crate::literal::Escape::TooLarge => self.error(start, self.at, "decimal escape too large"),
            crate::literal::Escape::Foreign => return true,
            crate::literal::Escape::Plain => {}
        }
        false
    }
}

fn hex_shape(text: &[u8]) -> bool {
    text.len() > 2 && text[2..].iter().all(u8::is_ascii_hexdigit)
}

/// Digits with at most one point and an optional exponent, at least one digit before the exponent.
fn decimal_shape(text: &[u8]) -> bool {
    let mantissa_len = text.iter().position(|b| matches!(b, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(mantissa_len);
    let digits = mantissa.iter().filter(|b| b.is_ascii_digit()).count();
    let points = mantissa.iter().filter(|b| **b == b'.').count();
    if digits == 0 || points > 1 || digits + points != mantissa.len() {
        return false;
    }
    match exponent {
        [] => true,
        [_, b'+' | b'-', rest @ ..] | [_, rest @ ..] => !rest.is_empty() && rest.iter().all(u8::is_ascii_digit),
    }
}

/// At most 40 characters of a token for a message.
pub(crate) fn shorten(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}...", &text[..cut]).into(),
        None => text.into(),
    }
}
