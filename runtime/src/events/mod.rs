//! The event bus: news about the runtime and between programs.
//!
//! An [`Event`] goes to every subscriber whose system and kind patterns match.
//! Publishing never waits: each subscriber has its own bounded queue, and when
//! that is full the *newest* event is dropped for that subscriber alone and
//! counted. All subscribers see the events they get in one common order.
//! Start at [`Bus`]; [`EventReceiver`] is the ready-made queue. The bus knows no
//! processes: a mailbox subscribes by being an [`EventSink`], see `commands`.

mod bus;
pub mod commands;
mod queue;

pub use bus::{Bus, BusStats, Event, EventSink, MAX_SUBSCRIBERS, Match, SubscriberInfo, Subscription};
pub use commands::EventsComponent;
pub use queue::{EventReceiver, RecvError};
