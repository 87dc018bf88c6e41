//! YAML: the only module that knows a YAML library.
//!
//! Reading goes through `saphyr-parser`, because every message about a user's
//! file needs a line and a column; [`parse`] gives a tree of [`Node`]s that know
//! their place. Writing for people goes through `serde_yaml` ([`to_string`]),
//! writing with the exact layout of the reference through [`encode`]. Neither
//! library shows in the signatures, so either can be replaced here alone.
//!
//! Nothing here knows files, entries or configuration.

mod emit;
mod parse;
mod scalar;

use indexmap::IndexMap;

use crate::payload::{Map, Value};

pub use emit::{Layout, encode, to_string};
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_EXPANSION, parse};
pub use scalar::{Scalar, Timestamp};

/// A place in a text. Both are 1-based; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Pos {
    pub line: u32,
    pub column: u32,
}

/// A text that is no acceptable YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub pos: Pos,
    pub message: String,
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.pos.line, self.message)
    }
}

/// What [`parse`] read: the first document of the text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Absent if the text holds nothing but comments and blanks.
    pub root: Option<Node>,
    /// Where a second document begins, which is not read.
    pub second: Option<Pos>,
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub pos: Pos,
    pub value: NodeValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(NodeMap),
}

/// Members in the order of the text; keys of other types are kept as written.
pub type NodeMap = IndexMap<String, Member>;

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Where the key stands.
    pub key: Pos,
    /// The key is text, not a number, a boolean or null.
    pub text_key: bool,
    pub node: Node,
}

/// How the types of YAML become [`Value`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Integers stay integers, timestamps become RFC 3339 text. For configuration.
    Exact,
    /// As if written to JSON and read back: every number is a float. For entries.
    Json,
    /// As guests see it: timestamps are Unix seconds, keys of any type become text,
    /// integers beyond 64 bits are an error.
    Guest,
}

impl Node {
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Scalar(Scalar::Str(s)) => Some(s),
            _ => None,
        }
    }
    pub fn as_map(&self) -> Option<&NodeMap> {
        match &self.value {
            NodeValue::Map(m) => Some(m),
            _ => None,
        }
    }
    pub fn is_null(&self) -> bool {
        matches!(self.value, NodeValue::Scalar(Scalar::Null))
    }
    /// The member `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        Some(&self.as_map()?.get(key)?.node)
    }
    /// The name of the type as users know it.
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            NodeValue::List(_) => "list",
            NodeValue::Map(_) => "map",
            NodeValue::Scalar(s) => s.type_name(),
        }
    }
    /// The value without places.
    pub fn into_value(self, typing: Typing) -> Result<Value, SyntaxError> {
        match self.value {
            NodeValue::Scalar(s) => s.into_value(typing).map_err(|message| SyntaxError { pos: self.pos, message }),
            NodeValue::List(items) => {
                let items: Result<_, _> = items.into_iter().map(|item| item.into_value(typing)).collect();
                Ok(Value::List(items?))
            }
            NodeValue::Map(members) => {
                let mut map = Map::with_capacity(members.len());
                for (key, member) in members {
                    if !member.text_key && typing != Typing::Guest {
                        return Err(SyntaxError {
                            pos: member.key,
                            message: format!("key {key} is not text; write it in quotes: \"{key}\""),
                        });
                    }
                    map.insert(key, member.node.into_value(typing)?);
                }
                Ok(Value::Map(map))
            }
        }
    }
}
