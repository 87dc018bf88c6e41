//! What was refused to whom: counted, logged, and, if a file is configured,
//! written down as lines of JSON. Never what a request carried.
//!
//! A process that is refused again and again must not fill the disk or hold up
//! others: a second has room for so many lines; then one says how many are
//! missing.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::boot::Config;
use crate::clock::Clock;
use crate::dispatch::Caller;
use crate::error::{Error, Result};
use crate::logging::Level;
use crate::payload::{Map, Value};
use crate::process::{Frame, Inherited};

/// Lines a second.
const MAX_LINES: u64 = 1_000;
/// Longest text in a line, in bytes: programs choose resources.
const MAX_TEXT: usize = 1_024;
/// What is counted by name; further ones are one count, `other`. Names come from code and entries.
const MAX_COUNTS: usize = 1_000;

/// Refusals since the start: who refused (`policy`, `host`, `wall`) what (an action, a capability, `send`).
#[derive(Default)]
pub struct Denials(Mutex<BTreeMap<(&'static str, Box<str>), u64>>);

impl Denials {
    fn count(&self, by: &'static str, what: &str) {
        let counts = &mut *self.0.lock();
        let what = if counts.len() < MAX_COUNTS || counts.contains_key(&(by, what.into())) { what } else { "other" };
        *counts.entry((by, what.into())).or_default() += 1;
    }
    /// Calls `each` with who refused, what, and how often, in the order of these.
    pub fn each(&self, mut each: impl FnMut(&'static str, &str, u64)) {
        self.0.lock().iter().for_each(|((by, what), n)| each(by, what, *n));
    }
}

/// Who refused, and why.
enum By<'a> {
    /// The policies of the caller's scope, or strict mode.
    Policy { action: &'a str, resource: &'a dyn Display },
    /// The caller's host does not offer the group of commands, or the kind of entries.
    Host { capability: &'a str },
    /// A wall between hosts.
    Wall { error: &'a Error },
}

/// One refusal.
pub struct Denial<'a> {
    caller: &'a Caller,
    frame: Option<&'a Frame>,
    by: By<'a>,
}

impl<'a> Denial<'a> {
    pub(crate) fn by_policy(caller: &'a Caller, frame: &'a Frame, action: &'a str, resource: &'a dyn Display) -> Self {
        Denial { caller, frame: Some(frame), by: By::Policy { action, resource } }
    }
    pub(crate) fn by_host(caller: &'a Caller, capability: &'a str) -> Self {
        Denial { caller, frame: None, by: By::Host { capability } }
    }
    pub(crate) fn by_wall(caller: &'a Caller, error: &'a Error) -> Self {
        Denial { caller, frame: None, by: By::Wall { error } }
    }

    /// Counts, logs and writes.
    #[cold]
    pub(crate) fn record(self) {
        let node = &self.caller.node;
        let (by, what) = match self.by {
            By::Policy { action, .. } => ("policy", action),
            By::Host { capability } => ("host", capability),
            By::Wall { .. } => ("wall", "send"),
        };
        node.denials.count(by, what);
        let audit = node.audit();
        let held;
        let frame = match self.frame {
            Some(frame) => frame,
            None => {
                held = self.caller.frame();
                &held
            }
        };
        audit.log(&self, frame);
        if let Some(file) = &audit.file {
            file.write(self.line(frame));
        }
    }

    fn line(&self, frame: &Frame) -> Map {
        let text = |text: &dyn Display| Value::Str(cut(text.to_string()));
        let Inherited { actor, .. } = &*frame.inherited;
        let mut line = Map::new();
        let mut put = |key: &str, value: Value| drop(line.insert(key.to_owned(), value));
        put("actor", actor.as_ref().map_or(Value::Nil, |a| text(&a.id)));
        match &self.by {
            By::Policy { action, resource } => {
                put("by", "policy".into());
                put("action", text(action));
                put("resource", text(resource));
            }
            By::Host { capability } => {
                put("by", "host".into());
                put("capability", text(capability));
            }
            By::Wall { error } => {
                put("by", "wall".into());
                put("reason", text(&error.message()));
            }
        }
        put("pid", text(&self.caller.control.pid()));
        put("entry", text(&frame.entry));
        put("host", self.caller.control.host.id.as_str().into());
        line
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Where refusals go. Writing blocks for as long as the operating system takes to accept a line.
pub struct Audit {
    /// `None`: not logged.
    level: Option<Level>,
    file: Option<AuditFile>,
}

impl Audit {
    /// Logs at debug level.
    pub const DEBUG: Audit = Audit { level: Some(Level::Debug), file: None };

    /// `security.audit.level`: `debug`, `info`, `warn`, `error` or `off`. `security.audit.file`: where lines of JSON are
    /// appended. Errors: Invalid, another level; Internal, the file cannot be opened.
    pub fn from_config(config: &Config, clock: Arc<dyn Clock>) -> Result<Audit> {
        let level = match config.get_str("security", "audit.level", "debug").as_str() {
            "debug" => Some(Level::Debug),
            "info" => Some(Level::Info),
            "warn" => Some(Level::Warn),
            "error" => Some(Level::Error),
            "off" => None,
            other => return Err(Error::invalid(format!("security.audit.level: unknown level {other:?}"))),
        };
        let path = config.get_str("security", "audit.file", "");
        let file = match path.as_str() {
            "" => None,
            path => {
                let file = OpenOptions::new().append(true).create(true).open(path);
                let file = file.map_err(|e| Error::internal(format!("security.audit.file: {path}: {e}")))?;
                Some(AuditFile { clock, state: Mutex::new(State { file, second: 0, written: 0, missing: 0 }) })
            }
        };
        Ok(Audit { level, file })
    }

    fn log(&self, denial: &Denial<'_>, frame: &Frame) {
        let actor = frame.inherited.actor.as_ref().map(|a| a.id.as_str());
        let (pid, id) = (denial.caller.control.pid(), &frame.entry);
        let host = denial.caller.control.host.id.as_str();
        macro_rules! at {
            ($level:ident) => {
                match &denial.by {
                    By::Policy { action, resource } => {
                        tracing::$level!(actor, action, %resource, %pid, %id, "not allowed")
                    }
                    By::Host { capability } => tracing::$level!(actor, capability, host, %pid, %id, "denied by the host"),
                    By::Wall { error } => tracing::$level!(actor, %error, host, %pid, %id, "denied by a wall"),
                }
            };
        }
        match self.level {
            Some(Level::Debug) => at!(debug),
            Some(Level::Info) => at!(info),
            Some(Level::Warn) => at!(warn),
            Some(Level::Error) => at!(error),
            None => {}
        }
    }
}

struct AuditFile {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// Of the lines counted.
    second: i64,
    written: u64,
    missing: u64,
}

impl AuditFile {
    fn write(&self, mut line: Map) {
        let (now, state) = (self.clock.wall(), &mut *self.state.lock());
        let second = now.div_euclid(1_000_000_000);
        let mut text = String::new();
        if second != state.second {
            let missing = std::mem::take(&mut state.missing);
            (state.second, state.written) = (second, 0);
            if missing > 0 {
                text = format!("{{\"time\":\"{}\",\"missing\":{missing}}}\n", rfc3339(now));
            }
        }
        if state.written >= MAX_LINES {
            state.missing += 1;
            return;
        }
        state.written += 1;
        line.shift_insert(0, "time".to_owned(), rfc3339(now).into());
        match serde_json::to_string(&Value::Map(line)) {
            Ok(json) => text += &json,
            Err(e) => return tracing::error!(%e, "a refusal could not be written down"),
        }
        text.push('\n');
        if let Err(e) = state.file.write_all(text.as_bytes()) {
            tracing::error!(%e, "a refusal could not be written down");
        }
    }
}

fn rfc3339(nanos: i64) -> String {
    jiff::Timestamp::from_nanosecond(nanos.into()).map(|t| t.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_name_within_bounds() {
        let denials = Denials::default();
        for n in 0..MAX_COUNTS + 10 {
            denials.count("policy", &format!("action.{n}"));
            denials.count("policy", "action.0");
        }
        let mut seen = BTreeMap::new();
        denials.each(|by, what, n| {
            seen.insert((by, what.to_owned()), n);
        });
        assert_eq!(seen[&("policy", "action.0".to_owned())], MAX_COUNTS as u64 + 11);
        assert_eq!(seen[&("policy", "action.999".to_owned())], 1);
        assert_eq!(seen[&("policy", "other".to_owned())], 10);
        assert_eq!(seen.len(), MAX_COUNTS + 1);
    }
}
