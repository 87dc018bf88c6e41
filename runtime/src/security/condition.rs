//! Conditions of policies: an operand, an operator, and what to compare with.
//!
//! A condition that cannot be computed, such as `lt` between texts, does not
//! hold, negated or not. A missing left operand holds for nothing but the two
//! questions about presence.

use std::borrow::Cow;

use regex::Regex;

use super::Check;
use crate::payload::{Map, Value};

/// What a path such as `actor.meta.team` stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Action,
    Resource,
    ActorId,
    ActorMeta,
    /// A path of keys inside the actor's meta.
    InMeta(Box<[Box<str>]>),
    /// A path of keys inside the attributes of the check.
    InAttributes(Box<[Box<str>]>),
    /// One attribute, whatever its name looks like.
    Attribute(Box<str>),
    /// Names nothing that could be.
    Wrong,
}

/// A value as conditions see it; absent values are not seen.
#[derive(Clone, Copy)]
enum Seen<'a> {
    Text(&'a str),
    Map(&'a Map),
    Other(&'a Value),
}

/// The operand names nothing that could be.
struct Wrong;

impl Operand {
    pub(super) fn parse(path: &str) -> Operand {
        let keys = |from: &[&str]| from.iter().map(|k| Box::from(*k)).collect();
        let parts: Vec<&str> = path.split('.').collect();
        match parts.as_slice() {
            ["action", ..] => Operand::Action,
            ["resource", ..] => Operand::Resource,
            ["actor", "id"] => Operand::ActorId,
            ["actor", "meta"] => Operand::ActorMeta,
            ["actor", "meta", inner @ ..] => Operand::InMeta(keys(inner)),
            ["actor", ..] | ["meta"] => Operand::Wrong,
            ["meta", inner @ ..] => Operand::InAttributes(keys(inner)),
            _ => Operand::Attribute(path.into()),
        }
    }

    fn resolve<'a>(&self, check: &Check<'a>) -> Result<Option<Seen<'a>>, Wrong> {
        let actor = match self {
            Operand::ActorId | Operand::ActorMeta | Operand::InMeta(_)
                if check.actor.id.is_empty() && check.actor.meta.is_empty() =>
            {
                return Err(Wrong);
            }
            _ => check.actor,
        };
        Ok(match self {
            Operand::Action => Some(Seen::Text(check.action)),
            Operand::Resource => Some(Seen::Text(check.resource)),
            Operand::ActorId => Some(Seen::Text(&actor.id)),
            Operand::ActorMeta => Some(Seen::Map(&actor.meta)),
            Operand::InMeta(keys) => inside(&actor.meta, keys).and_then(Seen::of),
            Operand::InAttributes(keys) => inside(check.attributes, keys).and_then(Seen::of),
            Operand::Attribute(key) => check.attributes.get(&**key).and_then(Seen::of),
            Operand::Wrong => return Err(Wrong),
        })
    }

    /// Whether it looks at the attributes of a check.
    fn reads_attributes(&self) -> bool {
        matches!(self, Operand::InAttributes(_) | Operand::Attribute(_))
    }
}

fn inside<'a>(map: &'a Map, keys: &[Box<str>]) -> Option<&'a Value> {
    let (last, outer) = keys.split_last()?;
    outer.iter().try_fold(map, |m, k| m.get(&**k)?.as_map())?.get(&**last)
}

impl<'a> Seen<'a> {
    fn of(value: &'a Value) -> Option<Seen<'a>> {
        match value {
            Value::Nil => None,
            Value::Str(text) => Some(Seen::Text(text)),
            Value::Map(map) => Some(Seen::Map(map)),
            other => Some(Seen::Other(other)),
        }
    }
    fn number(self) -> Option<f64> {
        match self {
            Seen::Text(text) => text.parse().ok(),
            Seen::Map(_) => None,
            Seen::Other(value) => value.as_float(),
        }
    }
    /// Lists and maps have no text.
    fn text(self) -> Option<Cow<'a, str>> {
        Some(match self {
            Seen::Text(text) => Cow::Borrowed(text),
            Seen::Other(Value::Int(n)) => n.to_string().into(),
            Seen::Other(Value::Float(f)) => f.to_string().into(),
            Seen::Other(Value::Bool(b)) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Seen::Other(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes),
            Seen::Other(_) | Seen::Map(_) => return None,
        })
    }
    fn list(self) -> Option<&'a [Value]> {
        match self {
            Seen::Other(value) => value.as_list(),
            _ => None,
        }
    }
    fn bool(self) -> Option<bool> {
        match self {
            Seen::Other(value) => value.as_bool(),
            _ => None,
        }
    }
    fn equals(self, other: Seen<'_>) -> bool {
        let identical = match (self, other) {
            (Seen::Text(a), Seen::Text(b)) => a == b,
            (Seen::Map(a), Seen::Map(b)) => a == b,
            (Seen::Other(a), Seen::Other(b)) => a == b,
            _ => false,
        };
        if identical {
            return true;
        }
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => a == b,
            _ => matches!((self.text(), other.text()), (Some(a), Some(b)) if a == b),
        }
    }
}

