//! How processes listen to the bus and speak on it.
//!
//! A subscription of a process is a sink that turns each event into a message
//! under a topic of its own. So the process's mailbox holds what was not read
//! yet, in order and without loss, within the limits of its host; a reader
//! beyond them loses the newest events, which the bus counts, and holds up
//! nobody. The subscription is booked as a request in flight: it ends when that
//! is cancelled, and with the process or call, however that ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::bus::{Bus, Event, EventSink, Match};
use crate::boot::{Component, Setup};
use crate::dispatch::{Caller, DispatcherBuilder, Gate, Permissions, Request};
use crate::error::{Error, Result};
use crate::payload::{FlatReader, FlatWriter, Value};
use crate::process::{self, Control, Message, Tag};
use crate::relay::Pid;

/// Nesting of an event's data at most; the event around it takes one level.
pub const MAX_DEPTH: u32 = FlatReader::MAX_DEPTH - 1;

/// Sends matching events to the caller as messages with one payload, a map of `system`, `kind`, `path` and, if there
/// is any, `data`. Reply: their topic.
pub struct Subscribe {
    /// As [`Match::simple`].
    pub system: String,
    pub kind: String,
    /// Unique among the caller's requests in flight; [`Control::take_cancel`] with it gives what ends the subscription.
    pub tag: Tag,
}

impl Request for Subscribe {
    const NAME: &'static str = "events.subscribe";
    const CAPABILITY: &'static str = "events";
    const PERMISSIONS: Permissions = Some(&[("events.subscribe", "event system")]);
    type Reply = String;
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        if self.system.is_empty() {
            return Err(Error::invalid("system pattern is required"));
        }
        gate.require("events.subscribe", &self.system, || {
            Error::invalid(format!("not allowed to subscribe to events from system: {}", self.system))
        })
    }
}

/// Publishes an event. It has reached the mailboxes of all subscribers when this is answered.
pub struct Send {
    pub system: String,
    pub kind: String,
    pub path: String,
    pub data: Value,
}

impl Request for Send {
    const NAME: &'static str = "events.send";
    const CAPABILITY: &'static str = "events";
    const PERMISSIONS: Permissions = Some(&[("events.send", "event system")]);
    type Reply = ();
    fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
        let missing = [("system", &self.system), ("kind", &self.kind), ("path", &self.path)];
        if let Some((name, _)) = missing.iter().find(|(_, text)| text.is_empty()) {
            return Err(Error::invalid(format!("{name} is required")));
        }
        gate.require("events.send", &self.system, || {
            Error::invalid(format!("not allowed to send events to system: {}", self.system))
        })
    }
}

/// The mailbox of a process as a subscriber.
struct Inbox {
    control: Weak<Control>,
    topic: String,
}

impl EventSink for Inbox {
    fn accept(&self, event: &Arc<Event>) -> bool {
        let Some(control) = self.control.upgrade() else { return false };
        if is_deeper(&event.data, MAX_DEPTH) {
            return false;
        }
        let message = Message::build(Pid::none(), self.topic.as_bytes(), |w| write(w, event));
        let limit = control.host.limits.message;
        (limit == 0 || message.len() <= limit) && control.push(process::Event::Message(message)).is_ok()
    }
}

fn write(w: &mut FlatWriter<'_>, event: &Event) {
    let has_data = !event.data.is_nil();
    w.map(3 + u32::from(has_data));
    for (key, text) in [("system", &event.system), ("kind", &event.kind), ("path", &event.path)] {
        w.str(key.as_bytes());
        w.str(text.as_bytes());
    }
    if has_data {
        w.str(b"data");
        w.value(&event.data);
    }
}

/// Whether lists and maps in `value` are nested more than `depth` levels.
fn is_deeper(value: &Value, depth: u32) -> bool {
    let inner = |v: &Value| depth == 0 || is_deeper(v, depth - 1);
    match value {
        Value::List(list) => depth == 0 || list.iter().any(inner),
        Value::Map(map) => depth == 0 || map.values().any(inner),
        _ => false,
    }
}

/// Registers the commands.
pub fn register(commands: &mut DispatcherBuilder, bus: &Bus) {
    let topics = AtomicU64::new(0);
    let (listen, speak) = (bus.clone(), bus.clone());
    commands.sync(move |caller: &Caller, r: Subscribe| {
        let topic = format!("events@{}", topics.fetch_add(1, Ordering::Relaxed) + 1);
        let sink = Inbox { control: Arc::downgrade(&caller.control), topic: topic.clone() };
        let (system, kind) = (Match::simple(&r.system), Match::simple(&r.kind));
        let subscription = listen.subscribe_matching(system, kind, Arc::new(sink))?;
        caller.control.cancellable(r.tag).set(Box::new(move || drop(subscription)));
        Ok(topic)
    });
    commands.sync(move |_, r: Send| {
        if is_deeper(&r.data, MAX_DEPTH) {
            return Err(Error::invalid(format!("data is nested deeper than {MAX_DEPTH} levels")));
        }
        speak.publish(Event { system: r.system, kind: r.kind, path: r.path, data: r.data });
        Ok(())
    });
}

/// The bus for processes.
pub struct EventsComponent;

impl Component for EventsComponent {
    fn name(&self) -> &'static str {
        "events"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.commands(|c| register(c, setup.bus));
        Ok(())
    }
}
