//! What programs may ask of the security model, with its permissions.
//!
//! Denials have the kinds of the reference, Invalid for lookups; where it lets
//! programs raise, the kind here is PermissionDenied.

use std::sync::Arc;

use super::engine::{Engine, not_found};
use super::{Policy, Scope};
use crate::dispatch::{DispatcherBuilder, Gate, Request};
use crate::error::{Error, Result};
use crate::payload::Map;
use crate::process::Actor;
use crate::registry::{EntryId, Registry};

macro_rules! request {
    ($request:ty, $name:literal => $reply:ty, $authorize:expr) => {
        impl Request for $request {
            const NAME: &'static str = $name;
            const CAPABILITY: &'static str = "security";
            type Reply = $reply;
            fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
                let authorize: fn(&$request, &Gate<'_>) -> Result<()> = $authorize;
                authorize(self, gate)
            }
        }
    };
}

/// The policy with an id. Errors: Internal `policy not found`.
pub struct GetPolicy(pub EntryId);
request!(GetPolicy, "security.policy.get" => Arc<Policy>, |r, gate| {
    let denied = || Error::invalid("permission denied: access policy");
    gate.require("security.policy.get", r.0.as_str(), denied)
});

/// The policies of a group. Errors: Internal `policy group not found`.
pub struct GetGroup(pub EntryId);
request!(GetGroup, "security.policy_group.get" => Arc<Scope>, |r, gate| {
    let denied = || Error::invalid("permission denied: access policy group");
    gate.require("security.policy_group.get", r.0.as_str(), denied)
});

/// A scope of any policies.
pub struct NewScope(pub Vec<Arc<Policy>>);
request!(NewScope, "security.scope.create" => Arc<Scope>, |_, gate| {
    let denied = || Error::permission_denied("not allowed to create custom scopes");
    gate.require("security.scope.create", "custom", denied)
});

/// A scope with one policy more.
pub struct WithPolicy(pub Arc<Scope>, pub Arc<Policy>);
request!(WithPolicy, "security.scope.with" => Arc<Scope>, |_, gate| {
    let denied = || Error::permission_denied("not allowed to add policy to scope");
    gate.require("security.scope.create", "with", denied)
});

/// A scope without a policy.
pub struct WithoutPolicy(pub Arc<Scope>, pub EntryId);
request!(WithoutPolicy, "security.scope.without" => Arc<Scope>, |_, gate| {
    let denied = || Error::permission_denied("not allowed to remove policy from scope");
    gate.require("security.scope.create", "without", denied)
});

/// An actor of any name.
pub struct NewActor {
    pub id: String,
    pub meta: Map,
}
request!(NewActor, "security.actor.create" => Arc<Actor>, |r, gate| {
    let denied = || Error::permission_denied(format!("not allowed to create actor with ID: {}", r.id));
    gate.require("security.actor.create", &r.id, denied)
});

/// What a token store would be. This build has none.
#[derive(Debug)]
pub enum TokenStore {}

/// Errors: Internal `resource not found`, `resource is not a token store`.
pub struct GetTokenStore(pub EntryId);
request!(GetTokenStore, "security.token_store.get" => TokenStore, |r, gate| {
    let denied = || Error::permission_denied(format!("not allowed to access token store: {}", r.0));
    gate.require("security.token_store.get", r.0.as_str(), denied)
});

pub(super) fn register(commands: &mut DispatcherBuilder, engine: &Arc<Engine>, registry: &Registry) {
    let e = engine.clone();
    commands.sync(move |_, r: GetPolicy| e.policy(&r.0).ok_or_else(|| not_found("policy")));
    let e = engine.clone();
    commands.sync(move |_, r: GetGroup| e.group(&r.0).ok_or_else(|| not_found("policy group")));
    let e = engine.clone();
    commands.sync(move |_, r: NewScope| Ok(e.issue(r.0)));
    commands.sync(|_, r: WithPolicy| Ok(Arc::new(r.0.with(r.1))));
    commands.sync(|_, r: WithoutPolicy| Ok(Arc::new(r.0.without(&r.1))));
    commands.sync(|_, r: NewActor| Ok(Arc::new(Actor { id: r.id, meta: r.meta })));
    let registry = registry.clone();
    commands.sync(move |_, r: GetTokenStore| match registry.get(&r.0) {
        Some(_) => Err(Error::internal("resource is not a token store")),
        None => Err(not_found("resource")),
    });
}
