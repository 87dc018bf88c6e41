//! An entry: one record of the registry, and the id that names it.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::payload::{Map, Value};

/// `namespace:name`. Cheap to clone; ordered by namespace, then name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EntryId {
    text: Arc<str>,
    /// Byte position of the first `:`; `u32::MAX` if the id has no namespace.
    colon: u32,
}

impl EntryId {
    pub fn new(ns: &str, name: &str) -> EntryId {
        if ns.is_empty() { EntryId::bare(name) } else { EntryId::parse(&format!("{ns}:{name}")) }
    }
    /// An id without a namespace, even if `name` holds a colon-free text only.
    fn bare(name: &str) -> EntryId {
        EntryId { text: name.into(), colon: u32::MAX }
    }
    /// Splits at the first `:`; text without one is a bare name. Never fails.
    pub fn parse(text: &str) -> EntryId {
        match text.find(':') {
            Some(at) if at > 0 => EntryId { text: text.into(), colon: at as u32 },
            Some(_) => EntryId::bare(&text[1..]),
            None => EntryId::bare(text),
        }
    }
    /// A reference as written in an entry of `ns`: bare names are completed with that namespace.
    pub fn resolve(text: &str, ns: &str) -> EntryId {
        if text.contains(':') { EntryId::parse(text) } else { EntryId::new(ns, text) }
    }
    /// The namespace, `""` if there is none.
    pub fn ns(&self) -> &str {
        if self.colon == u32::MAX { "" } else { &self.text[..self.colon as usize] }
    }
    pub fn name(&self) -> &str {
        if self.colon == u32::MAX { &self.text } else { &self.text[self.colon as usize + 1..] }
    }
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// The id as shared text.
    pub fn text(&self) -> Arc<str> {
        self.text.clone()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl Ord for EntryId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Namespaces of one length decide before the colon behind them: the texts compare like their parts.
        if self.colon == other.colon {
            return self.text.cmp(&other.text);
        }
        (self.ns(), self.name()).cmp(&(other.ns(), other.name()))
    }
}
impl PartialOrd for EntryId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Where an entry was written, for messages. No part of the entry's value.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Path as the user would type it.
    pub file: Arc<str>,
    /// 1-based; 0 if unknown.
    pub line: u32,
    /// The places of single fields; empty for entries that no file holds.
    pub fields: Arc<[FieldOrigin]>,
}

/// Where one field of an entry was written.
#[derive(Clone, Debug)]
pub struct FieldOrigin {
    /// `data` fields by their bare path (`pool.size`, `targets.0.path`), others as `meta.x`, `name`, `kind`.
    pub path: Box<str>,
    /// 1-based line and column (in characters) of the value in the entry's file.
    pub line: u32,
    pub column: u32,
    /// The file whose text replaced a `file://` reference here.
    pub file: Option<Arc<str>>,
}

impl Origin {
    pub fn new(file: impl Into<Arc<str>>, line: u32) -> Origin {
        Origin { file: file.into(), line, fields: Arc::from([]) }
    }
    /// The place of the field `path`, or of the nearest field around it.
    pub fn field(&self, path: &str) -> Option<&FieldOrigin> {
        let mut path = path;
        loop {
            if let Some(found) = self.fields.iter().find(|f| &*f.path == path) {
                return Some(found);
            }
            path = &path[..path.rfind('.')?];
        }
    }
}

/// One registry record. Immutable once it is in the registry; shared by `Arc`.
/// Two entries are equal whatever their origin: moving one in its file changes nothing.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: EntryId,
    pub kind: String,
    pub meta: Map,
    /// The kind-specific part; [`Value::Nil`] if there is none.
    pub data: Value,
    /// Absent for entries made at run time.
    pub origin: Option<Origin>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (&self.id, &self.kind, &self.meta, &self.data) == (&other.id, &other.kind, &other.meta, &other.data)
    }
}

impl Entry {
    /// The member `key` of the data.
    pub fn field(&self, key: &str) -> Option<&Value> {
        self.data.get(key)
    }
    /// An error about this entry, with its file, line and id.
    pub fn error(&self, message: impl fmt::Display) -> Error {
        match &self.origin {
            Some(o) if o.line > 0 => Error::invalid(format!("{}:{}: entry {}: {message}", o.file, o.line, self.id)),
            Some(o) => Error::invalid(format!("{}: entry {}: {message}", o.file, self.id)),
            None => Error::invalid(format!("entry {}: {message}", self.id)),
        }
    }
    /// The file whose text the field `path` was taken from by `file://`, so that
    /// errors inside that text can name it.
    pub fn source_file(&self, path: &str) -> Option<&Arc<str>> {
        self.origin.as_ref()?.fields.iter().find(|f| &*f.path == path)?.file.as_ref()
    }
    /// An error about one field: `file:line:column: entry id: field path: message`.
    pub fn field_error(&self, path: &str, message: impl fmt::Display) -> Error {
        match self.origin.as_ref().and_then(|o| Some((o, o.field(path)?))) {
            Some((o, f)) => Error::invalid(format!(
                "{}:{}:{}: entry {}: field {path}: {message}",
                o.file, f.line, f.column, self.id
            )),
            None => self.error(format_args!("field {path}: {message}")),
        }
    }
}
