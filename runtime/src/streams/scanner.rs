//! Cuts what a stream gives into tokens: lines, words, bytes or characters.
//! Reads ahead, so the stream itself goes on behind what the scanner took.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::{DEFAULT_READ, StreamHandle};
use crate::error::{Error, Result};

/// Bytes of the longest token.
pub const MAX_TOKEN: usize = 64 << 10;

/// Where tokens end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// After a line feed, which is not part of the token, nor is a carriage return before it.
    Lines,
    /// At white space, which belongs to no token.
    Words,
    Bytes,
    /// Characters of UTF-8; a byte that begins none counts as U+FFFD.
    Runes,
}

/// See the module comment.
pub struct Scanner {
    stream: Arc<StreamHandle>,
    split: Split,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    /// Bytes at the front of the buffer that were given away.
    taken: usize,
    ended: bool,
    /// Said again by every later scan.
    failed: Option<Error>,
}

/// What the front of the buffer is.
enum Found {
    /// A token in `from..to`; the next one is looked for at `next`.
    Token { from: usize, to: usize, next: usize },
    /// One byte that is no text.
    Broken,
    /// Nothing yet, and bytes before this one need not be kept.
    Nothing { skip: usize },
}

impl Scanner {
    pub fn new(stream: Arc<StreamHandle>, split: Split) -> Scanner {
        Scanner { stream, split, state: Mutex::default() }
    }

    /// The next token; `None` at the end. Errors: those of the stream; Internal `bufio.Scanner: token too long`.
    pub async fn scan(&self) -> Result<Option<Vec<u8>>> {
        let mut state = self.state.lock().await;
        if let Some(failed) = &state.failed {
            return Err(failed.clone());
        }
        let token = self.next(&mut state).await;
        if let Err(e) = &token {
            state.failed = Some(e.clone());
        }
        token
    }

    async fn next(&self, state: &mut State) -> Result<Option<Vec<u8>>> {
        loop {
            match find(self.split, &state.buffer[state.taken..], state.ended) {
                Found::Token { from, to, .. } if to - from > MAX_TOKEN => return Err(too_long()),
                Found::Token { from, to, next } => {
                    let token = state.buffer[state.taken + from..state.taken + to].to_vec();
                    state.taken += next;
                    return Ok(Some(token));
                }
                Found::Broken => {
                    state.taken += 1;
                    return Ok(Some("\u{FFFD}".into()));
                }
                Found::Nothing { skip } => state.taken += skip,
            }
            if state.ended {
                return Ok(None);
            }
            state.buffer.drain(..state.taken);
            state.taken = 0;
            if state.buffer.len() > MAX_TOKEN {
                return Err(too_long());
            }
            let more = self.stream.read(DEFAULT_READ).await?;
            state.ended = more.is_empty();
            state.buffer.extend_from_slice(&more);
        }
    }
}

fn too_long() -> Error {
    Error::internal("bufio.Scanner: token too long")
}

fn find(split: Split, bytes: &[u8], ended: bool) -> Found {
    let nothing = Found::Nothing { skip: 0 };
    match split {
        Split::Lines => match bytes.iter().position(|b| *b == b'\n') {
            Some(end) => Found::Token { from: 0, to: without_return(bytes, end), next: end + 1 },
            None if ended && !bytes.is_empty() => {
                Found::Token { from: 0, to: without_return(bytes, bytes.len()), next: bytes.len() }
            }
            None => nothing,
        },
        Split::Bytes if bytes.is_empty() => nothing,
        Split::Bytes => Found::Token { from: 0, to: 1, next: 1 },
        Split::Runes => match first_char(bytes) {
            Ok(Some(c)) => Found::Token { from: 0, to: c.len_utf8(), next: c.len_utf8() },
            Ok(None) if bytes.is_empty() || !ended => nothing,
            Ok(None) | Err(()) => Found::Broken,
        },
        Split::Words => find_word(bytes, ended),
    }
}

