//! What a process has sent in its step and that is not delivered yet.
//!
//! The first message to somebody goes at once, so that the receiver can begin.
//! Those that follow it, without anything else being asked of the world between
//! them, are collected and handed over together: when there are [`FULL`] bytes,
//! before anything else is asked for, whenever the process looks at the clock
//! (every few microseconds of work), and at the end of the step. So nobody can
//! tell that a message waited here, but by a clock.

use std::cell::Cell;
use std::sync::Arc;

use crate::error::Error;
use crate::payload::{Flat, FlatWriter};
use crate::process::{Control, Event, Message, PARCEL_HEAD, Parcel};
use crate::relay::Pid;

/// Bytes that are collected at most, unless one message is larger.
const FULL: usize = 16 << 10;

thread_local! {
    /// The buffer that each thread keeps for collecting.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// See the module comment.
#[derive(Default)]
pub(super) struct Outbox {
    /// Address of the last receiver, which may have ended; 0: there was none.
    last: usize,
    /// Who gets what is collected; `None`: nothing is.
    to: Option<Arc<Control>>,
    bytes: Vec<u8>,
    /// Where the last whole message ends.
    end: usize,
    count: usize,
}

impl Outbox {
    /// Whether a message to `process` would follow another one to it.
    #[inline]
    pub fn follows(&self, process: &Arc<Control>) -> bool {
        self.last == Arc::as_ptr(process).addr()
    }
    /// Says who got the last message.
    #[inline]
    pub fn sent_to(&mut self, process: &Arc<Control>) {
        self.last = Arc::as_ptr(process).addr();
    }
    /// Adds a message to `process`, which [`Outbox::follows`], if `check` finds it fit, given its length.
    /// `fill` writes topic and payloads.
    #[inline]
    pub fn add(
        &mut self,
        from: Pid,
        process: &Arc<Control>,
        fill: impl FnOnce(&mut FlatWriter<'_>) -> Result<(), Error>,
        check: impl FnOnce(usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.to.is_none() {
            self.bytes = BUFFER.take();
            self.to = Some(process.clone());
        }
        let start = self.end;
        // What did not become a message, if anything.
        self.bytes.truncate(start);
        self.bytes.extend_from_slice(&[0; PARCEL_HEAD]);
        let body = start + PARCEL_HEAD;
        let written = fill(&mut FlatWriter::to(&mut self.bytes));
        let len = self.bytes.len() - body;
        let fits = || u32::try_from(len).map_err(|_| Error::limit_exceeded("message is larger than 4 GiB"));
        match written.and_then(|()| check(len)).and_then(|()| fits()) {
            Ok(len) => self.bytes[start..body].copy_from_slice(&len.to_le_bytes()),
            Err(e) => return Err(e),
        }
        self.end = body + len;
        self.count += 1;
        if self.end >= FULL {
            self.flush(from);
        }
        Ok(())
    }
    /// Delivers what is collected.
    #[inline]
    pub fn flush(&mut self, from: Pid) {
        if self.to.is_some() {
            self.deliver(from);
        }
    }
    fn deliver(&mut self, from: Pid) {
        let Some(to) = self.to.take() else { return };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.truncate(std::mem::take(&mut self.end));
        // A receiver that has ended since does not read them, as it would not have otherwise.
        let _ = match std::mem::take(&mut self.count) {
            0 => Ok(()),
            1 => to.push(Event::Message(Message::from_body(from, Flat::from_bytes(&bytes[PARCEL_HEAD..])))),
            n if bytes.len() <= 2 * FULL => to.push_parcel(Parcel::new(from, bytes.as_slice().into(), n)),
            n => to.push_parcel(Parcel::new(from, std::mem::take(&mut bytes).into_boxed_slice(), n)),
        };
        bytes.clear();
        if bytes.capacity() <= 4 * FULL {
            BUFFER.set(bytes);
        }
    }
}
