//! A set of policies, made once and never changed, with an index by action.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::Check;
use super::policy::{Effect, Outcome, Pattern, Policy};
use crate::registry::EntryId;

/// The policies an actor's requests are judged by. Deny wins over allow; where no policy applies the outcome is
/// undefined. It keeps the policies it was made of, whatever becomes of their entries.
#[derive(Default)]
pub struct Scope {
    /// By id, each once.
    policies: Box<[Arc<Policy>]>,
    index: Index,
    reads_attributes: bool,
}

impl Scope {
    /// Of several policies with one id the last counts.
    pub fn new(policies: impl IntoIterator<Item = Arc<Policy>>) -> Scope {
        let by_id: BTreeMap<EntryId, Arc<Policy>> = policies.into_iter().map(|p| (p.id.clone(), p)).collect();
        let policies: Box<[Arc<Policy>]> = by_id.into_values().collect();
        let reads_attributes = policies.iter().any(|p| p.guard.reads_attributes());
        Scope { index: Index::new(&policies), policies, reads_attributes }
    }
    /// The policies in the order of their ids.
    pub fn policies(&self) -> &[Arc<Policy>] {
        &self.policies
    }
    pub fn contains(&self, id: &EntryId) -> bool {
        self.policies.binary_search_by(|p| p.id.cmp(id)).is_ok()
    }
    /// A scope with one policy more, which replaces one with its id.
    pub fn with(&self, policy: Arc<Policy>) -> Scope {
        Scope::new(self.policies.iter().cloned().chain([policy]))
    }
    /// A scope without the policy `id`, if it is there.
    pub fn without(&self, id: &EntryId) -> Scope {
        Scope::new(self.policies.iter().filter(|p| p.id != *id).cloned())
    }
    /// Whether the attributes of a check can make a difference.
    pub fn reads_attributes(&self) -> bool {
        self.reads_attributes
    }

    pub fn evaluate(&self, check: &Check<'_>) -> Outcome {
        let mut outcome = Outcome::Undefined;
        for found in self.index.of(check.action) {
            let policy = &self.policies[found as usize];
            if outcome == Outcome::Allow && policy.effect == Effect::Allow {
                continue;
            }
            match policy.evaluate_action(check) {
                Outcome::Deny => return Outcome::Deny,
                Outcome::Allow => outcome = Outcome::Allow,
                Outcome::Undefined => {}
            }
        }
        outcome
    }
}

/// Two scopes are equal if they hold the very same policies.
impl PartialEq for Scope {
    fn eq(&self, other: &Scope) -> bool {
        self.policies.len() == other.policies.len()
            && self.policies.iter().zip(&other.policies).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.policies.iter().map(|p| &p.id)).finish()
    }
}

/// The action patterns of a scope in order. All texts that begin a given one form a chain: the nearest before it in
/// the order, and from there each one's `shorter`.
#[derive(Default)]
struct Index(Box<[Node]>);

struct Node {
    text: Box<str>,
    /// Policies with this text as a pattern, and with this text followed by `*`.
    exact: Box<[u32]>,
    prefix: Box<[u32]>,
    /// The longest other text that this one begins with.
    shorter: Option<u32>,
}

impl Index {
    fn new(policies: &[Arc<Policy>]) -> Index {
        let mut texts: BTreeMap<&str, (BTreeSet<u32>, BTreeSet<u32>)> = BTreeMap::new();
        for (i, policy) in policies.iter().enumerate() {
            for pattern in policy.actions.patterns() {
                match pattern {
                    Pattern::Exact(text) => texts.entry(text).or_default().0.insert(i as u32),
                    Pattern::Prefix(text) => texts.entry(text).or_default().1.insert(i as u32),
                };
            }
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(texts.len());
        for (text, (exact, prefix)) in texts {
            let mut shorter = nodes.len().checked_sub(1);
            while let Some(at) = shorter
                && !text.starts_with(&*nodes[at].text)
            {
                shorter = nodes[at].shorter.map(|s| s as usize);
            }
            let (exact, prefix) = (exact.into_iter().collect(), prefix.into_iter().collect());
            nodes.push(Node { text: text.into(), exact, prefix, shorter: shorter.map(|s| s as u32) });
        }
        Index(nodes.into())
    }

    /// The policies whose actions match; one may come twice.
    fn of<'a>(&'a self, action: &'a str) -> impl Iterator<Item = u32> + 'a {
        let nearest = self.0.partition_point(|n| *n.text <= *action).checked_sub(1);
        let chain = std::iter::successors(nearest, |&at| self.0[at].shorter.map(|s| s as usize)).map(|at| &self.0[at]);
        chain.filter(move |n| action.starts_with(&*n.text)).flat_map(move |n| {
            let exact: &[u32] = if n.text.len() == action.len() { &n.exact } else { &[] };
            exact.iter().chain(&*n.prefix).copied()
        })
    }
}
