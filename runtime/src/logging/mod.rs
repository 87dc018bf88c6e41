//! Logging: one `tracing` layer that turns every record, the runtime's own and
//! those of Lua programs, into lines of text, JSON or events on the bus.
//!
//! What is written can change while the runtime runs: the level, whether lines
//! are written at all, whether records go to the bus (events
//! `logs.config.set`), and `hide_logs` of a terminal host. `record` is the
//! common form of records, `format` their texts, `sampling` the brake on floods,
//! `events` the way to the bus.

mod events;
mod format;
mod record;
mod sampling;

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::boot::{Config, Switches};
use crate::clock::Clock;
use crate::events::{Bus, Subscription};

pub use format::Style;
pub use record::{Level, PROGRAM, Record};
use sampling::Sampler;

/// The part of the settings that may change at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Lines are written.
    pub propagate_downstream: bool,
    /// Records are published on the event bus.
    pub stream_to_events: bool,
    pub min_level: Level,
}

/// How a runtime logs from its start on.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub style: Style,
    pub settings: Settings,
    /// Floods of one message are thinned out.
    pub sampled: bool,
}

impl Options {
    /// What configuration and switches ask for; `silent` writes nothing.
    pub fn from_config(config: &Config, switches: Switches, silent: bool) -> Options {
        let verbose = switches.verbose || switches.very_verbose;
        let style = match config.get_str("logger", "encoding", "console").as_str() {
            "json" => Style::Json,
            _ if switches.console => Style::Console { color: std::io::stdout().is_terminal() },
            _ => Style::Development,
        };
        let settings = Settings {
            propagate_downstream: !silent && config.get_bool("logmanager", "propagate_downstream", true),
            stream_to_events: config.get_bool("logmanager", "stream_to_events", false),
            min_level: Level::from_number(config.get_int("logmanager", "min_level", 0)),
        };
        Options { style, settings, sampled: !verbose && !switches.console }
    }
}

/// The logging of this program: one, because `tracing` has one.
pub struct Logging {
    style: Style,
    clock: Arc<dyn Clock>,
    propagate: AtomicBool,
    stream: AtomicBool,
    min_level: AtomicI64,
    /// How many have asked for quiet ([`Logging::quiet`]).
    hushed: AtomicUsize,
    sampler: Option<Mutex<Sampler>>,
    bus: OnceLock<Bus>,
    config_events: OnceLock<Subscription>,
    /// Records by level: debug, info, warn, error.
    emitted: [AtomicU64; 4],
}

impl Logging {
    /// Installs the logging of this program. A second call in one program gives a handle without effect on output
    /// (tests boot many runtimes in one program).
    pub fn install(options: Options, clock: Arc<dyn Clock>) -> Arc<Logging> {
        let logging = Arc::new(Logging::new(options, clock));
        let subscriber = tracing_subscriber::registry().with(Handle(logging.clone()));
        let _ = tracing::subscriber::set_global_default(subscriber);
        logging
    }

    fn new(options: Options, clock: Arc<dyn Clock>) -> Logging {
        Logging {
            style: options.style,
            clock,
            propagate: AtomicBool::new(options.settings.propagate_downstream),
            stream: AtomicBool::new(options.settings.stream_to_events),
            min_level: AtomicI64::new(options.settings.min_level as i64),
            hushed: AtomicUsize::new(0),
            sampler: options.sampled.then(Mutex::default),
            bus: OnceLock::new(),
            config_events: OnceLock::new(),
            emitted: Default::default(),
        }
    }

    pub fn settings(&self) -> Settings {
        Settings {
            propagate_downstream: self.propagate.load(Ordering::Relaxed),
            stream_to_events: self.stream.load(Ordering::Relaxed),
            min_level: Level::from_number(self.min_level.load(Ordering::Relaxed)),
        }
    }
    pub fn set(&self, settings: Settings) {
        self.propagate.store(settings.propagate_downstream, Ordering::Relaxed);
        self.stream.store(settings.stream_to_events, Ordering::Relaxed);
        self.min_level.store(settings.min_level as i64, Ordering::Relaxed);
    }
    /// Publishes on `bus` from now on, and answers `logs.config.*` events there. Once.
    pub fn connect(self: &Arc<Self>, bus: &Bus) {
        if self.bus.set(bus.clone()).is_err() {
            return;
        }
        match events::answer_config(self, bus) {
            Ok(subscription) => drop(self.config_events.set(subscription)),
            Err(error) => tracing::warn!(%error, "log settings cannot be changed by events"),
        }
    }
    /// While the guard lives no lines are written; records of every level go to the bus instead.
    pub fn quiet(self: &Arc<Self>) -> Quiet {
        self.hushed.fetch_add(1, Ordering::Relaxed);
        Quiet(self.clone())
    }
    /// Records since the start: debug, info, warn, error.
    pub fn emissions(&self) -> [u64; 4] {
        std::array::from_fn(|i| self.emitted[i].load(Ordering::Relaxed))
    }

    fn is_hushed(&self) -> bool {
        self.hushed.load(Ordering::Relaxed) > 0
    }
    fn writes(&self) -> bool {
        self.propagate.load(Ordering::Relaxed) && !self.is_hushed()
    }
    fn streams(&self) -> Option<&Bus> {
        let on = self.stream.load(Ordering::Relaxed) || self.is_hushed();
        if on { self.bus.get().filter(|bus| bus.has_listener("logs", "logs.entry")) } else { None }
    }
    fn wants(&self, level: Level, target: &str) -> bool {
        let min = if self.is_hushed() { Level::Debug as i64 } else { self.min_level.load(Ordering::Relaxed) };
        // Below warnings only our own parts and programs have a say: libraries talk too much.
        level as i64 >= min
            && (level >= Level::Warn || target == PROGRAM || target.starts_with("wippy"))
            && (self.writes() || self.streams().is_some())
    }

    fn emit(&self, record: &Record) {
        self.emitted[(record.level as i64 + 1) as usize].fetch_add(1, Ordering::Relaxed);
        if let Some(bus) = self.streams() {
            events::publish(bus, record);
        }
        if !self.writes() {
            return;
        }
        if let Some(sampler) = &self.sampler
            && !sampler.lock().admits(self.clock.now(), record)
        {
            return;
        }
        let mut line = self.style.line(record, self.clock.now());
        line.push('\n');
        // One write a record, so that lines never mix. A closed output is no reason to fail.
        let _ = match self.style {
            Style::Development => std::io::stderr().lock().write_all(line.as_bytes()),
            Style::Console { .. } | Style::Json => std::io::stdout().lock().write_all(line.as_bytes()),
        };
    }
}

/// See [`Logging::quiet`].
pub struct Quiet(Arc<Logging>);

impl Drop for Quiet {
    fn drop(&mut self) {
        self.0.hushed.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Handle(Arc<Logging>);

impl<S: Subscriber> Layer<S> for Handle {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Settings change at run time.
        Interest::sometimes()
    }
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_event() && self.0.wants(Level::of(*metadata.level()), metadata.target())
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.emit(&Record::of(event, self.0.clock.wall()));
    }
}
