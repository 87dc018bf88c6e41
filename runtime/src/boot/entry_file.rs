//! One entry file: from text to entries, with every problem of the file.
//!
//! Both forms are read (a list under `entries`, or one entry at the top level),
//! `meta` is merged, `file://` references are replaced by the files' text. A file
//! with an error gives no entry at all, as the reference has it, but all its
//! problems are found first.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::problem::{Problem, nearest};
use super::root::Root;
use crate::payload::{Map, Value};
use crate::registry::{Entry, EntryId, FieldOrigin, Origin};
use crate::yaml::{self, Member, Node, NodeMap, NodeValue, Pos, Scalar, Typing};

/// How many fields of one entry have their place remembered.
const MAX_FIELDS: usize = 512;

/// Reads the file at `relative` below `root`. `shown` is its path for messages. Blocks.
pub(super) fn read(root: &Root, relative: &Path, shown: &str, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let name: Arc<str> = shown.into();
    let bytes = match root.read(relative) {
        Ok(bytes) => bytes,
        Err(e) => {
            problems.push(Problem::error(name, format!("failed to read file: {e}")));
            return Vec::new();
        }
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            let line = e.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() as u32 + 1;
            let p = Problem::error(name, "the file is not UTF-8 text").at(Pos { line, column: 0 });
            problems.push(p.help("save it as UTF-8"));
            return Vec::new();
        }
    };
    let is_json = relative.extension().is_some_and(|e| e == "json");
    let document = match yaml::parse(&text) {
        // JSON that YAML does not take (surrogate escapes) has no places, but values.
        Err(e) => match is_json.then(|| serde_json::from_str::<serde_json::Value>(&text)) {
            Some(Ok(json)) => yaml::Document { root: Some(from_json(json)), second: None },
            _ => {
                problems.push(Problem::syntax(name, &text, &e));
                return Vec::new();
            }
        },
        Ok(document) => document,
    };
    let dir = relative.parent().unwrap_or(Path::new(""));
    let mut file = File { root, dir, name, text: &text, problems, failed: false };
    let Some(node) = document.root else { return Vec::new() };
    let entries = file.document(node, document.second);
    if file.failed { Vec::new() } else { entries }
}

struct File<'a> {
    root: &'a Root,
    /// The file's directory, relative to the root.
    dir: &'a Path,
    name: Arc<str>,
    text: &'a str,
    problems: &'a mut Vec<Problem>,
    /// An error was found, so the file is skipped.
    failed: bool,
}

/// What is gathered while a value is converted.
#[derive(Default)]
struct Fields(Vec<FieldOrigin>);

/// A converted `meta`.
#[derive(Default)]
struct Meta {
    values: Map,
    fields: Fields,
}

impl Fields {
    fn push(&mut self, path: String, pos: Pos, file: Option<Arc<str>>) {
        if self.0.len() < MAX_FIELDS || file.is_some() {
            self.0.push(FieldOrigin { path: path.into(), line: pos.line, column: pos.column, file });
        }
    }
}

