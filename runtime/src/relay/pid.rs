//! Process ids: three integers in memory, text only at the edges.
//!
//! Node and host names are interned once per OS process, so a pid is 16 bytes
//! and `Copy`. Comparison is that of the text: a pid with a node part and one
//! without are different keys even when they name the same process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;

use crate::error::Error;

/// An interned node, host or odd unique part. Equal names have equal numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(u32);

/// Names the runtime knows at most.
const MAX_NAMES: usize = 1 << 20;
/// Of these, names that programs made it remember by writing pid texts, so that they cannot use up all.
const MAX_GUESSES: usize = 1 << 16;
/// Bytes of one such name.
const MAX_GUESS: usize = 512;

struct Names {
    ids: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    guesses: usize,
}

impl Names {
    fn add(&mut self, text: &str) -> Result<Name, Error> {
        if self.texts.len() >= MAX_NAMES {
            return Err(Error::limit_exceeded("too many host and node names"));
        }
        let text: Arc<str> = text.into();
        let id = self.texts.len() as u32;
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        Ok(Name(id))
    }
}

static NAMES: LazyLock<RwLock<Names>> = LazyLock::new(|| {
    let empty: Arc<str> = "".into();
    RwLock::new(Names { ids: HashMap::from([(empty.clone(), 0)]), texts: vec![empty], guesses: 0 })
});

impl Name {
    /// The empty name: no node.
    pub const EMPTY: Name = Name(0);

