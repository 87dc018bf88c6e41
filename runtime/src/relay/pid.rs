//! Process ids: three integers in memory, text only at the edges.
//!
//! Node and host names are interned once per OS process, so a pid is 16 bytes
//! and `Copy`. Comparison is that of the text: a pid with a node part and one
//! without are different keys even when they name the same process.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use parking_lot::RwLock;

use crate::error::Error;
use crate::maps::FastMap;

/// An interned node, host or odd unique part. Equal names have equal numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(u32);

/// Names the runtime knows at most.
const MAX_NAMES: usize = 1 << 20;
/// Of these, names that the programs of one host make it remember by writing pid texts, so that they use up nothing but
/// what is theirs.
const MAX_GUESSES: usize = 1 << 12;
/// Bytes of one such name.
const MAX_GUESS: usize = 512;

/// All names, by text.
static IDS: LazyLock<RwLock<Ids>> = LazyLock::new(|| RwLock::new(Ids { of: FastMap::from_iter([("", 0)]) }));

struct Ids {
    of: FastMap<&'static str, u32>,
}

/// Counts the names that a host's programs bring.
pub(crate) type Guesses = Arc<AtomicUsize>;

thread_local! {
    /// Of the host whose threads this is one of; all other threads of the OS process have one together.
    static GUESSES: RefCell<Guesses> = RefCell::new(OTHERS.clone());
}
static OTHERS: LazyLock<Guesses> = LazyLock::new(Guesses::default);

/// From now on what this thread parses counts among `guesses`.
pub(crate) fn count_guesses(guesses: Guesses) {
    GUESSES.set(guesses);
}

/// All texts, by number: chunk c holds those from 2^c - 1 on. Read without locks, never freed.
static TEXTS: [OnceLock<Box<[Text]>>; CHUNKS] = [const { OnceLock::new() }; CHUNKS];
type Text = OnceLock<Arc<str>>;
const CHUNKS: usize = MAX_NAMES.ilog2() as usize + 1;

/// The place of the text of name `id`.
fn place(id: u32) -> &'static Text {
    let chunk = (id + 1).ilog2();
    let texts = TEXTS[chunk as usize].get_or_init(|| (0..1usize << chunk).map(|_| OnceLock::new()).collect());
    &texts[(id + 1 - (1 << chunk)) as usize]
}

impl Ids {
    fn add(&mut self, text: &str) -> Result<Name, Error> {
        if self.of.len() >= MAX_NAMES {
            return Err(Error::limit_exceeded("too many host and node names"));
        }
        let id = self.of.len() as u32;
        let text: &'static Arc<str> = place(id).get_or_init(|| text.into());
        self.of.insert(text, id);
        Ok(Name(id))
    }
}

impl Name {
    /// The empty name: no node.
    pub const EMPTY: Name = Name(0);

    /// Errors: LimitExceeded when a million names are known.
    pub fn new(text: &str) -> Result<Name, Error> {
        if let Some(name) = Name::known(text) {
            return Ok(name);
        }
        let mut ids = IDS.write();
        if let Some(&id) = ids.of.get(text) {
            return Ok(Name(id));
        }
        ids.add(text)
    }
    /// A name out of a text that anybody may have written. Errors: LimitExceeded for a long one, or when the host whose
    /// thread this is has brought as many as it may.
    fn guessed(text: &str) -> Result<Name, Error> {
        if let Some(known) = Name::known(text) {
            return Ok(known);
        }
        if text.len() > MAX_GUESS {
            return Err(Error::limit_exceeded("invalid pid format: name is too long"));
        }
        let mut ids = IDS.write();
        if let Some(&id) = ids.of.get(text) {
            return Ok(Name(id));
        }
        GUESSES.with_borrow(|guesses| {
            // Under the lock of all names, so no other thread counts meanwhile.
            if guesses.load(Ordering::Relaxed) >= MAX_GUESSES {
                return Err(Error::limit_exceeded("too many host and node names"));
            }
            guesses.fetch_add(1, Ordering::Relaxed);
            ids.add(text)
        })
    }
    /// The name if it is known already; never makes the runtime remember anything.
    pub fn known(text: &str) -> Option<Name> {
        IDS.read().of.get(text).copied().map(Name)
    }
    /// Whether a name has this number.
    fn is_known(id: u32) -> bool {
        id == 0 || ((id as usize) < MAX_NAMES && place(id).get().is_some())
    }
    pub fn text(self) -> Arc<str> {
        place(self.0).get_or_init(|| "".into()).clone()
    }
    /// The text; does not lock.
    pub fn as_str(self) -> &'static str {
        place(self.0).get_or_init(|| "".into())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A process id: node, host, and a number unique on its node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid {
    pub node: Name,
    pub host: Name,
    seq: u64,
}

/// Bytes of node and host together up to which [`Pid::with_text`] does not allocate.
const NAMES_ROOM: usize = 106;

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

