//! Values while an expression runs. Cheap to copy: what is large is shared.
//! Nesting and size, counted as if nothing were shared, are bounded: nothing
//! that walks a value runs out of stack or takes for ever.

use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};
use wippy_calendar::{Location, Moment, PRINTED, duration, layout};

/// How deep lists and maps may nest.
pub const MAX_NESTING: u16 = 200;
/// How large a list or a map may be: values in it, and sixteen bytes of text, count as one.
pub const MAX_SIZE: u64 = 1_000_000;

/// A list or a map passes [`MAX_NESTING`] or [`MAX_SIZE`].
#[derive(Debug)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("value is too large or nested too deeply")
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    depth: u16,
    size: u64,
}

impl Extent {
    /// Of what holds `values`.
    fn around<'v>(values: impl Iterator<Item = &'v Value>) -> Result<Extent, TooLarge> {
        let mut all = Extent::default();
        for value in values {
            let Extent { depth, size } = value.extent();
            all = Extent { depth: all.depth.max(depth), size: all.size.saturating_add(size) };
        }
        all.depth += 1;
        if all.depth > MAX_NESTING || all.size > MAX_SIZE { Err(TooLarge) } else { Ok(all) }
    }
}

/// What an expression computes with.
#[derive(Clone, Debug, Default)]
pub enum Value {
    #[default]
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Arc<str>),
    /// Also text that is not UTF-8.
    Bytes(Arc<[u8]>),
    List(Arc<List>),
    Map(Arc<Map>),
    Time(Arc<Moment>),
    /// Nanoseconds.
    Duration(i64),
    Zone(Location),
}

#[derive(Debug)]
pub struct List {
    items: Vec<Value>,
    extent: Extent,
}

#[derive(Debug)]
pub struct Map {
    entries: IndexMap<Key, Value>,
    extent: Extent,
}

/// A key of a map. Nearly all are texts.
#[derive(Clone, Debug)]
pub enum Key {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Arc<str>),
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        match (self, other) {
            (Key::Nil, Key::Nil) => true,
            (Key::Bool(a), Key::Bool(b)) => a == b,
            (Key::Int(a), Key::Int(b)) => a == b,
            (Key::Float(a), Key::Float(b)) => a.to_bits() == b.to_bits(),
            (Key::Str(a), Key::Str(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Key {}

/// A text hashes as in [`Text`].
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Key::Str(text) => text.hash(state),
            Key::Nil => 0_u8.hash(state),
            Key::Bool(b) => b.hash(state),
            Key::Int(i) => i.hash(state),
            Key::Float(f) => f.to_bits().hash(state),
        }
    }
}

/// To look a text up.
#[derive(Hash)]
struct Text<'t>(&'t str);

impl Equivalent<Key> for Text<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        matches!(key, Key::Str(text) if **text == *self.0)
    }
}

impl Key {
    pub fn to_value(&self) -> Value {
        match self {
            Key::Nil => Value::Nil,
            Key::Bool(b) => Value::Bool(*b),
            Key::Int(i) => Value::Int(*i),
            Key::Float(f) => Value::Float(*f),
            Key::Str(text) => Value::Str(text.clone()),
        }
    }
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Key::Str(text) => Some(text),
            _ => None,
        }
    }
}

impl List {
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Map {
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(&Text(key))
    }
    pub fn at(&self, key: &Key) -> Option<&Value> {
        self.entries.get(key)
    }
    pub fn entries(&self) -> &IndexMap<Key, Value> {
        &self.entries
    }
}

