//! One policy: which actions on which resources, under which conditions, and
//! what it says then. Pure and immutable.

use super::Check;
use super::condition::Condition;
use super::expression::Expression;
use crate::registry::EntryId;

/// What a policy says when everything matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// What a policy or a scope says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Allow,
    Deny,
    /// Nothing applies.
    Undefined,
}

impl Outcome {
    /// `allow`, `deny` or `undefined`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Allow => "allow",
            Outcome::Deny => "deny",
            Outcome::Undefined => "undefined",
        }
    }
}

/// A pattern for actions or resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Exact(Box<str>),
    /// `*`, `prefix*`, and `prefix.*`, whose dot is no part of the prefix.
    Prefix(Box<str>),
}

impl Pattern {
    fn parse(text: &str) -> Pattern {
        match text {
            "*" => return Pattern::Prefix("".into()),
            // As short as this the dot stays: `.*` is everything that begins with a dot.
            _ if text.len() > 2 && text.ends_with(".*") => return Pattern::Prefix(text[..text.len() - 2].into()),
            _ => {}
        }
        match text.strip_suffix('*') {
            Some(prefix) => Pattern::Prefix(prefix.into()),
            None => Pattern::Exact(text.into()),
        }
    }
    fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Exact(exact) => **exact == *text,
            Pattern::Prefix(prefix) => text.starts_with(&**prefix),
        }
    }
}

/// Matches if one of its patterns does: `*`, `prefix*`, `prefix.*`, or the exact text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Box<[Pattern]>);

impl Filter {
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Filter {
        Filter(patterns.into_iter().map(Pattern::parse).collect())
    }
    pub fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|p| p.matches(text))
    }
    /// Whether nothing can fail to match.
    pub(super) fn matches_all(&self) -> bool {
        self.0.iter().any(|p| matches!(p, Pattern::Prefix(prefix) if prefix.is_empty()))
    }
    pub(super) fn patterns(&self) -> &[Pattern] {
        &self.0
    }
}

/// What must hold besides action and resource.
#[derive(Debug)]
pub(super) enum Guard {
    /// All of them; nothing if there are none.
    Conditions(Box<[Condition]>),
    Expression(Box<Expression>),
}

impl Guard {
    pub(super) fn holds(&self, check: &Check<'_>) -> bool {
        match self {
            Guard::Conditions(all) => all.iter().all(|c| c.holds(check)),
            Guard::Expression(expression) => expression.holds(check),
        }
    }
    pub(super) fn reads_attributes(&self) -> bool {
        match self {
            Guard::Conditions(all) => all.iter().any(Condition::reads_attributes),
            Guard::Expression(expression) => expression.reads_attributes(),
        }
    }
}

/// See the module comment.
#[derive(Debug)]
pub struct Policy {
    pub id: EntryId,
    pub(super) actions: Filter,
    pub(super) resources: Filter,
    pub(super) guard: Guard,
    pub(super) effect: Effect,
}

impl Policy {
    /// A policy without a guard.
    pub fn new(id: EntryId, actions: Filter, resources: Filter, effect: Effect) -> Policy {
        Policy { id, actions, resources, guard: Guard::Conditions(Box::default()), effect }
    }
    /// Whether more than action and resource decides.
    pub(super) fn is_guarded(&self) -> bool {
        !matches!(&self.guard, Guard::Conditions(all) if all.is_empty())
    }
    pub fn evaluate(&self, check: &Check<'_>) -> Outcome {
        let matches = self.actions.matches(check.action) && self.resources.matches(check.resource);
        match (matches && self.guard.holds(check), self.effect) {
            (false, _) => Outcome::Undefined,
            (true, Effect::Allow) => Outcome::Allow,
            (true, Effect::Deny) => Outcome::Deny,
        }
    }
}
