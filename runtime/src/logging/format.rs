//! Records as lines of text.

use std::fmt::Write as _;

use crate::clock::Nanos;
use crate::payload::{Map, Value};

use super::record::{Level, Record};

/// What lines look like and where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Standard error: local time, level, logger, message, fields as JSON.
    Development,
    /// Standard output: seconds since the start, level, logger, message, fields as JSON.
    Console { color: bool },
    /// Standard output: one JSON object.
    Json,
}

impl Style {
    /// `now` is nanoseconds since the start.
    pub(super) fn line(self, r: &Record, now: Nanos) -> String {
        match self {
            Style::Development => {
                let mut line = format!("{} {:<5}", local(r.time, "%Y-%m-%d %H:%M:%S"), r.level.as_str().to_uppercase());
                text(&mut line, r, false);
                line
            }
            Style::Console { color } => {
                let mut line = format!("{:6.2}s ", now as f64 / 1e9);
                let name = format!("{:<5}", r.level.as_str().to_uppercase());
                line += &if color { painted(&name, color_of(r.level)) } else { name };
                text(&mut line, r, color);
                line
            }
            Style::Json => json(r),
        }
    }
}

fn color_of(level: Level) -> u8 {
    match level {
        Level::Debug => 35,
        Level::Info => 32,
        Level::Warn => 33,
        Level::Error => 31,
    }
}

fn painted(text: &str, color: u8) -> String {
    format!("\x1b[{color}m{text}\x1b[0m")
}

fn text(line: &mut String, r: &Record, color: bool) {
    if !r.logger.is_empty() {
        *line += " ";
        *line += &if color { painted(&r.logger, 36) } else { r.logger.clone() };
    }
    *line += " ";
    // A program's text must not forge lines or drive the terminal.
    line.extend(r.message.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }));
    if !r.fields.is_empty() {
        *line += " ";
        *line += &object(&r.fields);
    }
}

fn object(fields: &Map) -> String {
    serde_json::to_string(&Value::Map(fields.clone())).unwrap_or_else(|_| "{}".to_owned())
}

fn json(r: &Record) -> String {
    let mut map = Map::from([
        ("ts".to_owned(), Value::Str(local(r.time, "%Y-%m-%dT%H:%M:%S%.3f%:z"))),
        ("level".to_owned(), r.level.as_str().into()),
        ("logger".to_owned(), r.logger.as_str().into()),
        ("msg".to_owned(), r.message.as_str().into()),
    ]);
    if r.logger.is_empty() {
        map.shift_remove("logger");
    }
    for (key, value) in &r.fields {
        // A field never hides what every record has.
        let key = if map.contains_key(key) { format!("fields.{key}") } else { key.clone() };
        map.insert(key, value.clone());
    }
    object(&map)
}

/// A point in time in the local zone.
fn local(nanos: i64, layout: &str) -> String {
    let mut out = String::new();
    let moment = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default();
    let _ = write!(out, "{}", moment.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime(layout));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            level: Level::Warn,
            logger: "app".into(),
            message: "late\x1b[2J".into(),
            fields: Map::from([("msg".to_owned(), Value::Int(3)), ("pid".to_owned(), "{a|1}".into())]),
            time: 1_700_000_000_000_000_000,
            caller: String::new(),
        }
    }

    #[test]
    fn styles() {
        let development = Style::Development.line(&record(), 0);
        assert!(development.ends_with("WARN  app late\u{fffd}[2J {\"msg\":3,\"pid\":\"{a|1}\"}"), "{development}");
        let console = Style::Console { color: false }.line(&record(), 1_234_000_000);
        assert_eq!(console, "  1.23s WARN  app late\u{fffd}[2J {\"msg\":3,\"pid\":\"{a|1}\"}");
        let json: serde_json::Value = serde_json::from_str(&Style::Json.line(&record(), 0)).unwrap();
        assert_eq!(json["level"], "warn");
        assert_eq!(json["msg"], "late\u{1b}[2J");
        assert_eq!(json["fields.msg"], 3);
        assert!(json["ts"].as_str().unwrap().starts_with("2023-11-1"), "{json}");
    }
}