impl File<'_> {
    fn error(&mut self, pos: Pos, message: impl Into<String>) -> &mut Problem {
        self.failed = true;
        self.problems.push(Problem::error(self.name.clone(), message).at(pos).showing(self.text));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
    fn warn(&mut self, pos: Pos, message: impl Into<String>) -> &mut Problem {
        self.problems.push(Problem::warning(self.name.clone(), message).at(pos).showing(self.text));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    fn document(&mut self, root: Node, second: Option<Pos>) -> Vec<Entry> {
        let pos = root.pos;
        let NodeValue::Map(mut members) = root.value else { return Vec::new() };
        let Some(ns) = self.namespace(&members) else { return Vec::new() };
        if let Some(second) = second {
            let message = "only the first document of a file is read";
            self.warn(second, message).help = Some("put the other document into a file of its own".into());
        }
        let file_meta = members.shift_remove("meta").map(|meta| self.meta(meta)).unwrap_or_default();
        if let Some(entries) = members.get("entries") {
            let items = match &entries.node.value {
                NodeValue::List(_) => true,
                NodeValue::Scalar(Scalar::Null) => false,
                _ => {
                    let (pos, found) = (entries.node.pos, entries.node.type_name());
                    self.error(pos, format!("entries must be a list, found {found}"));
                    return Vec::new();
                }
            };
            self.suggest(&members, &["version", "namespace", "meta", "entries"], "");
            let Some(entries) = members.shift_remove("entries").filter(|_| items) else { return Vec::new() };
            let NodeValue::List(items) = entries.node.value else { return Vec::new() };
            return items.into_iter().filter_map(|item| self.entry(&ns, item, &file_meta)).collect();
        }
        if !members.contains_key("name") && !members.contains_key("kind") {
            let meant = members.keys().find(|k| nearest(k, ["entries", "name", "kind"]).is_some()).cloned();
            let at = meant.as_ref().and_then(|m| members.get(m)).map_or(pos, |m| m.key);
            let p = self.error(at, "either entries array or single entry (name/kind) must be provided");
            p.help =
                meant.and_then(|m| nearest(&m, ["entries", "name", "kind"]).map(|n| format!("did you mean `{n}`?")));
            return Vec::new();
        }
        for key in ["namespace", "version", "requirements"] {
            members.shift_remove(key);
        }
        self.build(&ns, members, pos, &file_meta, true).into_iter().collect()
    }

    /// The file's namespace; without one the file is none of ours.
    fn namespace(&mut self, members: &NodeMap) -> Option<String> {
        let Some(member) = members.get("namespace").filter(|m| !m.node.is_null()) else {
            if members.contains_key("entries") || members.contains_key("kind") {
                let meant = members.iter().find(|(k, _)| nearest(k, ["namespace"]).is_some());
                if let Some((key, member)) = meant {
                    let message = format!("unknown field `{key}`; a file without a namespace is ignored");
                    self.warn(member.key, message).help = Some("did you mean `namespace`?".into());
                }
            }
            return None;
        };
        let Some(text) = member.node.as_str() else {
            let message = format!("namespace must be a string, found {}", member.node.type_name());
            self.error(member.node.pos, message).help = Some("write it in quotes".into());
            return None;
        };
        if text.contains(':') {
            self.error(member.node.pos, format!("namespace \"{text}\" cannot contain `:`"));
            return None;
        }
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    /// One item of `entries`.
    fn entry(&mut self, ns: &str, item: Node, file_meta: &Meta) -> Option<Entry> {
        let (pos, found) = (item.pos, item.type_name());
        let NodeValue::Map(members) = item.value else {
            self.error(pos, format!("an entry must be a map, found {found}"));
            return None;
        };
        self.build(ns, members, pos, file_meta, false)
    }

    /// `single` is the single-entry form: the file's meta is the entry's, and a key
    /// `data` is an ordinary field.
    fn build(&mut self, ns: &str, mut members: NodeMap, pos: Pos, file_meta: &Meta, single: bool) -> Option<Entry> {
        let before = self.problems.len();
        let mut fields = Fields::default();
        let name = self.required(&mut members, "name", pos, &mut fields);
        let kind = self.required(&mut members, "kind", pos, &mut fields);
        let own = members.shift_remove("meta").map(|meta| self.meta(meta)).unwrap_or_default();
        let mut meta = file_meta.values.clone();
        let replaced = |path: &str| path.split('.').nth(1).is_some_and(|key| own.values.contains_key(key));
        fields.0.extend(file_meta.fields.0.iter().filter(|f| !replaced(&f.path)).cloned());
        fields.0.extend(own.fields.0);
        meta.extend(own.values);
        let data = match members.shift_remove("data").filter(|_| !single) {
            Some(data) => {
                for (key, member) in &members {
                    let message = format!("field `{key}` is dropped because the entry has `data`");
                    self.warn(member.key, message).help = Some("move it into `data`".into());
                }
                self.value(data.node, data.key, String::new(), &mut fields)
            }
            None => self.value(Node { pos, value: NodeValue::Map(members) }, pos, String::new(), &mut fields),
        };
        let id = EntryId::new(ns, name.as_deref().unwrap_or("?"));
        if name.is_some() {
            self.problems[before..].iter_mut().for_each(|p| p.entry = Some(id.clone()));
        }
        let (Some(_), Some(kind), Some(data)) = (name, kind, data) else { return None };
        let origin = Origin { file: self.name.clone(), line: pos.line, fields: fields.0.into() };
        Some(Entry { id, kind, meta, data, origin: Some(origin) })
    }

    fn required(&mut self, members: &mut NodeMap, key: &str, pos: Pos, fields: &mut Fields) -> Option<String> {
        let message = format!("{key} is required and must be a non-empty string");
        let Some(member) = members.shift_remove(key) else {
            let meant = members.iter().find(|(k, _)| nearest(k, [key]).is_some()).map(|(k, m)| (k.clone(), m.key));
            let p = self.error(meant.as_ref().map_or(pos, |(_, at)| *at), message);
            p.help = meant.map(|(k, _)| format!("`{k}` is probably meant to be `{key}`"));
            return None;
        };
        match member.node.as_str().filter(|s| !s.trim().is_empty()) {
            Some(text) => {
                fields.push(key.to_owned(), member.node.pos, None);
                Some(text.to_owned())
            }
            None => {
                let found = member.node.type_name();
                let p = self.error(member.node.pos, message);
                p.field = Some(key.to_owned());
                p.help = (found != "string" && found != "null").then(|| format!("found {found}; write it in quotes"));
                None
            }
        }
    }

    /// The values of a `meta` map; what is not a map counts as absent.
    fn meta(&mut self, meta: Member) -> Meta {
        let (pos, found) = (meta.node.pos, meta.node.type_name());
        let mut out = Meta::default();
        match meta.node.value {
            NodeValue::Map(members) => {
                for (key, member) in members {
                    if !member.text_key {
                        self.error(member.key, format!("key {key} is not text; write it in quotes: \"{key}\""));
                    } else if let Some(v) = self.value(member.node, member.key, format!("meta.{key}"), &mut out.fields)
                    {
                        out.values.insert(key, v);
                    }
                }
            }
            NodeValue::Scalar(Scalar::Null) => {}
            _ => self.warn(pos, format!("must be a map, found {found}; it is ignored")).field = Some("meta".into()),
        }
        out
    }

    /// Converts a value, replacing `file://` references and noting places.
    fn value(&mut self, node: Node, key: Pos, path: String, fields: &mut Fields) -> Option<Value> {
        let pos = node.pos;
        let join = |part: &str| if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") };
        match node.value {
            NodeValue::List(items) => {
                fields.push(path.clone(), key, None);
                let items: Vec<_> = (items.into_iter().enumerate())
                    .map(|(i, item)| {
                        let at = item.pos;
                        self.value(item, at, join(&i.to_string()), fields)
                    })
                    .collect();
                items.into_iter().collect::<Option<_>>().map(Value::List)
            }
            NodeValue::Map(members) => {
                if !path.is_empty() {
                    fields.push(path.clone(), key, None);
                }
                let mut map = Map::with_capacity(members.len());
                let mut whole = true;
                for (name, member) in members {
                    if !member.text_key {
                        self.error(member.key, format!("key {name} is not text; write it in quotes: \"{name}\""));
                        whole = false;
                        continue;
                    }
                    match self.value(member.node, member.key, join(&name), fields) {
                        Some(value) => _ = map.insert(name, value),
                        None => whole = false,
                    }
                }
                whole.then_some(Value::Map(map))
            }
            NodeValue::Scalar(Scalar::Str(text)) => match text.strip_prefix("file://") {
                Some(reference) => self.inline(reference, pos, path, fields).map(Value::Str),
                None => {
                    fields.push(path, pos, None);
                    Some(Value::Str(text))
                }
            },
            NodeValue::Scalar(_) => match node.into_value(Typing::Json) {
                Ok(value) => {
                    fields.push(path, pos, None);
                    Some(value)
                }
                Err(e) => {
                    self.error(e.pos, e.message).field = Some(path);
                    None
                }
            },
        }
    }

    fn inline(&mut self, reference: &str, pos: Pos, path: String, fields: &mut Fields) -> Option<String> {
        let (relative, bytes) = match self.root.inline(reference, self.dir) {
            Ok(found) => found,
            Err(e) => {
                self.error(pos, e.to_string()).field = Some(path);
                return None;
            }
        };
        let file: Arc<str> = super::loader::shown(&self.root.path().join(relative)).into();
        let text = match String::from_utf8_lossy(&bytes) {
            Cow::Borrowed(_) => String::from_utf8(bytes).unwrap_or_default(),
            Cow::Owned(replaced) => {
                let message = format!("{file} is not UTF-8 text; the bytes that are not were replaced");
                self.warn(pos, message).field = Some(path.clone());
                replaced
            }
        };
        fields.push(path, pos, Some(file));
        Some(text)
    }

    /// Warns about fields that resemble a known one.
    fn suggest(&mut self, members: &NodeMap, known: &[&str], prefix: &str) {
        let strange = members.iter().filter(|(key, _)| !known.contains(&key.as_str()));
        let found: Vec<_> = strange
            .filter_map(|(key, m)| {
                Some((m.key, format!("{prefix}{key}"), nearest(key, known.iter().copied())?.to_owned()))
            })
            .collect();
        for (at, field, meant) in found {
            let p = self.warn(at, "unknown field is ignored");
            p.field = Some(field);
            p.help = Some(format!("did you mean `{meant}`?"));
        }
    }
}

fn from_json(json: serde_json::Value) -> Node {
    use serde_json::Value as Json;
    let pos = Pos::default();
    let value = match json {
        Json::Null => NodeValue::Scalar(Scalar::Null),
        Json::Bool(b) => NodeValue::Scalar(Scalar::Bool(b)),
        Json::Number(n) => NodeValue::Scalar(Scalar::Float(n.as_f64().unwrap_or(f64::NAN))),
        Json::String(s) => NodeValue::Scalar(Scalar::Str(s)),
        Json::Array(items) => NodeValue::List(items.into_iter().map(from_json).collect()),
        Json::Object(members) => NodeValue::Map(
            members.into_iter().map(|(k, v)| (k, Member { key: pos, text_key: true, node: from_json(v) })).collect(),
        ),
    };
    Node { pos, value }
}
