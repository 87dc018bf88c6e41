//! Subscribers, matching and delivery.
//!
//! The table of subscribers is an immutable snapshot, built by the first publisher
//! after a change and shared until the next one, so subscribing never waits for a
//! delivery and a burst of subscriptions builds one table. Deliveries themselves are serialised by a re-entrant lock: that gives one total order,
//! and a sink that publishes from within `accept` nests instead of deadlocking.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, ReentrantMutex, RwLock};

use super::queue::{EventReceiver, Queue};
use crate::error::{Error, Result};
use crate::pattern::Pattern;
use crate::payload::Value;

/// Subscriptions one bus carries at most.
pub const MAX_SUBSCRIBERS: usize = 4096;

/// One piece of news. `path` names what it is about and is not matched on.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub system: String,
    pub kind: String,
    pub path: String,
    pub data: Value,
}

impl Event {
    pub fn new(system: impl Into<String>, kind: impl Into<String>, path: impl Into<String>, data: Value) -> Event {
        Event { system: system.into(), kind: kind.into(), path: path.into(), data }
    }
}

/// Where a subscriber's events go. Called by the publisher, inside its step:
/// take the event into a queue and return; never block, never wait for locks
/// that are held while publishing.
pub trait EventSink: Send + Sync {
    /// Takes the event; `false` means "full": it is dropped for this subscriber and counted.
    fn accept(&self, event: &Arc<Event>) -> bool;
    /// The bus was closed; nothing more will come.
    fn closed(&self) {}
}

/// Which texts a subscription takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    Any,
    Exact(String),
    /// Everything that begins with the text.
    Prefix(String),
    Pattern(Pattern),
}

impl Match {
    /// As programs write it: empty or `*` is any, plain text with a final `*` means a prefix, and with no wildcard
    /// exactly that; anything else is a dot-segment pattern.
    pub fn simple(text: &str) -> Match {
        let plain = |text: &str| Pattern::new(text).literal().is_some();
        match text.strip_suffix('*') {
            _ if text.is_empty() => Match::Any,
            Some("") => Match::Any,
            Some(prefix) if plain(prefix) => Match::Prefix(prefix.to_owned()),
            _ => Match::pattern(text),
        }
    }

    /// As the runtime writes it: a dot-segment pattern ([`crate::pattern`]).
    pub fn pattern(text: &str) -> Match {
        let pattern = Pattern::new(text);
        match pattern.literal() {
            Some(_) => Match::Exact(text.to_owned()),
            None => Match::Pattern(pattern),
        }
    }

    pub fn matches(&self, text: &str) -> bool {
        match self {
            Match::Any => true,
            Match::Exact(t) => t == text,
            Match::Prefix(t) => text.starts_with(t.as_str()),
            Match::Pattern(p) => p.matches(text),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Match::Any => f.write_str("*"),
            Match::Exact(t) => f.write_str(t),
            Match::Prefix(t) => write!(f, "{t}*"),
            Match::Pattern(p) => f.write_str(p.as_str()),
        }
    }
}

/// What one subscriber looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberInfo {
    /// `sub.<n>`.
    pub id: String,
    pub system: String,
    /// `*`: every kind.
    pub kind: String,
    pub delivered: u64,
    pub dropped: u64,
}

/// What a bus did since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusStats {
    /// Subscribers now.
    pub subscribers: usize,
    /// Subscriptions refused because there were [`MAX_SUBSCRIBERS`], and because the bus was closed.
    pub refused_full: u64,
    pub refused_closed: u64,
    /// Events that a subscriber lost because its sink was full, added over all.
    pub dropped: u64,
}

struct Subscriber {
    id: u64,
    system: Match,
    kind: Match,
    sink: Arc<dyn EventSink>,
    active: AtomicBool,
    delivered: AtomicU64,
    dropped: AtomicU64,
}

impl Subscriber {
    fn matches(&self, system: &str, kind: &str) -> bool {
        self.active.load(Ordering::Acquire) && self.system.matches(system) && self.kind.matches(kind)
    }

