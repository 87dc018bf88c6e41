//! What programs may ask of the security model, with its permissions.
//!
//! Denials have the kinds of the reference, Invalid for lookups; where it lets
//! programs raise, the kind here is PermissionDenied.

use std::sync::Arc;

use super::engine::{Engine, not_found};
use super::{Expiration, Policy, Scope, TokenStore};
use crate::dispatch::{DispatcherBuilder, Gate, Permissions, Request};
use crate::error::{Error, Result};
use crate::payload::Map;
use crate::process::{Actor, HeldId};
use crate::registry::{EntryId, Registry};
use crate::resources::Unusable;

macro_rules! request {
    ($request:ty, $name:literal asks $action:literal on $resource:literal => $reply:ty, $authorize:expr) => {
        impl Request for $request {
            const NAME: &'static str = $name;
            const CAPABILITY: &'static str = "security";
            const PERMISSIONS: Permissions = Some(&[($action, $resource)]);
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
request!(GetPolicy, "security.policy.get" asks "security.policy.get" on "policy id" => Arc<Policy>, |r, gate| {
    let denied = || Error::invalid("permission denied: access policy");
    gate.require("security.policy.get", r.0.as_str(), denied)
});

/// The policies of a group. Errors: Internal `policy group not found`.
pub struct GetGroup(pub EntryId);
request!(GetGroup, "security.policy_group.get" asks "security.policy_group.get" on "group id" => Arc<Scope>, |r, gate| {
    let denied = || Error::invalid("permission denied: access policy group");
    gate.require("security.policy_group.get", r.0.as_str(), denied)
});

/// A scope of any policies.
pub struct NewScope(pub Vec<Arc<Policy>>);
request!(NewScope, "security.scope.create" asks "security.scope.create" on "`custom`" => Arc<Scope>, |_, gate| {
    let denied = || Error::permission_denied("not allowed to create custom scopes");
    gate.require("security.scope.create", "custom", denied)
});

/// A scope with one policy more.
pub struct WithPolicy(pub Arc<Scope>, pub Arc<Policy>);
request!(WithPolicy, "security.scope.with" asks "security.scope.create" on "`with`" => Arc<Scope>, |_, gate| {
    let denied = || Error::permission_denied("not allowed to add policy to scope");
    gate.require("security.scope.create", "with", denied)
});

/// A scope without a policy.
pub struct WithoutPolicy(pub Arc<Scope>, pub EntryId);
request!(WithoutPolicy, "security.scope.without" asks "security.scope.create" on "`without`" => Arc<Scope>, |_, gate| {
    let denied = || Error::permission_denied("not allowed to remove policy from scope");
    gate.require("security.scope.create", "without", denied)
});

/// An actor of any name.
pub struct NewActor {
    pub id: String,
    pub meta: Map,
}
request!(NewActor, "security.actor.create" asks "security.actor.create" on "actor id" => Arc<Actor>, |r, gate| {
    let denied = || Error::permission_denied(format!("not allowed to create actor with ID: {}", r.id));
    gate.require("security.actor.create", &r.id, denied)
});

/// Gives access to a token store. Errors: Internal `resource not found`, `resource is not a token store`.
pub struct GetTokenStore(pub EntryId);
request!(GetTokenStore, "security.token_store.get" asks "security.token_store.get" on "token store id" => HeldId, |r, gate| {
    let denied = || Error::permission_denied(format!("not allowed to access token store: {}", r.0));
    gate.require("security.token_store.get", r.0.as_str(), denied)
});

fn authorize_token(gate: &Gate<'_>, verb: &str, store: &TokenStore, attribute: &str, value: &str) -> Result<()> {
    let attributes = Map::from_iter([(attribute.to_owned(), value.into())]);
    match gate.ask(&format!("security.token.{verb}"), store.id.as_str(), &attributes) {
        true => Ok(()),
        false => Err(Error::invalid(format!("not allowed to {verb} token"))),
    }
}

/// Whom a token stands for. Errors: Invalid `not allowed to validate token`; those of [`TokenStore::validate`].
pub struct ValidateToken {
    pub store: Arc<TokenStore>,
    pub token: String,
}
request!(ValidateToken, "security.token.validate" asks "security.token.validate" on "token store id" => (Arc<Actor>, Arc<Scope>), |r, gate| {
    authorize_token(gate, "validate", &r.store, "token", &r.token)
});

/// A new token. Errors: Invalid `not allowed to create token`; those of [`TokenStore::create`].
pub struct CreateToken {
    pub store: Arc<TokenStore>,
    pub actor: Arc<Actor>,
    pub scope: Arc<Scope>,
    /// Refused with what is wrong with it.
    pub expiration: Result<Expiration>,
    pub meta: Map,
}
request!(CreateToken, "security.token.create" asks "security.token.create" on "token store id" => String, |r, gate| {
    authorize_token(gate, "create", &r.store, "actor", &r.actor.id)
});

/// Ends a token. Errors: Invalid `not allowed to revoke token`; those of [`TokenStore::revoke`].
pub struct RevokeToken {
    pub store: Arc<TokenStore>,
    pub token: String,
}
request!(RevokeToken, "security.token.revoke" asks "security.token.revoke" on "token store id" => (), |r, gate| {
    authorize_token(gate, "revoke", &r.store, "token", &r.token)
});

/// Adds a handler that answers at once unless the store behind may block.
fn add<R: Request>(commands: &mut DispatcherBuilder, store: fn(&R) -> &TokenStore, work: fn(&R) -> Result<R::Reply>) {
    commands.quick_or_blocking(move |_, r: &R| (!store(r).blocks()).then(|| work(r)), move |_, r: R| work(&r));
}

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
    commands.sync(move |caller, r: GetTokenStore| {
        let store = caller.node.resources().get::<TokenStore>(&r.0).map_err(|e| match e {
            Unusable::Missing if registry.get(&r.0).is_none() => not_found("resource"),
            _ => Error::internal("resource is not a token store"),
        })?;
        caller.control.hold(store)
    });
    add::<ValidateToken>(commands, |r| &r.store, |r| r.store.validate(&r.token));
    add::<RevokeToken>(commands, |r| &r.store, |r| r.store.revoke(&r.token));
    add::<CreateToken>(commands, |r| &r.store, |r| r.store.create(&r.actor, &r.scope, r.expiration.clone()?, &r.meta));
}
