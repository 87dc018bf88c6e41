//! Reading standard input: readers wait in a queue, and at most one thread
//! blocks for all of them. What was read and not taken stays for the next
//! reader, whichever process it is.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::io::Io;

/// Bytes asked of the operating system at a time.
const CHUNK: usize = 64 << 10;
/// Bytes of the longest line.
const MAX_LINE: usize = 64 << 20;

/// What a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// From 1 to this many bytes.
    Bytes(usize),
    /// Everything up to a line feed, which is taken but not given, nor is a carriage return before it.
    Line,
}

/// Names a read that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadId(u64);

/// Gets the bytes, or `None` at the end of input.
pub type Deliver = Box<dyn FnOnce(Result<Option<Vec<u8>>>) + Send>;

struct Waiting {
    id: ReadId,
    wanted: Wanted,
    deliver: Deliver,
}

#[derive(Default)]
struct Queue {
    next: u64,
    waiting: VecDeque<Waiting>,
    /// A thread works for those that wait.
    served: bool,
}

struct Source {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// Bytes at the front of the buffer that were given away.
    taken: usize,
}

/// See the module comment. `queue` is locked before `source`.
pub(super) struct Input {
    queue: Mutex<Queue>,
    source: Mutex<Source>,
}

/// What the system had.
enum Came {
    Bytes,
    End,
    Failed(Error),
}

impl Input {
    pub fn new(reader: Box<dyn Read + Send>) -> Input {
        Input { queue: Mutex::default(), source: Mutex::new(Source { reader, buffer: Vec::new(), taken: 0 }) }
    }

    /// `None` if it is delivered already.
    pub fn read(self: &Arc<Self>, io: &Io, wanted: Wanted, deliver: Deliver) -> Option<ReadId> {
        let mut queue = self.queue.lock();
        if !queue.served {
            let there = self.source.lock().take(wanted, false);
            if let Some(result) = there {
                drop(queue);
                deliver(result);
                return None;
            }
        }
        queue.next += 1;
        let id = ReadId(queue.next);
        queue.waiting.push_back(Waiting { id, wanted, deliver });
        if !std::mem::replace(&mut queue.served, true) {
            let input = self.clone();
            io.spawn_blocking(move || input.serve());
        }
        Some(id)
    }

    pub fn cancel(&self, id: ReadId) {
        let mut queue = self.queue.lock();
        let at = queue.waiting.iter().position(|w| w.id == id);
        let cancelled = at.and_then(|at| queue.waiting.remove(at));
        drop(queue);
        drop(cancelled);
    }

    /// Reads for those that wait until nobody does. The first in the queue may change while this blocks.
    fn serve(&self) {
        let mut came = Came::Bytes;
        loop {
            let mut queue = self.queue.lock();
            let Some(first) = queue.waiting.front() else {
                queue.served = false;
                return;
            };
            let result = match came {
                Came::Failed(e) => Some(Err(e)),
                Came::End => Some(self.source.lock().take(first.wanted, true).unwrap_or(Ok(None))),
                Came::Bytes => self.source.lock().take(first.wanted, false),
            };
            let Some((reader, result)) = result.and_then(|result| Some((queue.waiting.pop_front()?, result))) else {
                drop(queue);
                came = self.source.lock().fill();
                continue;
            };
            // Before the answer is given: whoever asks next may find what it wants without a thread.
            queue.served = !queue.waiting.is_empty();
            let more = queue.served;
            drop(queue);
            (reader.deliver)(result);
            if !more {
                return;
            }
            came = Came::Bytes;
        }
    }
}

impl Source {
    /// What is wanted, if the buffer has it. At the end of input the rest of a line is one.
    fn take(&mut self, wanted: Wanted, at_end: bool) -> Option<Result<Option<Vec<u8>>>> {
        let rest = &self.buffer[self.taken..];
        let (given, used) = match wanted {
            _ if rest.is_empty() => return None,
            Wanted::Bytes(max) => (rest.len().min(max), rest.len().min(max)),
            Wanted::Line => match rest.iter().position(|b| *b == b'\n') {
                Some(end) => (without_return(&rest[..end]), end + 1),
                None if at_end => (without_return(rest), rest.len()),
                None if rest.len() > MAX_LINE => {
                    return Some(Err(Error::limit_exceeded(format!("a line has more than {MAX_LINE} bytes"))));
                }
                None => return None,
            },
        };
        let bytes = rest[..given].to_vec();
        self.taken += used;
        Some(Ok(Some(bytes)))
    }

    /// Blocks until there is more.
    fn fill(&mut self) -> Came {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let old = self.buffer.len();
        self.buffer.resize(old + CHUNK, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[old..]) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Came::End,
            Ok(_) => Came::Bytes,
            Err(e) => Came::Failed(Error::internal(e.to_string())),
        }
    }
}

/// The length without a carriage return at the end.
fn without_return(line: &[u8]) -> usize {
    line.len() - usize::from(line.ends_with(b"\r"))
}
