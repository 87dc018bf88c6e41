//! The event queue of a process: any thread adds, the worker that runs the
//! process takes all at once.
//!
//! The first waiting event is kept inside the queue itself, so that a process
//! in a request-reply exchange never allocates here. Bursts change hands by
//! swapping buffers: an event is moved once in and once out, however many wait.

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
const KEEP: usize = 8;
/// The same for the batch of a worker.
const KEEP_BATCH: usize = 256;

#[derive(Default)]
struct Inner {
    head: Option<Event>,
    tail: VecDeque<Event>,
    bytes: usize,
    /// Events that are no messages.
    others: usize,
    closed: bool,
}

/// See the module comment.
#[derive(Default)]
pub struct EventQueue(Mutex<Inner>);

impl EventQueue {
    /// Adds an event. Messages count against the limits (0: none), everything else is always taken.
    #[inline]
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
        } else {
            q.others += 1;
        }
        if q.head.is_none() {
            q.head = Some(event);
        } else {
            q.tail.push_back(event);
        }
        Ok(())
    }

    /// Moves everything into `batch`, which is empty.
    #[inline]
    pub fn take_all(&self, batch: &mut Batch) {
        let mut q = self.0.lock();
        batch.head = q.head.take();
        (batch.bytes, batch.others) = (q.bytes, q.others);
        (q.bytes, q.others) = (0, 0);
        if !q.tail.is_empty() {
            std::mem::swap(&mut q.tail, &mut batch.tail);
            if q.tail.capacity() > KEEP {
                q.tail = VecDeque::new();
            }
        }
    }

    /// Puts what is left of `batch` back in front.
    #[inline]
    pub fn put_back(&self, batch: &mut Batch) {
        if !batch.is_empty() {
            self.put_back_some(batch);
        }
    }
    fn put_back_some(&self, batch: &mut Batch) {
        let mut q = self.0.lock();
        // What came meanwhile is the shorter part.
        batch.tail.extend(q.head.take());
        batch.tail.append(&mut q.tail);
        std::mem::swap(&mut q.tail, &mut batch.tail);
        q.head = batch.head.take().or_else(|| q.tail.pop_front());
        q.bytes += std::mem::take(&mut batch.bytes);
        q.others += std::mem::take(&mut batch.others);
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

/// Events taken out of a queue, in order of arrival.
#[derive(Default)]
pub struct Batch {
    head: Option<Event>,
    tail: VecDeque<Event>,
    /// Of the messages.
    bytes: usize,
    /// Events that are no messages.
    others: usize,
}

impl Batch {
    /// Takes the oldest event.
    #[inline]
    pub fn pop(&mut self) -> Option<Event> {
        let event = match self.head.take() {
            Some(event) => event,
            None => self.tail.pop_front()?,
        };
        match &event {
            Event::Message(m) => self.bytes -= m.len(),
            _ => self.others -= 1,
        }
        Some(event)
    }
    pub fn push(&mut self, event: Event) {
        match &event {
            Event::Message(m) => self.bytes += m.len(),
            _ => self.others += 1,
        }
        if self.head.is_none() && self.tail.is_empty() {
            self.head = Some(event);
        } else {
            self.tail.push_back(event);
        }
    }
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.is_none() && self.tail.is_empty()
    }
    /// Whether all are messages; known without looking at them.
    #[inline]
    pub fn only_messages(&self) -> bool {
        self.others == 0
    }
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.head.iter().chain(&self.tail)
    }
    /// Drops what is left, and room that a burst needed.
    #[inline]
    pub fn clear(&mut self) {
        self.head = None;
        (self.bytes, self.others) = (0, 0);
        if self.tail.capacity() > KEEP_BATCH {
            self.tail = VecDeque::new();
        } else if !self.tail.is_empty() {
            self.tail.clear();
        }
    }
}