impl Value {
    pub fn list(items: Vec<Value>) -> Result<Value, TooLarge> {
        let extent = Extent::around(items.iter())?;
        Ok(Value::List(Arc::new(List { items, extent })))
    }
    pub fn map(entries: IndexMap<Key, Value>) -> Result<Value, TooLarge> {
        let texts = entries.keys().filter_map(Key::as_str).map(|k| k.len() as u64 / 16).sum::<u64>();
        let mut extent = Extent::around(entries.values())?;
        extent.size += texts;
        if extent.size > MAX_SIZE { Err(TooLarge) } else { Ok(Value::Map(Arc::new(Map { entries, extent }))) }
    }
    pub fn text(text: &str) -> Value {
        Value::Str(text.into())
    }
    /// Text if it is UTF-8, else bytes.
    pub fn from_bytes(bytes: &[u8]) -> Value {
        match std::str::from_utf8(bytes) {
            Ok(text) => Value::text(text),
            Err(_) => Value::Bytes(bytes.into()),
        }
    }
    fn extent(&self) -> Extent {
        match self {
            Value::List(list) => Extent { size: list.extent.size + 1, ..list.extent },
            Value::Map(map) => Extent { size: map.extent.size + 1, ..map.extent },
            Value::Str(text) => Extent { depth: 0, size: 1 + text.len() as u64 / 16 },
            Value::Bytes(bytes) => Extent { depth: 0, size: 1 + bytes.len() as u64 / 16 },
            _ => Extent { depth: 0, size: 1 },
        }
    }
    /// What walking it costs; see [`MAX_SIZE`].
    pub fn size(&self) -> u64 {
        self.extent().size
    }
    pub(crate) fn key(&self) -> Option<Key> {
        Some(match self {
            Value::Nil => Key::Nil,
            Value::Bool(b) => Key::Bool(*b),
            Value::Int(i) => Key::Int(*i),
            Value::Float(f) => Key::Float(*f),
            Value::Str(text) => Key::Str(text.clone()),
            _ => return None,
        })
    }
    pub fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self {
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }
    /// The type as errors name it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::Str(_) => "string",
            Value::Bytes(_) => "[]uint8",
            Value::List(_) => "[]interface {}",
            Value::Map(_) => "map[string]interface {}",
            Value::Time(_) => "time.Time",
            Value::Duration(_) => "time.Duration",
            Value::Zone(_) => "*time.Location",
        }
    }
}

/// Numbers are equal across integers and floats, lists and maps by what is in them.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Nil, Value::Nil) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => Arc::ptr_eq(a, b) || a.items == b.items,
            (Value::Map(a), Value::Map(b)) => Arc::ptr_eq(a, b) || a.entries == b.entries,
            (Value::Time(a), Value::Time(b)) => a.total() == b.total(),
            (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Zone(a), Value::Zone(b)) => a.name() == b.name(),
            _ => matches!((self.as_float(), other.as_float()), (Some(a), Some(b)) if a == b),
        }
    }
}

/// As `string()` shows it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nil => f.write_str("<nil>"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(i) => write!(f, "{i}"),
            Value::Float(x) => write_float(f, *x),
            Value::Str(text) => f.write_str(text),
            Value::Time(moment) => f.write_str(&layout::format(moment, PRINTED)),
            Value::Duration(nanos) => f.write_str(&duration::format(*nanos)),
            Value::Zone(zone) => f.write_str(zone.name()),
            Value::Bytes(bytes) => write_all(f, '[', bytes.iter(), |f, b| write!(f, "{b}")),
            Value::List(list) => write_all(f, '[', list.items.iter(), |f, v| write!(f, "{v}")),
            Value::Map(map) => {
                f.write_str("map")?;
                let mut sorted: Vec<(String, &Value)> =
                    map.entries.iter().map(|(k, v)| (k.to_value().to_string(), v)).collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                write_all(f, '[', sorted.iter(), |f, (k, v)| write!(f, "{k}:{v}"))
            }
        }
    }
}

fn write_all<T>(
    f: &mut fmt::Formatter<'_>,
    open: char,
    items: impl Iterator<Item = T>,
    write: impl Fn(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (i, item) in items.enumerate() {
        if i > 0 {
            f.write_char(' ')?;
        }
        write(f, item)?;
    }
    f.write_char(']')
}

/// The shortest form that reads back; with exponent from 1e21 on and below 1e-4.
fn write_float(f: &mut fmt::Formatter<'_>, x: f64) -> fmt::Result {
    if x.is_nan() {
        return f.write_str("NaN");
    }
    if x.is_infinite() {
        return f.write_str(if x > 0.0 { "+Inf" } else { "-Inf" });
    }
    if x == 0.0 || (1e-4..1e21).contains(&x.abs()) {
        return write!(f, "{x}");
    }
    let text = format!("{x:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    write!(f, "{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}
