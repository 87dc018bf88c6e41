//! A set of policies, made once and never changed, and compiled when it is made.
//!
//! Two levels of [`Index`]: by action, then by resource. What policies without
//! a guard say is summed up beforehand; a check looks texts up, and runs only
//! the guards of policies whose patterns match.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::BitOrAssign;
use std::sync::Arc;

use smallvec::SmallVec;

use super::Check;
use super::policy::{Effect, Outcome, Pattern, Policy};
use crate::registry::EntryId;

/// The policies an actor's requests are judged by. Deny wins over allow; where no policy applies the outcome is
/// undefined. It keeps the policies it was made of, whatever becomes of their entries.
pub struct Scope {
    /// By id, each once.
    policies: Box<[Arc<Policy>]>,
    actions: Index<Resources>,
    /// For the hottest action: [`Scope::by_action`] of `process.send`.
    send: Option<Outcome>,
    reads_attributes: bool,
}

impl Scope {
    /// Of several policies with one id the last counts.
    pub fn new(policies: impl IntoIterator<Item = Arc<Policy>>) -> Scope {
        let by_id: BTreeMap<EntryId, Arc<Policy>> = policies.into_iter().map(|p| (p.id.clone(), p)).collect();
        let policies: Box<[Arc<Policy>]> = by_id.into_values().collect();
        let reads_attributes = policies.iter().any(|p| p.guard.reads_attributes());
        let all: Vec<u32> = (0..policies.len() as u32).collect();
        let patterns = |i: u32| policies[i as usize].actions.patterns();
        let actions = Index::new(&all, &patterns, &|of| Resources::new(of, &policies));
        let mut scope = Scope { actions, policies: Box::default(), send: None, reads_attributes };
        scope.send = scope.sum_up(SEND);
        scope.policies = policies;
        scope
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

    /// What it says about an action, if that is the same for all resources and attributes.
    #[inline]
    pub fn by_action(&self, action: &str) -> Option<Outcome> {
        if action == SEND { self.send } else { self.sum_up(action) }
    }
    fn sum_up(&self, action: &str) -> Option<Outcome> {
        let (mut any, mut other) = (Says::default(), Says::default());
        for resources in self.actions.of(action) {
            any |= resources.any;
            other |= resources.other;
        }
        match (any, other) {
            (Says { deny: true, .. }, _) => Some(Outcome::Deny),
            (_, Says { deny: true, .. }) => None,
            (Says { allow: true, .. }, _) => Some(Outcome::Allow),
            (_, Says { allow: true, .. }) => None,
            _ => Some(Outcome::Undefined),
        }
    }
    pub fn evaluate(&self, check: &Check<'_>) -> Outcome {
        let mut found = Says::default();
        let mut guarded: SmallVec<[&[u32]; 8]> = SmallVec::new();
        for resources in self.actions.of(check.action) {
            found |= resources.any;
            for verdict in resources.index.of(check.resource) {
                found |= verdict.says;
                if !verdict.guarded.is_empty() {
                    guarded.push(&verdict.guarded);
                }
            }
        }
        if found.deny {
            return Outcome::Deny;
        }
        for policy in guarded.iter().flat_map(|g| g.iter()).map(|&i| &self.policies[i as usize]) {
            match policy.effect {
                Effect::Deny if policy.guard.holds(check) => return Outcome::Deny,
                Effect::Allow if !found.allow => found.allow = policy.guard.holds(check),
                _ => {}
            }
        }
        if found.allow { Outcome::Allow } else { Outcome::Undefined }
    }
}

impl Default for Scope {
    fn default() -> Scope {
        Scope::new([])
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

const SEND: &str = "process.send";

/// What some policies say together.
#[derive(Clone, Copy, Default)]
struct Says {
    allow: bool,
    deny: bool,
}

impl From<Effect> for Says {
    fn from(effect: Effect) -> Says {
        Says { allow: effect == Effect::Allow, deny: effect == Effect::Deny }
    }
}

impl BitOrAssign for Says {
    fn bitor_assign(&mut self, other: Says) {
        self.allow |= other.allow;
        self.deny |= other.deny;
    }
}

/// The policies that one action pattern brings, by resource.
#[derive(Default)]
struct Resources {
    /// What those without a guard say about every resource.
    any: Says,
    /// What the others may say.
    other: Says,
    index: Index<Verdict>,
}

/// The policies that one resource pattern brings.
#[derive(Default)]
struct Verdict {
    says: Says,
    guarded: Box<[u32]>,
}

impl Resources {
    fn new(of: &[u32], policies: &[Arc<Policy>]) -> Resources {
        let policy = |i: u32| &*policies[i as usize];
        let is_simple = |i: &u32| !policy(*i).is_guarded() && policy(*i).resources.matches_all();
        let (simple, others): (Vec<u32>, Vec<u32>) = of.iter().copied().partition(is_simple);
        let sum = |of: &[u32]| {
            let mut says = Says::default();
            of.iter().for_each(|&i| says |= policy(i).effect.into());
            says
        };
        let verdict = |of: &[u32]| {
            let (guarded, plain): (Vec<u32>, Vec<u32>) = of.iter().copied().partition(|&i| policy(i).is_guarded());
            Verdict { says: sum(&plain), guarded: guarded.into() }
        };
        let index = Index::new(&others, &|i| policy(i).resources.patterns(), &verdict);
        Resources { any: sum(&simple), other: sum(&others), index }
    }
}

/// Patterns in order, each with what it brings. All texts that begin a given one form a chain: the nearest before it
/// in the order, and from there each one's `shorter`.
struct Index<T>(Box<[Node<T>]>);

struct Node<T> {
    text: Box<str>,
    /// Of this text as a pattern, and of this text followed by `*`.
    exact: Option<T>,
    prefix: Option<T>,
    /// The longest other text that this one begins with.
    shorter: Option<u32>,
}

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index(Box::default())
    }
}

impl<T> Index<T> {
    /// Of `policies` by their `patterns`; `bring` makes what some of them bring together.
    fn new<'p>(policies: &[u32], patterns: &dyn Fn(u32) -> &'p [Pattern], bring: &dyn Fn(&[u32]) -> T) -> Index<T> {
        let mut texts: BTreeMap<&str, (Vec<u32>, Vec<u32>)> = BTreeMap::new();
        for &policy in policies {
            for pattern in patterns(policy) {
                let list = match pattern {
                    Pattern::Exact(text) => &mut texts.entry(text).or_default().0,
                    Pattern::Prefix(text) => &mut texts.entry(text).or_default().1,
                };
                if list.last() != Some(&policy) {
                    list.push(policy);
                }
            }
        }
        let mut nodes: Vec<Node<T>> = Vec::with_capacity(texts.len());
        for (text, (exact, prefix)) in texts {
            let mut shorter = nodes.len().checked_sub(1);
            while let Some(at) = shorter
                && !text.starts_with(&*nodes[at].text)
            {
                shorter = nodes[at].shorter.map(|s| s as usize);
            }
            let bring = |list: Vec<u32>| (!list.is_empty()).then(|| bring(&list));
            let (exact, prefix) = (bring(exact), bring(prefix));
            nodes.push(Node { text: text.into(), exact, prefix, shorter: shorter.map(|s| s as u32) });
        }
        Index(nodes.into())
    }

    /// What the patterns that match a text bring.
    #[inline]
    fn of<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a T> + 'a {
        let nearest = self.0.partition_point(|n| *n.text <= *text).checked_sub(1);
        let chain = std::iter::successors(nearest, |&at| self.0[at].shorter.map(|s| s as usize)).map(|at| &self.0[at]);
        chain.filter(move |n| text.starts_with(&*n.text)).flat_map(move |n| {
            let exact = if n.text.len() == text.len() { n.exact.as_ref() } else { None };
            exact.into_iter().chain(&n.prefix)
        })
    }
}
