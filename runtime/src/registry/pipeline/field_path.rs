//! Paths to fields of an entry: `meta.x.y`, `data.x`, bare `x`; one leading dot
//! is dropped. Setting descends maps and replaces whatever is in the way by
//! maps; lists cannot be indexed.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::payload::{Map, Value};
use crate::registry::Entry;

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldPath {
    in_meta: bool,
    parts: Vec<String>,
}

impl FieldPath {
    pub fn parse(text: &str) -> Result<FieldPath> {
        let path = text.strip_prefix('.').unwrap_or(text);
        if path == "meta" || path == "data" {
            return Err(Error::invalid(format!("replacing all of {path} is not allowed")));
        }
        let (in_meta, rest) = match (path.strip_prefix("meta."), path.strip_prefix("data.")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => (false, path),
        };
        let parts: Vec<String> = rest.split('.').map(str::to_owned).collect();
        if parts.iter().any(String::is_empty) {
            return Err(Error::invalid(format!("invalid field path \"{text}\": a part is empty")));
        }
        if parts.len() > crate::yaml::MAX_DEPTH {
            return Err(Error::invalid(format!("invalid field path \"{text}\": too many parts")));
        }
        Ok(FieldPath { in_meta, parts })
    }

    /// Replaces the field, making the maps on the way.
    pub fn set(&self, entry: &mut Entry, value: Value) {
        *self.place(entry) = value;
        self.forget_origin(entry);
    }

    /// Appends to the list at the path unless an item with the same printed form is there.
    pub fn append(&self, entry: &mut Entry, value: Value) -> Result<()> {
        let place = self.place(entry);
        match place {
            Value::Nil => *place = Value::List(vec![value]),
            Value::List(items) => {
                let printed = print(&value);
                if !items.iter().any(|item| print(item) == printed) {
                    items.push(value);
                }
            }
            other => {
                let message = format!("cannot append to {}: it is a {}, not a list", self.text(), other.type_name());
                return Err(Error::invalid(message));
            }
        }
        self.forget_origin(entry);
        Ok(())
    }

    fn place<'e>(&self, entry: &'e mut Entry) -> &'e mut Value {
        let (last, parents) = self.parts.split_last().map_or(("", &[][..]), |(l, p)| (l.as_str(), p));
        let mut map = match self.in_meta {
            true => &mut entry.meta,
            false => as_map(&mut entry.data),
        };
        for part in parents {
            map = as_map(map.entry(part.clone()).or_default());
        }
        map.entry(last.to_owned()).or_default()
    }

    /// The path as entry origins write it.
    pub fn text(&self) -> String {
        let path = self.parts.join(".");
        if self.in_meta { format!("meta.{path}") } else { path }
    }

    /// The value no longer comes from the file it was inlined from.
    fn forget_origin(&self, entry: &mut Entry) {
        let Some(origin) = &mut entry.origin else { return };
        let path = self.text();
        let below = |field: &str| {
            field.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if origin.fields.iter().any(|f| f.file.is_some() && below(&f.path)) {
            let mut fields = origin.fields.to_vec();
            fields.iter_mut().filter(|f| below(&f.path)).for_each(|f| f.file = None);
            origin.fields = Arc::from(fields);
        }
    }
}

fn as_map(value: &mut Value) -> &mut Map {
    if !matches!(value, Value::Map(_)) {
        *value = Value::Map(Map::new());
    }
    match value {
        Value::Map(map) => map,
        _ => unreachable!("it was just made a map"),
    }
}

/// The printed form by which values count as equal: `1`, `1.0` and `"1"` are the same.
fn print(value: &Value) -> String {
    match value {
        Value::Str(s) => s.clone(),
        other => crate::yaml::to_string(other),
    }
    .trim_end()
    .to_owned()
}