/// How the operands are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Less,
    Greater,
    In,
    Exists,
    Contains,
    Matches,
}

impl Operator {
    /// The operator and whether its answer is turned round, by name.
    pub(super) fn parse(name: &str) -> Option<(Operator, bool)> {
        Some(match name {
            "eq" => (Operator::Equal, false),
            "ne" => (Operator::Equal, true),
            "lt" => (Operator::Less, false),
            "gte" => (Operator::Less, true),
            "gt" => (Operator::Greater, false),
            "lte" => (Operator::Greater, true),
            "in" => (Operator::In, false),
            "nin" => (Operator::In, true),
            "exists" => (Operator::Exists, false),
            "nexists" => (Operator::Exists, true),
            "contains" => (Operator::Contains, false),
            "ncontains" => (Operator::Contains, true),
            "matches" => (Operator::Matches, false),
            "nmatches" => (Operator::Matches, true),
            _ => return None,
        })
    }
}

/// What the left operand is compared with.
#[derive(Clone, Debug)]
pub(super) enum Right {
    Value(Value),
    From(Operand),
    /// Only for [`Operator::Matches`].
    Pattern(Regex),
}

/// See the module comment.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub field: Operand,
    pub operator: Operator,
    pub negated: bool,
    pub right: Right,
}

impl Condition {
    pub(super) fn holds(&self, check: &Check<'_>) -> bool {
        self.answer(check) == Some(true)
    }

    pub(super) fn reads_attributes(&self) -> bool {
        self.field.reads_attributes() || matches!(&self.right, Right::From(from) if from.reads_attributes())
    }

    /// `None` if there is no answer.
    fn answer(&self, check: &Check<'_>) -> Option<bool> {
        let left = self.field.resolve(check).ok()?;
        let right = match &self.right {
            Right::Value(value) => Seen::of(value),
            Right::From(from) => from.resolve(check).ok()?,
            Right::Pattern(pattern) => {
                let found = pattern.is_match(&left?.text()?);
                return Some(found != self.negated);
            }
        };
        if self.operator == Operator::Exists {
            let wanted = right.and_then(Seen::bool);
            return Some(match (left, wanted, self.negated) {
                (Some(_), wanted, negated) => wanted.unwrap_or(true) != negated,
                (None, wanted, false) => !wanted?,
                (None, wanted, true) => wanted?,
            });
        }
        Some(self.compare(left?, right)? != self.negated)
    }

    fn compare(&self, left: Seen<'_>, right: Option<Seen<'_>>) -> Option<bool> {
        match self.operator {
            Operator::Equal => Some(right.is_some_and(|r| left.equals(r))),
            // A comparison with what is no number at all, NaN, has no answer that could be turned round.
            Operator::Less => Some(left.number()?.partial_cmp(&right?.number()?)?.is_lt()),
            Operator::Greater => Some(left.number()?.partial_cmp(&right?.number()?)?.is_gt()),
            Operator::In => match right? {
                Seen::Text(_) => Some(left.equals(right?)),
                list => Some(member(list.list()?, left)),
            },
            Operator::Contains => match left.list() {
                Some(list) => Some(right.is_some_and(|r| member(list, r))),
                None => Some(left.text()?.contains(&*right?.text()?)),
            },
            // Their pattern is compiled with the policy, and must be written there.
            Operator::Matches | Operator::Exists => None,
        }
    }
}

fn member(list: &[Value], wanted: Seen<'_>) -> bool {
    list.iter().filter_map(Seen::of).any(|item| item.equals(wanted))
}
