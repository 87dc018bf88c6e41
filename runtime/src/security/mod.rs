//! Who may do what.
//!
//! A [`Policy`] answers allow, deny or nothing for an action on a resource; a
//! [`Scope`] is an immutable set of them. Code runs on behalf of an actor and
//! within a scope, both part of its frame, and the gate asks [`Policies`] for
//! every request. Scopes hold their policies and are indexed by action, so a
//! check reads nothing that can change and takes no lock.
//!
//! `policy`, `condition`, `expression` and `scope` are pure; `decode` reads entries, `engine`
//! keeps what is registered, `commands` is what programs may ask, `audit` writes
//! down what was refused. `tokens` are texts that stand for actor and scope.

mod audit;
pub mod commands;
mod condition;
mod decode;
mod engine;
mod entries;
mod expression;
mod policy;
mod scope;
mod tokens;

use std::sync::Arc;

use crate::payload::Map;
use crate::process::{Actor, Inherited};
use crate::registry::EntryId;

pub use audit::{Audit, Denial, Denials};
pub use engine::{Engine, SecurityComponent};
pub use policy::{Effect, Filter, Outcome, Policy};
pub use scope::Scope;
pub use tokens::{Expiration, TokenStore};

/// One question to the policy engine.
pub struct Ask<'a> {
    pub on_behalf: &'a Inherited,
    pub action: &'a str,
    pub resource: &'a str,
    /// More about the request, such as the caller's pid.
    pub attributes: &'a Map,
}

/// What policies see of a request.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    pub actor: &'a Actor,
    pub action: &'a str,
    pub resource: &'a str,
    pub attributes: &'a Map,
}

/// Decides. Called on hot paths: must not block.
pub trait Policies: Send + Sync {
    fn allows(&self, ask: &Ask<'_>) -> bool;
    /// The decision on an action, if it is the same for all resources and attributes.
    fn by_action(&self, on_behalf: &Inherited, action: &str) -> Option<bool> {
        let _ = (on_behalf, action);
        None
    }
    /// False while every request of everybody is allowed; nobody needs to ask then.
    fn may_refuse(&self) -> bool {
        true
    }
    /// The scope made of `policies` and all policies of `groups`. Ids that name nothing are left out; `None` if
    /// nothing is left, as for an engine that knows no policies.
    fn scope(&self, policies: &[EntryId], groups: &[EntryId]) -> Option<Arc<Scope>> {
        let _ = (policies, groups);
        None
    }
}

/// Allows everything.
pub struct AllowAll;

impl Policies for AllowAll {
    fn allows(&self, _: &Ask<'_>) -> bool {
        true
    }
    fn may_refuse(&self) -> bool {
        false
    }
}