    /// The pid as numbers, which mean something in this run only.
    pub fn parts(&self) -> (u32, u32, u64) {
        (self.node.0, self.host.0, self.seq)
    }
    /// The pid of [`Pid::parts`]; `None` for numbers that no pid of this run can have.
    pub fn from_parts(node: u32, host: u32, seq: u64) -> Option<Pid> {
        let odd = if seq & ODD == 0 { 0 } else { u32::try_from(seq & !ODD).ok()? };
        let known = [node, host, odd].into_iter().all(Name::is_known);
        known.then_some(Pid { node: Name(node), host: Name(host), seq })
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
        let seq = match parse_seq(uniq.as_bytes()) {
            Some(seq) => seq,
            None => ODD | u64::from(Name::guessed(uniq)?.0),
        };
        let (node, host) = left.split_once('@').unwrap_or(("", left));
        let (node, host) = (Name::guessed(node)?, Name::guessed(host)?);
        RECENT.with_borrow_mut(|recent| recent.add(left, node, host));
        Ok(Pid { node, host, seq })
    }
    /// As [`Pid::parse`]; quick for a pid in the form that the runtime writes, on a host that this thread met lately.
    #[inline]
    pub fn parse_bytes(text: &[u8]) -> Result<Pid, Error> {
        let known = || {
            let inner = text.strip_prefix(b"{")?.strip_suffix(b"}")?;
            // The number has five digits at least, eight nearly always.
            let pipe = (0..inner.len().saturating_sub(6)).rev().find(|&i| inner[i] == b'|')?;
            let seq = parse_seq(&inner[pipe + 1..])?;
            let (node, host) = RECENT.with_borrow(|recent| recent.find(&inner[..pipe]))?;
            Some(Pid { node, host, seq })
        };
        known().map_or_else(|| Pid::parse(&String::from_utf8_lossy(text)), Ok)
    }

    /// Calls `f` with the text form. Allocates only for names that are long together.
    #[inline]
    pub fn with_text<T>(&self, f: impl FnOnce(&[u8]) -> T) -> T {
        let (node, host) = (self.node.as_str(), self.host.as_str());
        let Some(seq) = self.seq().filter(|_| node.len() + host.len() <= NAMES_ROOM) else {
            return f(self.to_string().as_bytes());
        };
        let mut text = [0; NAMES_ROOM + 22];
        let mut end = 0;
        let mut add = |part: &[u8]| {
            text[end..end + part.len()].copy_from_slice(part);
            end += part.len();
        };
        add(b"{");
        if self.node != Name::EMPTY {
            add(node.as_bytes());
            add(b"@");
        }
        add(host.as_bytes());
        add(b"|0x");
        let (digits, n) = hex(seq);
        add(&digits[16 - n..]);
        add(b"}");
        f(&text[..end])
    }
    /// Appends the text form to `out`.
    pub fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_char('{')?;
        if self.node != Name::EMPTY {
            out.write_str(self.node.as_str())?;
            out.write_char('@')?;
        }
        out.write_str(self.host.as_str())?;
        out.write_char('|')?;
        match self.seq() {
            Some(seq) => {
                let (digits, n) = hex(seq);
                out.write_str("0x")?;
                // The digits are ASCII.
                out.write_str(std::str::from_utf8(&digits[16 - n..]).unwrap_or_default())?;
            }
            None => out.write_str(Name((self.seq & !ODD) as u32).as_str())?,
        }
        out.write_char('}')
    }
}

/// What stands before the pipe in pids that this thread parsed lately.
struct Recent {
    all: [(String, Name, Name); 4],
    next: usize,
}

thread_local! {
    static RECENT: RefCell<Recent> = const {
        RefCell::new(Recent { all: [const { (String::new(), Name::EMPTY, Name::EMPTY) }; 4], next: 0 })
    };
}

