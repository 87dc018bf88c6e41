//! Typed reading of an entry's fields, the same for all kinds.
//!
//! [`Fields`] looks fields up (exactly, else ignoring case), checks their
//! types, and remembers which names were asked for; [`Fields::finish`] then
//! warns about fields nobody asked for that resemble one that was. A missing
//! field and `null` are the same. Errors are `Invalid` and name file, line,
//! entry, field, what was expected and what was found, but never a value,
//! which might be a secret. Placeholders have been replaced before; meaning and
//! validation belong to the caller, and so do fields `*_env`
//! ([`crate::env::Environment::field`]).

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

use super::entry::{Entry, EntryId};
use super::kinds::nearest;
use crate::duration;
use crate::error::{Error, Result};
use crate::payload::{Map, Value};

/// The fields of one map of an entry. Not `Send`; made, read and dropped in one place.
pub struct Fields<'e> {
    entry: &'e Entry,
    /// Path of the map with a final dot, `""` for the data itself.
    prefix: String,
    map: &'e Map,
    asked: RefCell<Vec<String>>,
    /// Warnings of this and all nested maps.
    warnings: Rc<RefCell<Vec<String>>>,
}

impl<'e> Fields<'e> {
    /// The data of an entry. Errors: `configuration data is required`; not a map.
    pub fn new(entry: &'e Entry) -> Result<Fields<'e>> {
        match &entry.data {
            Value::Map(map) => Ok(Fields::over(entry, String::new(), map, Rc::default())),
            Value::Nil => Err(entry.error("configuration data is required")),
            other => Err(entry.error(format_args!("expected data to be a map, got {}", other.type_name()))),
        }
    }

    /// The meta of an entry.
    pub fn meta(entry: &'e Entry) -> Fields<'e> {
        Fields::over(entry, "meta.".to_owned(), &entry.meta, Rc::default())
    }

    fn over(entry: &'e Entry, prefix: String, map: &'e Map, warnings: Rc<RefCell<Vec<String>>>) -> Fields<'e> {
        Fields { entry, prefix, map, asked: RefCell::default(), warnings }
    }

    pub fn entry(&self) -> &'e Entry {
        self.entry
    }

