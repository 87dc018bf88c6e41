//! One log record, whoever wrote it.

use tracing::Event;
use tracing::field::{Field, Visit};

use crate::payload::{Map, Value};

/// The `tracing` target of records that programs write. Their own fields come as one JSON object in the field
/// `fields`, because the names of `tracing` fields are fixed when the runtime is compiled.
pub const PROGRAM: &str = "program";

/// Severity; the numbers are those of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug = -1,
    Info = 0,
    Warn = 1,
    Error = 2,
}

impl Level {
    /// The level of a configured number; what is out of range is the nearest.
    pub fn from_number(n: i64) -> Level {
        match n {
            ..=-1 => Level::Debug,
            0 => Level::Info,
            1 => Level::Warn,
            _ => Level::Error,
        }
    }
    pub fn of(level: tracing::Level) -> Level {
        match level {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            _ => Level::Debug,
        }
    }
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Record {
    pub level: Level,
    /// The name of the logger; for the runtime the part of it that speaks.
    pub logger: String,
    pub message: String,
    /// In the order they were given.
    pub fields: Map,
    /// Nanoseconds since the Unix epoch.
    pub time: i64,
    /// `file:line` of the runtime's source, empty for programs.
    pub caller: String,
}

impl Record {
    pub(super) fn of(event: &Event<'_>, time: i64) -> Record {
        let meta = event.metadata();
        let mut collected = Collected::default();
        event.record(&mut collected);
        let Collected { message, mut fields } = collected;
        let (mut logger, mut caller) = (String::new(), String::new());
        if meta.target() == PROGRAM {
            if let Some(Value::Str(name)) = fields.shift_remove("logger") {
                logger = name;
            }
            if let Some(Value::Str(own)) = fields.shift_remove("fields")
                && let Ok(serde_json::Value::Object(own)) = serde_json::from_str(&own)
            {
                fields.extend(own.into_iter().map(|(k, v)| (k, Value::from(v))));
            }
        } else {
            // wippy_runtime::supervisor::driver is the supervisor to its readers.
            let mut parts = meta.target().split("::").map(|p| p.trim_start_matches("wippy_"));
            let root = parts.next().unwrap_or_default();
            logger = if root == "runtime" { parts.next().unwrap_or(root) } else { root }.to_owned();
            if let (Some(file), Some(line)) = (meta.file(), meta.line()) {
                caller = format!("{file}:{line}");
            }
        }
        Record { level: Level::of(*meta.level()), logger, message, fields, time, caller }
    }
}

#[derive(Default)]
struct Collected {
    message: String,
    fields: Map,
}

impl Collected {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::Str(text)) => self.message = text,
            (name, value) => drop(self.fields.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Collected {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, Value::Float(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Int(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::Bool(value));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::Str(value.to_owned()));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.add(field, Value::Str(format!("{value:?}")));
    }
}