impl Recent {
    #[inline]
    fn find(&self, left: &[u8]) -> Option<(Name, Name)> {
        self.all.iter().find(|r| r.0.as_bytes() == left).map(|r| (r.1, r.2))
    }
    fn add(&mut self, left: &str, node: Name, host: Name) {
        if self.find(left.as_bytes()).is_none() {
            self.all[self.next] = (left.to_owned(), node, host);
            self.next = (self.next + 1) % self.all.len();
        }
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

/// The value of each lower-case digit; 16 for what is none.
const DIGITS: [u8; 256] = {
    let mut table = [16; 256];
    let mut i = 0;
    while i < 16 {
        table[b"0123456789abcdef"[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// The digits of `seq` at the end of the array, and their number.
#[inline]
fn hex(seq: u64) -> ([u8; 16], usize) {
    let n = digits(seq);
    let mut text = [b'0'; 16];
    for (i, digit) in text[16 - n..].iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(seq >> (4 * i)) as usize & 15];
    }
    (text, n)
}

/// The number of a unique part in exactly the form that [`hex`] gives, so that text equality is kept.
fn parse_seq(uniq: &[u8]) -> Option<u64> {
    let hex = uniq.strip_prefix(b"0x")?;
    if !matches!(hex.len(), 5 | 6 | 8 | 16) {
        return None;
    }
    let (mut seq, mut all) = (0u64, 0u8);
    for &b in hex {
        let digit = DIGITS[usize::from(b)];
        all |= digit;
        seq = seq << 4 | u64::from(digit & 15);
    }
    if all > 15 {
        return None;
    }
    let written = match hex.len() {
        5 => true,
        6 => seq > 0xF_FFFF,
        8 => seq > 0xFF_FFFF,
        _ => seq > 0xFFFF_FFFF && seq < ODD,
    };
    written.then_some(seq)
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
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
        fn what_the_runtime_writes_reads_back(node in "[a-z0-9-]{0,12}", host in "[a-z.]{1,8}:[a-z_]{1,140}", seq in 0..ODD) {
            let pid = Pid::new(Name::new(&node).unwrap(), Name::new(&host).unwrap(), seq);
            prop_assert_eq!(Pid::parse(&pid.to_string()).unwrap(), pid);
            pid.with_text(|text| assert_eq!(text, pid.to_string().as_bytes()));
        }
        #[test]
        fn a_text_that_is_a_pid_is_written_as_it_was(node in "[^@|{}]{0,6}", host in "[^@|{}]{0,6}", uniq in "[^|]{0,8}") {
            let at = if node.is_empty() { "" } else { "@" };
            let text = format!("{{{node}{at}{host}|{uniq}}}");
            let pid = Pid::parse(&text).unwrap();
            prop_assert_eq!(pid.to_string(), text.clone());
            pid.with_text(|written| assert_eq!(written, text.as_bytes()));
        }
        #[test]
        fn any_text_is_handled(text: String) {
            let _ = Pid::parse(&text);
            let _ = Pid::parse(&format!("{{{text}}}"));
        }
    }

    #[test]
    fn numbers_that_are_no_pid_are_refused() {
        let pid = Pid::parse("{node-of-parts@host-of-parts|0x00007}").unwrap();
        let odd = Pid::parse("{host-of-parts|odd one}").unwrap();
        for pid in [pid, odd, Pid::none(), Pid::topology()] {
            let (node, host, seq) = pid.parts();
            assert_eq!(Pid::from_parts(node, host, seq), Some(pid));
            assert_eq!(Pid::from_parts(u32::MAX, host, seq), None);
            assert_eq!(Pid::from_parts(node, MAX_NAMES as u32 - 1, seq), None);
        }
        assert_eq!(Pid::from_parts(0, 0, u64::MAX), None);
    }

    /// What one host's programs invent takes nothing from those of another.
    #[test]
    fn a_host_brings_so_many_names() {
        let bring = |host: &'static str| {
            let guess = move |i| Pid::parse(&format!("{{{host}-{i}@{host}|0x00001}}"));
            let guesses = move || {
                count_guesses(Guesses::default());
                assert!((1..MAX_GUESSES).all(|i| guess(i).is_ok()), "one name is that of the host");
                assert_eq!(guess(0).unwrap_err().message(), "too many host and node names");
                guess(1).unwrap();
            };
            std::thread::spawn(guesses).join().unwrap();
        };
        bring("host-of-guesses");
        bring("another-host-of-guesses");
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