    /// The raw value; `None` if missing or `null`.
    pub fn value(&self, key: &str) -> Option<&'e Value> {
        self.known(&[key]);
        let found = self.map.get(key).or_else(|| {
            let folded = key.to_lowercase();
            self.map.iter().find(|(k, _)| k.to_lowercase() == folded).map(|(_, v)| v)
        });
        found.filter(|v| !v.is_nil())
    }

    /// Marks fields as known that are not read here.
    pub fn known(&self, keys: &[&str]) {
        let mut asked = self.asked.borrow_mut();
        for key in keys {
            if !asked.iter().any(|a| a == key) {
                asked.push((*key).to_owned());
            }
        }
    }

    /// Whether the field is there and not `null`.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// An error about a field: `file:line:column: entry id: field path: message`.
    pub fn error(&self, key: &str, message: impl fmt::Display) -> Error {
        self.entry.field_error(&self.path(key), message)
    }

    /// The error for a field that must be there: `<path> is required`.
    pub fn missing(&self, key: &str) -> Error {
        self.entry.error(format_args!("{} is required", self.path(key)))
    }

    fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn wrong(&self, key: &str, expected: &str, got: &Value) -> Error {
        self.error(key, format_args!("expected {expected}, got {}", got.type_name()))
    }

    fn typed<T>(&self, key: &str, expected: &str, read: impl FnOnce(&'e Value) -> Option<T>) -> Result<Option<T>> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| self.wrong(key, expected, value)),
        }
    }

    /// A text that must be there and not be empty: else `<field> is required`.
    pub fn str(&self, key: &str) -> Result<&'e str> {
        self.opt_str(key)?.filter(|s| !s.is_empty()).ok_or_else(|| self.missing(key))
    }
    /// A text, as written.
    pub fn opt_str(&self, key: &str) -> Result<Option<&'e str>> {
        self.typed(key, "string", Value::as_str)
    }
    /// A text, or `default` if it is missing or empty.
    pub fn str_or(&self, key: &str, default: &'e str) -> Result<&'e str> {
        Ok(self.opt_str(key)?.filter(|s| !s.is_empty()).unwrap_or(default))
    }
    /// One of some texts; `choices[0]` if missing or empty.
    pub fn one_of(&self, key: &str, choices: &[&'static str]) -> Result<&'static str> {
        let text = self.str_or(key, choices[0])?;
        choices
            .iter()
            .copied()
            .find(|c| *c == text)
            .ok_or_else(|| self.error(key, format_args!("expected one of {}, got {text:?}", choices.join(", "))))
    }

    /// A whole number (also written like `3.0`).
    pub fn opt_int(&self, key: &str) -> Result<Option<i64>> {
        self.typed(key, "integer", Value::as_int)
    }
    pub fn int(&self, key: &str, default: i64) -> Result<i64> {
        Ok(self.opt_int(key)?.unwrap_or(default))
    }
    /// A whole number within bounds; `default` need not be.
    pub fn int_in(&self, key: &str, bounds: RangeInclusive<i64>, default: i64) -> Result<i64> {
        match self.opt_int(key)? {
            Some(n) if !bounds.contains(&n) => {
                let (low, high) = bounds.into_inner();
                let wanted = match (low, high) {
                    (low, i64::MAX) => format!("at least {low}"),
                    (low, high) => format!("between {low} and {high}"),
                };
                Err(self.error(key, format_args!("must be {wanted}, got {n}")))
            }
            found => Ok(found.unwrap_or(default)),
        }
    }
    /// A finite number.
    pub fn opt_float(&self, key: &str) -> Result<Option<f64>> {
        self.typed(key, "number", |v| v.as_float().filter(|f| f.is_finite()))
    }
    pub fn float(&self, key: &str, default: f64) -> Result<f64> {
        Ok(self.opt_float(key)?.unwrap_or(default))
    }
    pub fn opt_bool(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "boolean", Value::as_bool)
    }
    pub fn bool(&self, key: &str, default: bool) -> Result<bool> {
        Ok(self.opt_bool(key)?.unwrap_or(default))
    }

    /// A Go duration text such as `1m30s`; not negative.
    pub fn opt_duration(&self, key: &str) -> Result<Option<Duration>> {
        let text = self.typed(key, "duration string such as 5s", Value::as_str)?;
        text.map(|t| duration::parse_std(t).map_err(|e| self.error(key, e))).transpose()
    }
    /// A duration; missing, empty or zero means `default`.
    pub fn duration(&self, key: &str, default: Duration) -> Result<Duration> {
        if self.value(key).and_then(Value::as_str) == Some("") {
            return Ok(default);
        }
        Ok(self.opt_duration(key)?.filter(|d| !d.is_zero()).unwrap_or(default))
    }

    /// A list; empty if missing.
    pub fn list(&self, key: &str) -> Result<&'e [Value]> {
        Ok(self.typed(key, "list", Value::as_list)?.unwrap_or_default())
    }
    /// A list of texts; empty if missing.
    pub fn list_of_str(&self, key: &str) -> Result<Vec<&'e str>> {
        let read =
            |(n, v): (usize, &'e Value)| v.as_str().ok_or_else(|| self.wrong(&format!("{key}.{n}"), "string", v));
        match self.value(key) {
            Some(Value::List(list)) => list.iter().enumerate().map(read).collect(),
            Some(other) => Err(self.wrong(key, "list of strings", other)),
            None => Ok(Vec::new()),
        }
    }
    pub fn map(&self, key: &str) -> Result<Option<&'e Map>> {
        self.typed(key, "map", Value::as_map)
    }
    /// A map of texts in its order; empty if missing.
    pub fn map_of_str(&self, key: &str) -> Result<Vec<(&'e str, &'e str)>> {
        let map = self.map(key)?;
        let read = |(k, v): (&'e String, &'e Value)| match v.as_str() {
            Some(text) => Ok((k.as_str(), text)),
            None => Err(self.wrong(&format!("{key}.{k}"), "string", v)),
        };
        map.into_iter().flatten().map(read).collect()
    }
    /// The fields of a map inside this one. Its warnings come with this one's `finish`.
    pub fn nested(&self, key: &str) -> Result<Option<Fields<'e>>> {
        let map = self.map(key)?;
        let over = |map| Fields::over(self.entry, format!("{}.", self.path(key)), map, self.warnings.clone());
        Ok(map.map(over))
    }
    /// The items of a list of maps; empty if missing.
    pub fn list_of_maps(&self, key: &str) -> Result<Vec<Fields<'e>>> {
        let item = |(n, v): (usize, &'e Value)| match v {
            Value::Map(map) => {
                let prefix = format!("{}.{n}.", self.path(key));
                Ok(Fields::over(self.entry, prefix, map, self.warnings.clone()))
            }
            other => Err(self.wrong(&format!("{key}.{n}"), "map", other)),
        };
        self.list(key)?.iter().enumerate().map(item).collect()
    }

    /// An id, as text or `{ns, name}`; a bare name gets the entry's namespace.
    pub fn id(&self, key: &str) -> Result<EntryId> {
        self.opt_id(key)?.ok_or_else(|| self.missing(key))
    }
    /// Like [`Fields::id`]; missing or empty is `None`.
    pub fn opt_id(&self, key: &str) -> Result<Option<EntryId>> {
        let Some(id) = self.read_id(key, self.value(key))? else { return Ok(None) };
        Ok(Some(if id.ns().is_empty() { EntryId::new(self.entry.id.ns(), id.name()) } else { id }))
    }
    /// An id taken as it is; missing or empty is `None`.
    pub fn opt_full_id(&self, key: &str) -> Result<Option<EntryId>> {
        self.read_id(key, self.value(key))
    }
    /// A list of ids; bare names get the entry's namespace.
    pub fn list_of_ids(&self, key: &str) -> Result<Vec<EntryId>> {
        let mut ids = self.list_of_full_ids(key)?;
        for id in ids.iter_mut().filter(|id| id.ns().is_empty()) {
            *id = EntryId::new(self.entry.id.ns(), id.name());
        }
        Ok(ids)
    }
    /// A list of ids taken as they are.
    pub fn list_of_full_ids(&self, key: &str) -> Result<Vec<EntryId>> {
        let read = |(n, v)| self.read_id(&format!("{key}.{n}"), Some(v)).transpose();
        self.list(key)?.iter().enumerate().filter_map(read).collect()
    }

    fn read_id(&self, key: &str, value: Option<&Value>) -> Result<Option<EntryId>> {
        let id = match value {
            None | Some(Value::Nil) => return Ok(None),
            Some(Value::Str(text)) => EntryId::parse(text),
            Some(map @ Value::Map(_)) => {
                let part = |k: &str| map.get(k).map_or(Some(""), Value::as_str);
                match (part("ns"), part("name")) {
                    (Some(ns), Some(name)) => EntryId::new(ns, name),
                    _ => return Err(self.error(key, "expected ns and name to be strings")),
                }
            }
            Some(other) => return Err(self.wrong(key, "id such as namespace:name", other)),
        };
        Ok(Some(id).filter(|id| !id.name().is_empty()))
    }

    /// Warnings about fields that were not asked for and resemble one that was
    /// and is absent, here and in nested maps (which must be dropped by now).
    pub fn finish(self) -> Vec<String> {
        self.warn();
        // `drop` must not add them again.
        self.asked.borrow_mut().clear();
        std::mem::take(&mut *self.warnings.borrow_mut())
    }

    /// [`Fields::finish`] with the warnings logged.
    pub fn finish_and_log(self) {
        for warning in self.finish() {
            tracing::warn!("{warning}");
        }
    }

    fn warn(&self) {
        let asked = self.asked.borrow();
        let fold = |s: &str| s.to_lowercase();
        let present: HashSet<String> = self.map.keys().map(|k| fold(k)).collect();
        let asked_for: HashSet<String> = asked.iter().map(|k| fold(k)).collect();
        let absent = || asked.iter().map(String::as_str).filter(|k| !present.contains(&fold(k)));
        for key in self.map.keys().filter(|k| !asked_for.contains(&fold(k))) {
            if let Some(near) = nearest(key, absent()) {
                let path = self.path(key);
                let message = format!("unknown field `{path}`, did you mean `{}`?", self.path(near));
                self.warnings.borrow_mut().push(self.located(&path, message));
            }
        }
    }

    fn located(&self, path: &str, message: String) -> String {
        match self.entry.origin.as_ref().and_then(|o| Some((o, o.field(path)?))) {
            Some((o, f)) => format!("{}:{}:{}: entry {}: {message}", o.file, f.line, f.column, self.entry.id),
            None => self.entry.error(message).to_string(),
        }
    }
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        self.warn();
    }
}
