//! The event queue of a process: any thread adds, the worker that runs the
//! process takes all at once.
//!
//! The first waiting event is kept inside the queue itself, so that a process
//! in a request-reply exchange never allocates here. Bursts change hands by
//! swapping buffers: an event is moved once in and once out, however many wait.

use std::collections::VecDeque;

use crate::relay::Pid;
use crate::sync::Mutex;

use super::event::Event;
use super::parcel::Parcel;

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The process is ending.
    Closed,
    /// The mailbox holds its limit of messages or bytes.
    Limit,
}

/// Waiting room kept after a burst, in items; anything larger is given back.
const KEEP: usize = 8;
/// The same for the batch of a worker.
const KEEP_BATCH: usize = 256;

/// One event, or several.
enum Item {
    Event(Event),
    /// Never empty.
    Parcel(Box<Parcel>),
}

#[derive(Default)]
struct Inner {
    head: Option<Item>,
    tail: VecDeque<Item>,
    count: Count,
    /// What the step that runs has taken out and not yet received, as far as somebody asks: see [`EventQueue::keep`].
    held: Count,
    closed: bool,
}

/// What waits.
#[derive(Clone, Copy, Default)]
struct Count {
    /// Of the messages.
    bytes: usize,
    /// More than four billion would not fit into the memory of any machine.
    messages: u32,
    /// Events that are no messages.
    others: u32,
}

impl Count {
    fn of(event: &Event) -> Count {
        match event {
            Event::Message(m) => Count { messages: 1, bytes: m.len(), others: 0 },
            _ => Count { messages: 0, bytes: 0, others: 1 },
        }
    }
    fn total(self) -> usize {
        self.messages as usize + self.others as usize
    }
    fn add(&mut self, more: Count) {
        self.messages += more.messages;
        self.bytes += more.bytes;
        self.others += more.others;
    }
    fn subtract(&mut self, fewer: Count) {
        self.messages -= fewer.messages;
        self.bytes -= fewer.bytes;
        self.others -= fewer.others;
    }
}

impl Inner {
    #[inline]
    fn add(&mut self, item: Item, count: Count) {
        self.count.add(count);
        if self.head.is_none() {
            self.head = Some(item);
        } else {
            self.tail.push_back(item);
        }
    }
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
        let count = Count::of(&event);
        let over = |used: usize, more: usize, max: usize| max > 0 && used + more > max;
        let (waiting, bytes) = (q.count.total() + q.held.total(), q.count.bytes + q.held.bytes);
        if count.messages > 0 && (over(waiting, 1, max_messages) || over(bytes, count.bytes, max_bytes)) {
            return Err(Full::Limit);
        }
        q.add(Item::Event(event), count);
        Ok(())
    }
    /// Adds messages where there are no limits. A parcel without any is dropped.
    pub fn push_parcel(&self, parcel: Box<Parcel>) -> Result<(), Full> {
        let mut q = self.0.lock();
        if q.closed {
            return Err(Full::Closed);
        }
        if !parcel.is_empty() {
            let count = Count { messages: parcel.len() as u32, bytes: parcel.bytes(), others: 0 };
            q.add(Item::Parcel(parcel), count);
        }
        Ok(())
    }

    /// Moves everything into `batch`, which is empty.
    #[inline]
    pub fn take_all(&self, batch: &mut Batch) {
        let mut q = self.0.lock();
        batch.head = q.head.take();
        batch.count = std::mem::take(&mut q.count);
        q.held = batch.count;
        if !q.tail.is_empty() {
            std::mem::swap(&mut q.tail, &mut batch.tail);
            if q.tail.capacity() > KEEP {
                q.tail = VecDeque::new();
            }
        }
    }

    /// Says that something of `batch` was received. Where mailboxes have limits this follows whatever is taken out of it:
    /// what a step leaves unread counts all the time.
    pub fn keep(&self, batch: &Batch) {
        self.0.lock().held = batch.count;
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
        q.count.add(std::mem::take(&mut batch.count));
        q.held = Count::default();
    }

    /// Refuses further events and drops those that wait.
    pub fn close(&self) {
        let dropped = {
            let mut q = self.0.lock();
            q.closed = true;
            q.count = Count::default();
            (q.head.take(), std::mem::take(&mut q.tail))
        };
        drop(dropped);
    }

    pub fn len(&self) -> usize {
        self.0.lock().count.total()
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
    /// Empty only when `tail` is, between calls.
    head: Option<Item>,
    tail: VecDeque<Item>,
    count: Count,
}

impl Batch {
    /// Takes the oldest event.
    #[inline]
    pub fn pop(&mut self) -> Option<Event> {
        if let Some(Item::Parcel(parcel)) = &mut self.head {
            let message = parcel.pop();
            self.took_message(message.len());
            return Some(Event::Message(message));
        }
        let Some(Item::Event(event)) = self.head.take() else { return None };
        self.advance();
        self.count.subtract(Count::of(&event));
        Some(event)
    }
    /// Fills the head, which is done with, again.
    #[inline]
    fn advance(&mut self) {
        self.head = None;
        if !self.tail.is_empty() {
            self.head = self.tail.pop_front();
        }
    }
    /// Sender and buffer of the next event if it is a message, without taking it.
    #[inline]
    pub fn front_message(&self) -> Option<(Pid, &[u8])> {
        match &self.head {
            Some(Item::Parcel(parcel)) => Some(parcel.front()),
            Some(Item::Event(Event::Message(message))) => Some((message.from, message.as_bytes())),
            _ => None,
        }
    }
    /// Drops the next event, which is a message.
    #[inline]
    pub fn skip_message(&mut self) {
        match &mut self.head {
            Some(Item::Parcel(parcel)) => {
                let size = parcel.front().1.len();
                parcel.skip();
                self.took_message(size);
            }
            Some(Item::Event(event)) => {
                let count = Count::of(event);
                self.count.subtract(count);
                self.advance();
            }
            None => {}
        }
    }
    /// A message of so many bytes was taken out of the parcel in front.
    #[inline]
    fn took_message(&mut self, bytes: usize) {
        self.count.subtract(Count { messages: 1, bytes, others: 0 });
        if matches!(&self.head, Some(Item::Parcel(parcel)) if parcel.is_empty()) {
            self.advance();
        }
    }
    pub fn push(&mut self, event: Event) {
        self.count.add(Count::of(&event));
        if self.head.is_none() {
            self.head = Some(Item::Event(event));
        } else {
            self.tail.push_back(Item::Event(event));
        }
    }
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.is_none()
    }
    /// Whether all are messages; known without looking at them.
    #[inline]
    pub fn only_messages(&self) -> bool {
        self.count.others == 0
    }
    /// The events that are no messages.
    pub fn others(&self) -> impl Iterator<Item = &Event> {
        self.head.iter().chain(&self.tail).filter_map(|item| match item {
            Item::Event(event) if !matches!(event, Event::Message(_)) => Some(event),
            _ => None,
        })
    }
    /// Drops what is left, and room that a burst needed.
    #[inline]
    pub fn clear(&mut self) {
        self.head = None;
        self.count = Count::default();
        if self.tail.capacity() > KEEP_BATCH {
            self.tail = VecDeque::new();
        } else if !self.tail.is_empty() {
            self.tail.clear();
        }
    }
}
