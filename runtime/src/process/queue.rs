//! The event queue of a process: any thread adds, the worker that runs the
//! process takes all at once.
//!
//! The first waiting event is kept inside the queue itself, so that a process
//! in a request-reply exchange never allocates here.

use std::collections::VecDeque;

use crate::sync::Mutex;

use super::event::Event;

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The process is ending.
    Closed,
    /// The mailbox holds its limit of messages or bytes.
    Limit,
}

/// Waiting room kept after a burst, in events; anything larger is given back.
const KEEP: usize = 16;

#[derive(Default)]
struct Inner {
    head: Option<Event>,
    tail: VecDeque<Event>,
    bytes: usize,
    closed: bool,
}

/// See the module comment.
#[derive(Default)]
pub struct EventQueue(Mutex<Inner>);

impl EventQueue {
    /// Adds an event. Messages count against the limits (0: none), everything else is always taken.
    pub fn push(&self, event: Event, max_messages: usize, max_bytes: usize) -> Result<(), Full> {
        let mut q = self.0.lock();
        if q.closed {
            return Err(Full::Closed);
        }
        if let Event::Message(m) = &event {
            let waiting = q.tail.len() + usize::from(q.head.is_some());
            if (max_messages > 0 && waiting >= max_messages) || (max_bytes > 0 && q.bytes + m.len() > max_bytes) {
                return Err(Full::Limit);
            }
            q.bytes += m.len();
        }
        if q.head.is_none() {
            q.head = Some(event);
        } else {
            q.tail.push_back(event);
        }
        Ok(())
    }

    /// Moves everything to the end of `batch`, in order of arrival.
    pub fn take_all(&self, batch: &mut VecDeque<Event>) {
        let mut q = self.0.lock();
        batch.extend(q.head.take());
        batch.append(&mut q.tail);
        q.bytes = 0;
        if q.tail.capacity() > KEEP {
            q.tail = VecDeque::new();
        }
    }

    /// Puts events back in front, in their order.
    pub fn put_back(&self, events: impl DoubleEndedIterator<Item = Event>) {
        let mut q = self.0.lock();
        if let Some(head) = q.head.take() {
            q.tail.push_front(head);
        }
        for event in events.rev() {
            q.tail.push_front(event);
        }
        q.head = q.tail.pop_front();
    }

    /// Refuses further events and drops those that wait.
    pub fn close(&self) {
        let dropped = {
            let mut q = self.0.lock();
            q.closed = true;
            (q.head.take(), std::mem::take(&mut q.tail))
        };
        drop(dropped);
    }

    pub fn len(&self) -> usize {
        let q = self.0.lock();
        q.tail.len() + usize::from(q.head.is_some())
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn is_closed(&self) -> bool {
        self.0.lock().closed
    }
}
