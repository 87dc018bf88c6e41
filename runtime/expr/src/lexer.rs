//! From text to tokens, as the reference cuts it.

use std::fmt;

use crate::error::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Identifier,
    Number,
    String,
    /// Its text has one character per byte.
    Bytes,
    Operator,
    Bracket,
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub kind: Kind,
    /// Without quotes and escapes.
    pub text: String,
    /// Offset in bytes.
    pub at: u32,
}

impl Token {
    pub fn is(&self, kind: Kind, text: &str) -> bool {
        self.kind == kind && self.text == text
    }
    pub fn is_operator(&self, text: &str) -> bool {
        self.is(Kind::Operator, text)
    }
    pub fn is_bracket(&self, text: &str) -> bool {
        self.is(Kind::Bracket, text)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::End => f.write_str("EOF"),
            kind => write!(f, "{kind:?}({:?})", self.text),
        }
    }
}

/// Words that are operators.
const WORDS: [&str; 11] =
    ["in", "or", "and", "not", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"];

/// Cuts a whole source; the last token is [`Kind::End`].
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer { source, at: 0 };
    let mut all = Vec::new();
    while let Some(token) = lexer.next()? {
        all.push(token);
    }
    all.push(Token { kind: Kind::End, text: String::new(), at: source.len() as u32 });
    Ok(all)
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

pub(crate) fn starts_name(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphabetic()
}

fn in_name(c: char) -> bool {
    starts_name(c) || c.is_numeric()
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    fn accept(&mut self, set: &str) -> bool {
        let found = self.peek().filter(|c| set.contains(*c));
        self.at += found.map_or(0, char::len_utf8);
        found.is_some()
    }
    fn accept_run(&mut self, of: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !of(c)).unwrap_or(rest.len());
    }

    fn next(&mut self) -> Result<Option<Token>, Fault> {
        self.skip()?;
        let start = self.at;
        let Some(c) = self.peek() else { return Ok(None) };
        let mut text = None;
        let kind = match c {
            '\'' | '"' => {
                text = Some(self.quoted(c, false)?);
                Kind::String
            }
            '`' => {
                text = Some(self.raw()?);
                Kind::String
            }
            'b' if self.rest()[1..].starts_with(['\'', '"']) => {
                self.at += 1;
                text = Some(self.quoted(if self.rest().starts_with('"') { '"' } else { '\'' }, true)?);
                Kind::Bytes
            }
            '0'..='9' => self.number(start)?,
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(start)?,
            '(' | '[' | '{' | ')' | ']' | '}' => {
                self.at += 1;
                Kind::Bracket
            }
            _ if starts_name(c) => {
                self.accept_run(in_name);
                if WORDS.contains(&&self.source[start..self.at]) { Kind::Operator } else { Kind::Identifier }
            }
            _ => self.operator(c)?,
        };
        let text = text.unwrap_or_else(|| self.source[start..self.at].to_owned());
        Ok(Some(Token { kind, text, at: start as u32 }))
    }

    /// Spaces and comments.
    fn skip(&mut self) -> Result<(), Fault> {
        loop {
            self.accept_run(char::is_whitespace);
            let start = self.at;
            if self.rest().starts_with("//") {
                self.accept_run(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                match self.rest().find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return Err(Fault::new(start as u32, "unclosed comment")),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn operator(&mut self, c: char) -> Result<Kind, Fault> {
        let two = ["?.", "??", "..", "::", "||", "&&", "==", "!=", "<=", ">=", "**"];
        let rest = self.rest();
        self.at += match two.iter().any(|op| rest.starts_with(op)) {
            true => 2,
            false if "?.:,;%+-^&!=*<>/|#".contains(c) => 1,
            false => {
                let message = format!("unrecognized character: U+{:04X} '{c}'", u32::from(c));
                return Err(Fault::new(self.at as u32, message));
            }
        };
        Ok(Kind::Operator)
    }

    fn number(&mut self, start: usize) -> Result<Kind, Fault> {
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        let run = |lexer: &mut Self| lexer.accept_run(|c| digits.contains(c));
        run(self);
        // `1..3` is a range.
        if !self.rest().starts_with("..") {
            if self.accept(".") {
                run(self);
            }
            if self.accept("eE") {
                self.accept("+-");
                run(self);
            }
        }
        if self.peek().is_some_and(in_name) {
            self.accept_run(in_name);
            let text = &self.source[start..self.at];
            return Err(Fault::new(start as u32, format!("bad number syntax: {text:?}")));
        }
        Ok(Kind::Number)
    }

    fn raw(&mut self) -> Result<String, Fault> {
        let start = self.at;
        let inside = &self.rest()[1..];
        let Some(end) = inside.find('`') else { return Err(Fault::new(start as u32, "literal not terminated")) };
        self.at += end + 2;
        Ok(inside[..end].to_owned())
    }

    fn quoted(&mut self, quote: char, bytes: bool) -> Result<String, Fault> {
        let start = self.at;
        let unfinished = || Fault::new(start as u32, "literal not terminated");
        let mut text = String::new();
        self.at += 1;
        loop {
            let c = self.peek().filter(|c| *c != '\n').ok_or_else(unfinished)?;
            self.at += c.len_utf8();
            match c {
                _ if c == quote => return Ok(text),
                '\\' => {
                    let at = self.at as u32 - 1;
                    text.push(self.escape(bytes).ok_or_else(|| Fault::new(at, "invalid char escape"))?);
                }
                _ if bytes && !c.is_ascii() => {
                    let mut buffer = [0; 4];
                    text.extend(c.encode_utf8(&mut buffer).bytes().map(char::from));
                }
                _ => text.push(c),
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self, bytes: bool) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(match c {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '\\' | '\'' | '"' | '`' | '?' => c,
            'x' | 'X' => self.code(2, 16)?,
            'u' if !bytes && self.accept("{") => {
                let digits = self.rest().find('}').filter(|n| (1..=6).contains(n))?;
                let c = self.code(digits, 16)?;
                self.at += 1;
                c
            }
            'u' if !bytes => self.code(4, 16)?,
            'U' if !bytes => self.code(8, 16)?,
            '0'..='3' => {
                self.at -= 1;
                self.code(3, 8)?
            }
            _ => return None,
        })
    }

    fn code(&mut self, digits: usize, radix: u32) -> Option<char> {
        let text = self.rest().get(..digits).filter(|t| t.chars().all(|c| c.is_digit(radix)))?;
        self.at += digits;
        char::from_u32(u32::from_str_radix(text, radix).ok()?)
    }
}