    /// Whether the sink took it.
    fn deliver(&self, event: &Arc<Event>) -> bool {
        // A sink that panics must not take the publisher with it.
        let taken = catch_unwind(AssertUnwindSafe(|| self.sink.accept(event))).unwrap_or_else(|_| {
            tracing::error!(subscriber = self.id, "event sink panicked");
            false
        });
        let counter = if taken { &self.delivered } else { &self.dropped };
        counter.fetch_add(1, Ordering::Relaxed);
        taken
    }
}

/// Subscribers by literal system name; those with a pattern apart.
#[derive(Default)]
struct Table {
    literal: HashMap<Box<str>, Vec<Arc<Subscriber>>>,
    wild: Vec<Arc<Subscriber>>,
}

impl Table {
    fn build(all: &BTreeMap<u64, Arc<Subscriber>>) -> Table {
        let mut table = Table::default();
        for sub in all.values() {
            match &sub.system {
                Match::Exact(name) => table.literal.entry(name.as_str().into()).or_default().push(sub.clone()),
                _ => table.wild.push(sub.clone()),
            }
        }
        table
    }

    fn matching<'a>(&'a self, system: &'a str, kind: &'a str) -> impl Iterator<Item = &'a Arc<Subscriber>> {
        let literal = self.literal.get(system).map_or(&[][..], Vec::as_slice);
        literal.iter().chain(&self.wild).filter(move |s| s.matches(system, kind))
    }
}

struct Shared {
    /// By number, that is, oldest first.
    all: Mutex<BTreeMap<u64, Arc<Subscriber>>>,
    /// Built from `all`; absent after a change. Lock order: `all`, then `table`.
    table: RwLock<Option<Arc<Table>>>,
    /// Size of `all`, so that a bus nobody listens to costs one load.
    count: AtomicUsize,
    next: AtomicU64,
    closed: AtomicBool,
    delivery: ReentrantMutex<()>,
    refused_full: AtomicU64,
    refused_closed: AtomicU64,
    dropped: AtomicU64,
}

impl Shared {
    /// Notes a change of the subscribers; the caller holds the lock of `all`.
    fn changed(&self, all: &BTreeMap<u64, Arc<Subscriber>>) {
        *self.table.write() = None;
        self.count.store(all.len(), Ordering::Release);
    }

    fn table(&self) -> Arc<Table> {
        if let Some(table) = &*self.table.read() {
            return table.clone();
        }
        let all = self.all.lock();
        let table = Arc::new(Table::build(&all));
        *self.table.write() = Some(table.clone());
        table
    }
}

/// The bus. Clones share it.
#[derive(Clone)]
pub struct Bus(Arc<Shared>);

impl Default for Bus {
    fn default() -> Bus {
        Bus::new()
    }
}

impl Bus {
    pub fn new() -> Bus {
        Bus(Arc::new(Shared {
            all: Mutex::default(),
            table: RwLock::default(),
            count: AtomicUsize::new(0),
            next: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            delivery: ReentrantMutex::new(()),
            refused_full: AtomicU64::new(0),
            refused_closed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }))
    }

    /// Sends every event with a matching system and kind to `sink` until the
    /// subscription is dropped. An empty `kind` or `*` means every kind; an
    /// empty `system` matches nothing. Errors: `bus is closed`,
    /// `eventbus subscribers cap reached`.
    pub fn subscribe(&self, system: &str, kind: &str, sink: Arc<dyn EventSink>) -> Result<Subscription> {
        let kind = if kind.is_empty() || kind == "*" { Match::Any } else { Match::pattern(kind) };
        self.subscribe_matching(Match::pattern(system), kind, sink)
    }

    /// [`Bus::subscribe`] with other ways to select.
    pub fn subscribe_matching(&self, system: Match, kind: Match, sink: Arc<dyn EventSink>) -> Result<Subscription> {
        let mut all = self.0.all.lock();
        if self.is_closed() {
            self.0.refused_closed.fetch_add(1, Ordering::Relaxed);
            return Err(Error::unavailable("bus is closed"));
        }
        if all.len() >= MAX_SUBSCRIBERS {
            self.0.refused_full.fetch_add(1, Ordering::Relaxed);
            return Err(Error::limit_exceeded("eventbus subscribers cap reached"));
        }
        let subscriber = Arc::new(Subscriber {
            id: self.0.next.fetch_add(1, Ordering::Relaxed) + 1,
            system,
            kind,
            sink,
            active: AtomicBool::new(true),
            delivered: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        });
        all.insert(subscriber.id, subscriber.clone());
        self.0.changed(&all);
        Ok(Subscription { bus: Arc::downgrade(&self.0), subscriber })
    }

