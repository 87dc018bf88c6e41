//! Expressions over plain data: what crosses between [`Value`] and the values
//! of the expression language, and names out of a map.

use std::sync::Arc;

use wippy_expr as expr;

use crate::error::{Error, Result};
use crate::payload::{Map, Value};

/// Errors: the text of [`expr::TooLarge`].
pub fn from_plain(value: &Value) -> Result<expr::Value, expr::TooLarge> {
    Ok(match value {
        Value::Nil => expr::Value::Nil,
        Value::Bool(b) => expr::Value::Bool(*b),
        Value::Int(n) => expr::Value::Int(*n),
        Value::Float(n) => expr::Value::Float(*n),
        Value::Str(text) => expr::Value::text(text),
        Value::Bytes(bytes) => expr::Value::Bytes(bytes.as_slice().into()),
        Value::List(items) => expr::Value::list(items.iter().map(from_plain).collect::<Result<_, _>>()?)?,
        Value::Map(map) => map_from_plain(map)?,
        Value::Error(e) => expr::Value::text(&e.to_string()),
    })
}

/// [`from_plain`] for a map.
pub fn map_from_plain(map: &Map) -> Result<expr::Value, expr::TooLarge> {
    let entries = map.iter().map(|(k, v)| Ok((expr::Key::Str(k.as_str().into()), from_plain(v)?)));
    expr::Value::map(entries.collect::<Result<_, _>>()?)
}

/// Errors: Internal, a map has keys that are no texts.
pub fn to_plain(value: &expr::Value) -> Result<Value> {
    Ok(match value {
        expr::Value::Nil => Value::Nil,
        expr::Value::Bool(b) => Value::Bool(*b),
        expr::Value::Int(n) => Value::Int(*n),
        expr::Value::Float(n) => Value::Float(*n),
        expr::Value::Str(text) => Value::Str(text.to_string()),
        expr::Value::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        expr::Value::List(list) => Value::List(list.items().iter().map(to_plain).collect::<Result<_>>()?),
        // As `string` shows them.
        expr::Value::Time(_) | expr::Value::Duration(_) | expr::Value::Zone(_) => Value::Str(value.to_string()),
        expr::Value::Map(map) => {
            let entry = |(key, value): (&expr::Key, &expr::Value)| match key.as_str() {
                Some(key) => Ok((key.to_owned(), to_plain(value)?)),
                None => {
                    let key = key.to_value();
                    Err(Error::internal(format!("cannot convert a map with the key {key} ({})", key.type_name())))
                }
            };
            Value::Map(map.entries().iter().map(entry).collect::<Result<_>>()?)
        }
    })
}

/// What the checker can know of a value.
pub fn type_of(value: &Value) -> expr::Ty {
    match value {
        Value::Nil => expr::Ty::Any,
        Value::Bool(_) => expr::Ty::Bool,
        Value::Int(_) => expr::Ty::Int,
        Value::Float(_) => expr::Ty::Float,
        Value::Str(_) | Value::Error(_) => expr::Ty::Str,
        Value::Bytes(_) => expr::Ty::Bytes,
        Value::List(_) => expr::Ty::List,
        Value::Map(_) => expr::Ty::Map,
    }
}

/// The members of a map as names. Of anything else every name is an error.
pub struct Names(expr::Value);

impl Names {
    /// Errors: Internal, too large.
    pub fn of(value: &Value) -> Result<Names> {
        from_plain(value).map(Names).map_err(|e| Error::internal(e.to_string()))
    }
}

impl expr::Env for Names {
    fn get(&self, name: &str) -> Result<Option<expr::Value>, String> {
        match &self.0 {
            expr::Value::Map(map) => Ok(map.get(name).cloned()),
            other => Err(format!("cannot fetch {name} from {}", other.type_name())),
        }
    }
    fn all(&self) -> expr::Value {
        self.0.clone()
    }
}

/// Follows `keys` into maps inside `map`. `None` if something on the way is no map.
pub(crate) fn reach(map: &Map, keys: &[Arc<str>]) -> Option<expr::Value> {
    let Some((last, way)) = keys.split_last() else { return map_from_plain(map).ok() };
    let inner = way.iter().try_fold(map, |m, key| m.get(&**key)?.as_map())?;
    match inner.get(&**last) {
        Some(value) => from_plain(value).ok(),
        None => Some(expr::Value::Nil),
    }
}
