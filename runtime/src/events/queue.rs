//! A bounded queue of events for one reader, blocking or async.
//!
//! The publisher pushes under a short lock; a full queue refuses the newest
//! event. Closing (of the bus) lets the reader drain what is queued first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::bus::{Event, EventSink, Subscription};

pub(super) struct Queue {
    state: Mutex<State>,
    capacity: usize,
    arrived: Condvar,
    notify: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<Arc<Event>>,
    closed: bool,
}

impl State {
    fn take(&mut self) -> Result<Arc<Event>, RecvError> {
        match self.events.pop_front() {
            Some(event) => Ok(event),
            None if self.closed => Err(RecvError::Closed),
            None => Err(RecvError::Empty),
        }
    }
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Arc<Queue> {
        let (state, arrived, notify) = (Mutex::default(), Condvar::new(), Notify::new());
        Arc::new(Queue { state, capacity: capacity.max(1), arrived, notify })
    }

    fn wake(&self) {
        self.arrived.notify_one();
        self.notify.notify_one();
    }
}

impl EventSink for Queue {
    fn accept(&self, event: &Arc<Event>) -> bool {
        let mut state = self.state.lock();
        if state.events.len() >= self.capacity {
            return false;
        }
        state.events.push_back(event.clone());
        drop(state);
        self.wake();
        true
    }

    fn closed(&self) {
        self.state.lock().closed = true;
        self.wake();
    }
}

/// Why no event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// Nothing is queued (yet).
    Empty,
    /// The bus was closed and the queue is drained.
    Closed,
}

/// The reading end of a subscription made by [`super::Bus::channel`].
/// Dropping it ends the subscription.
pub struct EventReceiver {
    queue: Arc<Queue>,
    subscription: Subscription,
}

impl EventReceiver {
    pub(super) fn new(queue: Arc<Queue>, subscription: Subscription) -> EventReceiver {
        EventReceiver { queue, subscription }
    }

    /// The next event without waiting.
    pub fn try_recv(&mut self) -> Result<Arc<Event>, RecvError> {
        self.queue.state.lock().take()
    }

    /// Blocks the thread until an event comes, at most `timeout` (then [`RecvError::Empty`]).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Arc<Event>, RecvError> {
        let mut state = self.queue.state.lock();
        self.queue.arrived.wait_while_for(&mut state, |s| s.events.is_empty() && !s.closed, timeout);
        state.take()
    }

    /// Waits for the next event; `None` once the bus is closed and the queue drained. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Arc<Event>> {
        loop {
            // A permit left over from an event already taken only costs one more round.
            match self.try_recv() {
                Ok(event) => return Some(event),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Empty) => self.queue.notify.notified().await,
            }
        }
    }

    /// Events lost because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.subscription.dropped()
    }

    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }
}