fn find_word(bytes: &[u8], ended: bool) -> Found {
    let mut start = None;
    let mut at = 0;
    while at < bytes.len() {
        let (space, len) = match first_char(&bytes[at..]) {
            Ok(Some(c)) => (c.is_whitespace(), c.len_utf8()),
            // The rest of a character may follow.
            Ok(None) if !ended => break,
            Ok(None) | Err(()) => (false, 1),
        };
        match start {
            Some(from) if space => return Found::Token { from, to: at, next: at + len },
            None if !space => start = Some(at),
            _ => {}
        }
        at += len;
    }
    match start {
        Some(from) if ended => Found::Token { from, to: bytes.len(), next: bytes.len() },
        Some(from) => Found::Nothing { skip: from },
        None => Found::Nothing { skip: at },
    }
}

/// `to`, or one less if a carriage return is before it.
fn without_return(bytes: &[u8], to: usize) -> usize {
    if to > 0 && bytes[to - 1] == b'\r' { to - 1 } else { to }
}

/// The character at the front; `None` if its end is missing, an error if it is none.
fn first_char(bytes: &[u8]) -> Result<Option<char>, ()> {
    let front = &bytes[..bytes.len().min(4)];
    let text = match std::str::from_utf8(front) {
        Ok(text) => text,
        Err(e) if e.valid_up_to() > 0 => std::str::from_utf8(&front[..e.valid_up_to()]).map_err(|_| ())?,
        Err(e) if e.error_len().is_none() => return Ok(None),
        Err(_) => return Err(()),
    };
    Ok(text.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts `text` as if it came `step` bytes at a time.
    fn cut(split: Split, text: &[u8], step: usize) -> Vec<String> {
        let (mut buffer, mut given, mut tokens) = (Vec::new(), 0, Vec::new());
        loop {
            let ended = given == text.len() && buffer.is_empty() || given > text.len();
            let skip = match find(split, &buffer, ended || given >= text.len()) {
                Found::Token { from, to, next } => {
                    tokens.push(String::from_utf8_lossy(&buffer[from..to]).into_owned());
                    next
                }
                Found::Broken => {
                    tokens.push("\u{FFFD}".into());
                    1
                }
                Found::Nothing { .. } if given >= text.len() => return tokens,
                Found::Nothing { skip } => {
                    let end = (given + step).min(text.len());
                    buffer.extend_from_slice(&text[given..end]);
                    given = end;
                    skip
                }
            };
            buffer.drain(..skip);
        }
    }

    #[test]
    fn tokens_do_not_depend_on_how_the_bytes_arrive() {
        let cases: [(Split, &str, &[&str]); 10] = [
            (Split::Lines, "a\nb\r\n\nc", &["a", "b", "", "c"]),
            (Split::Lines, "a\n", &["a"]),
            (Split::Lines, "a\rb\r", &["a\rb"]),
            (Split::Lines, "", &[]),
            (Split::Words, "  one\ttwo\u{2003}three\n", &["one", "two", "three"]),
            (Split::Words, "end", &["end"]),
            (Split::Words, " \n ", &[]),
            (Split::Bytes, "ab", &["a", "b"]),
            (Split::Runes, "aé€🦀", &["a", "é", "€", "🦀"]),
            (Split::Runes, "", &[]),
        ];
        for (split, text, want) in cases {
            for step in [1, 2, 3, 100] {
                assert_eq!(cut(split, text.as_bytes(), step), want, "{split:?} {text:?} by {step}");
            }
        }
        assert_eq!(cut(Split::Runes, b"a\xFFb\xE2\x82", 1), ["a", "\u{FFFD}", "b", "\u{FFFD}", "\u{FFFD}"]);
        assert_eq!(cut(Split::Words, b"a\xFF b\xE2", 1), ["a\u{FFFD}", "b\u{FFFD}"]);
    }
}
