//! What a handler sees of an entry: its data with the placeholders replaced.
//!
//! The registry keeps entries as they were written. A form is made when the
//! entry is created or updated, and remembered, so that the handler is shown
//! the same when the entry is replaced or deleted, or when a failed change is
//! taken back, whatever the environment says by then.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::{Entry, EntryId};
use crate::env::Environment;
use crate::error::{Kind, Result};
use crate::payload::{Map, Value};
use crate::placeholder;

/// Program text at the top of the data; what looks like a placeholder there belongs to the program.
const VERBATIM: &str = "source";

#[derive(Clone)]
struct Form {
    written: Arc<Entry>,
    shown: Arc<Entry>,
}

/// The forms of all entries that differ from what was written. A clone costs nothing.
#[derive(Clone, Default)]
pub(super) struct Forms(Arc<HashMap<EntryId, Form>>);

impl Forms {
    /// What the handler was shown of an entry.
    pub fn shown(&self, written: &Arc<Entry>) -> Arc<Entry> {
        self.find(written).unwrap_or_else(|| written.clone())
    }
    /// The form of exactly this entry, if it differs.
    pub fn find(&self, written: &Arc<Entry>) -> Option<Arc<Entry>> {
        self.0.get(&written.id).filter(|f| f.written == *written).map(|f| f.shown.clone())
    }
    pub fn keep(&mut self, written: &Arc<Entry>, shown: Arc<Entry>) {
        if Arc::ptr_eq(written, &shown) {
            return self.forget(&written.id);
        }
        let form = Form { written: written.clone(), shown };
        Arc::make_mut(&mut self.0).insert(written.id.clone(), form);
    }
    pub fn forget(&mut self, id: &EntryId) {
        if self.0.contains_key(id) {
            Arc::make_mut(&mut self.0).remove(id);
        }
    }
}

/// The entry with its placeholders replaced; the same one if it has none.
/// Errors: NotFound `environment variable not found: X` and those of storages, with file, line, entry and field.
pub(super) fn expand(entry: &Arc<Entry>, environment: &Environment) -> Result<Arc<Entry>> {
    if !has_placeholders(&entry.data) {
        return Ok(entry.clone());
    }
    let lookup = |name: &str| match environment.get(name, entry.id.ns()) {
        Ok(text) => Ok(Some(text)),
        Err(e) if *e.kind() == Kind::NOT_FOUND => Ok(None),
        Err(e) => Err(e),
    };
    let data = match &entry.data {
        Value::Map(map) => {
            let member = |(key, value): (&String, &Value)| match key.as_str() {
                VERBATIM => Ok((key.clone(), value.clone())),
                _ => Ok((key.clone(), replace(entry, key, value, &lookup)?)),
            };
            Value::Map(map.iter().map(member).collect::<Result<Map>>()?)
        }
        other => replace(entry, "", other, &lookup)?,
    };
    Ok(Arc::new(Entry { data, ..(**entry).clone() }))
}

fn replace(entry: &Entry, path: &str, value: &Value, lookup: placeholder::Lookup<'_>) -> Result<Value> {
    Ok(match value {
        Value::Str(text) => {
            let replaced = placeholder::interpolate(text, lookup);
            let located = |e: crate::Error| entry.field_error(path, &e).with_kind(e.kind().clone());
            replaced.map_err(located)?.unwrap_or_else(|| value.clone())
        }
        Value::List(items) => {
            let item = |(n, item)| replace(entry, &format!("{path}.{n}"), item, lookup);
            Value::List(items.iter().enumerate().map(item).collect::<Result<_>>()?)
        }
        Value::Map(map) => {
            let member =
                |(k, v): (&String, &Value)| Ok((k.clone(), replace(entry, &format!("{path}.{k}"), v, lookup)?));
            Value::Map(map.iter().map(member).collect::<Result<_>>()?)
        }
        other => other.clone(),
    })
}

fn has_placeholders(data: &Value) -> bool {
    any_text(data, &|_, text| text.contains("${"))
}

/// Whether the entry needs the environment to be there: by a placeholder or by a field `*_env`.
pub(super) fn asks_environment(entry: &Entry) -> bool {
    any_text(&entry.data, &|key, text| key.ends_with("_env") || placeholder::asks_environment(text))
}

/// Whether `test` holds for any text, with the key it is under; verbatim ones aside.
fn any_text(data: &Value, test: &dyn Fn(&str, &str) -> bool) -> bool {
    fn walk(key: &str, value: &Value, test: &dyn Fn(&str, &str) -> bool) -> bool {
        match value {
            Value::Str(text) => test(key, text),
            Value::List(items) => items.iter().any(|item| walk("", item, test)),
            Value::Map(map) => map.iter().any(|(k, v)| walk(k, v, test)),
            _ => false,
        }
    }
    match data {
        Value::Map(map) => map.iter().any(|(k, v)| k != VERBATIM && walk(k, v, test)),
        other => walk("", other, test),
    }
}