    /// Errors: LimitExceeded when a million names are known.
    pub fn new(text: &str) -> Result<Name, Error> {
        if let Some(&id) = NAMES.read().ids.get(text) {
            return Ok(Name(id));
        }
        let mut names = NAMES.write();
        if let Some(&id) = names.ids.get(text) {
            return Ok(Name(id));
        }
        names.add(text)
    }
    /// A name out of a text that anybody may have written. Errors: LimitExceeded for a long one, or when 65,536 names
    /// have come that way.
    fn guessed(text: &str) -> Result<Name, Error> {
        if let Some(known) = Name::known(text) {
            return Ok(known);
        }
        if text.len() > MAX_GUESS {
            return Err(Error::limit_exceeded("invalid pid format: name is too long"));
        }
        let mut names = NAMES.write();
        if names.guesses >= MAX_GUESSES {
            return Err(Error::limit_exceeded("too many host and node names"));
        }
        match names.ids.get(text) {
            Some(&id) => Ok(Name(id)),
            None => {
                names.guesses += 1;
                names.add(text)
            }
        }
    }
    /// The name if it is known already; never makes the runtime remember anything.
    pub fn known(text: &str) -> Option<Name> {
        NAMES.read().ids.get(text).copied().map(Name)
    }
    pub fn text(self) -> Arc<str> {
        NAMES.read().texts[self.0 as usize].clone()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A process id: node, host, and a number unique on its node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid {
    pub node: Name,
    pub host: Name,
    seq: u64,
}

/// Marks a unique part that is not in the form the runtime writes; the rest is its [`Name`].
const ODD: u64 = 1 << 63;

impl Pid {
    pub fn new(node: Name, host: Name, seq: u64) -> Pid {
        debug_assert!(seq < ODD);
        Pid { node, host, seq }
    }
    /// A pid that names no process, with an empty host: `{|text}`.
    pub fn reserved(text: &'static str) -> Pid {
        let name = Name::new(text).unwrap_or(Name::EMPTY);
        Pid { node: Name::EMPTY, host: Name::EMPTY, seq: ODD | u64::from(name.0) }
    }
    /// The sender of exit and link notices: `{|topology}`.
    pub fn topology() -> Pid {
        static PID: LazyLock<Pid> = LazyLock::new(|| Pid::reserved("topology"));
        *PID
    }
    /// No sender: `{|}`.
    pub fn none() -> Pid {
        Pid { node: Name::EMPTY, host: Name::EMPTY, seq: ODD }
    }
    pub fn is_none(&self) -> bool {
        *self == Pid::none()
    }
    /// The number of the process, `None` for a unique part in another form.
    pub fn seq(&self) -> Option<u64> {
        (self.seq & ODD == 0).then_some(self.seq)
    }

    /// Parses `{host|uniq}` or `{node@host|uniq}`; validates form only.
    /// Errors: Invalid `invalid pid format: missing braces`, `... missing pipe`; LimitExceeded for names that are too
    /// long, or new when too many have been written already.
    pub fn parse(text: &str) -> Result<Pid, Error> {
        let inner = text
            .strip_prefix('{')
            .and_then(|t| t.strip_suffix('}'))
            .filter(|_| text.len() >= 3)
            .ok_or_else(|| Error::invalid("invalid pid format: missing braces"))?;
        let (left, right) = inner.split_once('|').ok_or_else(|| Error::invalid("invalid pid format: missing pipe"))?;
        // A second pipe is a legacy middle part, read and ignored.
        let uniq = right.rsplit_once('|').map_or(right, |(_, last)| last);
        let (node, host) = left.split_once('@').unwrap_or(("", left));
        let seq = match parse_seq(uniq) {
            Some(seq) => seq,
            None => ODD | u64::from(Name::guessed(uniq)?.0),
        };
        Ok(Pid { node: Name::guessed(node)?, host: Name::guessed(host)?, seq })
    }

    /// Appends the text form to `out`.
    pub fn write(&self, out: &mut String) {
        out.push('{');
        let names = NAMES.read();
        if self.node != Name::EMPTY {
            out.push_str(&names.texts[self.node.0 as usize]);
            out.push('@');
        }
        out.push_str(&names.texts[self.host.0 as usize]);
        out.push('|');
        match self.seq() {
            Some(seq) => write_seq(seq, out),
            None => out.push_str(&names.texts[(self.seq & !ODD) as usize]),
        }
        out.push('}');
    }
}

/// Digits the runtime writes for `seq`: 5, 6, 8 or 16.
fn digits(seq: u64) -> usize {
    match seq {
        0..=0xF_FFFF => 5,
        0x10_0000..=0xFF_FFFF => 6,
        0x100_0000..=0xFFFF_FFFF => 8,
        _ => 16,
    }
}

fn write_seq(seq: u64, out: &mut String) {
    out.push_str("0x");
    for i in (0..digits(seq)).rev() {
        out.push(char::from(b"0123456789abcdef"[(seq >> (4 * i)) as usize & 15]));
    }
}

/// The number of a unique part in exactly the form that [`write_seq`] gives, so that text equality is kept.
fn parse_seq(uniq: &str) -> Option<u64> {
    let hex = uniq.strip_prefix("0x")?.as_bytes();
    if !matches!(hex.len(), 5 | 6 | 8 | 16) {
        return None;
    }
    let mut seq = 0u64;
    for &b in hex {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'a'..=b'f' => b - b'a' + 10,
            _ => return None,
        };
        seq = seq << 4 | u64::from(digit);
    }
    (seq < ODD && digits(seq) == hex.len()).then_some(seq)
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        self.write(&mut text);
        f.write_str(&text)
    }
}
impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_the_runtime_writes_reads_back(node in "[a-z0-9-]{0,12}", host in "[a-z.]{1,8}:[a-z_]{1,8}", seq in 0..ODD) {
            let pid = Pid::new(Name::new(&node).unwrap(), Name::new(&host).unwrap(), seq);
            prop_assert_eq!(Pid::parse(&pid.to_string()).unwrap(), pid);
        }
        #[test]
        fn a_text_that_is_a_pid_is_written_as_it_was(node in "[^@|{}]{0,6}", host in "[^@|{}]{0,6}", uniq in "[^|]{0,8}") {
            let at = if node.is_empty() { "" } else { "@" };
            let text = format!("{{{node}{at}{host}|{uniq}}}");
            prop_assert_eq!(Pid::parse(&text).unwrap().to_string(), text);
        }
        #[test]
        fn any_text_is_handled(text: String) {
            let _ = Pid::parse(&text);
            let _ = Pid::parse(&format!("{{{text}}}"));
        }
    }

    #[test]
    fn what_programs_write_is_bounded() {
        let long = format!("{{{}|0x00001}}", "h".repeat(MAX_GUESS + 1));
        assert_eq!(Pid::parse(&long).unwrap_err().message(), "invalid pid format: name is too long");
        for (text, problem) in
            [("{a", "missing braces"), ("x|y}", "missing braces"), ("{a}", "missing pipe"), ("{}", "missing braces")]
        {
            assert_eq!(Pid::parse(text).unwrap_err().message(), format!("invalid pid format: {problem}"));
        }
    }
}
