//! The event bus: news about the runtime and between programs.
//!
//! An [`Event`] goes to every subscriber whose system and kind patterns match.
//! Publishing never waits: each subscriber has its own bounded queue, and when
//! that is full the *newest* event is dropped for that subscriber alone and
//! counted. All subscribers see the events they get in one common order.
//! Start at [`Bus`]; [`EventReceiver`] is the ready-made queue. Nothing here
//! knows processes: a mailbox subscribes by being an [`EventSink`].

mod bus;
mod queue;

pub use bus::{Bus, Event, EventSink, MAX_SUBSCRIBERS, Match, SubscriberInfo, Subscription};
pub use queue::{EventReceiver, RecvError};