    /// Subscribes with a queue of `capacity` events (at least 1), to be read blocking or async.
    pub fn channel(&self, system: &str, kind: &str, capacity: usize) -> Result<EventReceiver> {
        let queue = Queue::new(capacity);
        let subscription = self.subscribe(system, kind, queue.clone())?;
        Ok(EventReceiver::new(queue, subscription))
    }

    /// Delivers to every matching subscriber's sink before it returns; never
    /// waits for a slow one. On a closed bus the event is dropped silently.
    pub fn publish(&self, event: Event) {
        let Some(table) = self.interested(&event.system, &event.kind) else { return };
        self.deliver(&table, Arc::new(event));
    }

    /// [`Bus::publish`] that makes the data only if somebody listens.
    pub fn publish_with(&self, system: &str, kind: &str, path: &str, data: impl FnOnce() -> Value) {
        let Some(table) = self.interested(system, kind) else { return };
        self.deliver(&table, Arc::new(Event::new(system, kind, path, data())));
    }

    /// Whether an event of this system and kind has a subscriber now.
    pub fn has_listener(&self, system: &str, kind: &str) -> bool {
        self.interested(system, kind).is_some()
    }

    fn interested(&self, system: &str, kind: &str) -> Option<Arc<Table>> {
        if self.0.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let table = self.0.table();
        let any = table.matching(system, kind).next().is_some();
        any.then_some(table)
    }

    fn deliver(&self, table: &Table, event: Arc<Event>) {
        let _order = self.0.delivery.lock();
        for subscriber in table.matching(&event.system, &event.kind) {
            if !subscriber.deliver(&event) {
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Ends all subscriptions; later events are dropped, later subscriptions refused.
    pub fn close(&self) {
        let all = {
            let mut all = self.0.all.lock();
            self.0.closed.store(true, Ordering::Release);
            let taken = std::mem::take(&mut *all);
            self.0.changed(&all);
            taken
        };
        for subscriber in all.into_values() {
            subscriber.active.store(false, Ordering::Release);
            subscriber.sink.closed();
        }
    }

    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    pub fn stats(&self) -> BusStats {
        BusStats {
            subscribers: self.0.count.load(Ordering::Relaxed),
            refused_full: self.0.refused_full.load(Ordering::Relaxed),
            refused_closed: self.0.refused_closed.load(Ordering::Relaxed),
            dropped: self.0.dropped.load(Ordering::Relaxed),
        }
    }

    /// The current subscribers, oldest first.
    pub fn subscribers(&self) -> Vec<SubscriberInfo> {
        let all = self.0.all.lock().clone();
        all.values()
            .map(|s| SubscriberInfo {
                id: format!("sub.{}", s.id),
                system: s.system.to_string(),
                kind: s.kind.to_string(),
                delivered: s.delivered.load(Ordering::Relaxed),
                dropped: s.dropped.load(Ordering::Relaxed),
            })
            .collect()
    }
}

/// A live subscription; dropping it ends it.
pub struct Subscription {
    bus: Weak<Shared>,
    subscriber: Arc<Subscriber>,
}

impl Subscription {
    /// `sub.<n>`, unique on its bus.
    pub fn id(&self) -> String {
        format!("sub.{}", self.subscriber.id)
    }
    /// Events this subscriber lost because its sink was full.
    pub fn dropped(&self) -> u64 {
        self.subscriber.dropped.load(Ordering::Relaxed)
    }
    /// Ends the subscription. Repeatable; a delivery already under way may still arrive.
    pub fn cancel(&self) {
        if !self.subscriber.active.swap(false, Ordering::AcqRel) {
            return;
        }
        let Some(bus) = self.bus.upgrade() else { return };
        let mut all = bus.all.lock();
        all.remove(&self.subscriber.id);
        bus.changed(&all);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.cancel();
    }
}
