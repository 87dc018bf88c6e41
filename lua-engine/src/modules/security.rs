//! The `security` module: on whose behalf code runs, and actors, scopes and
//! policies as objects. What these may do is asked of the gate by the commands
//! behind the functions; `evaluate` and `can` only compute.

use std::sync::Arc;

use wippy_runtime::dispatch::Request;
use wippy_runtime::payload::Map;
use wippy_runtime::process::{Actor, Inherited};
use wippy_runtime::registry::EntryId;
use wippy_runtime::security::commands::{
    CreateToken, GetGroup, GetPolicy, GetTokenStore, NewActor, NewScope, RevokeToken, ValidateToken, WithPolicy,
    WithoutPolicy,
};
use wippy_runtime::security::{Check, Expiration, Outcome, Policy, Scope, TokenStore};
use wippy_runtime::{Error, Kind, duration};

use super::stream::Held;
use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Object, Raise, Ret, Type};
use crate::process::module::text_map;
use crate::process::{Engine, InProcess};

pub static MODULE: Module = Module {
    name: "security",
    value: ModuleValue::Table(&[
        member!("actor", actor),
        member!("scope", scope),
        member!("can", can),
        member!("policy", policy),
        member!("named_scope", named_scope),
        member!("new_scope", new_scope),
        member!("new_actor", new_actor),
        member!("token_store", token_store),
    ]),
    class: &["security", "nondeterministic"],
    description: "Actors, scopes and policies",
};

/// An actor as a Lua object.
pub struct ActorObject(pub Arc<Actor>);

impl Object for ActorObject {
    const EXPECTED: &'static str = "Actor";
    const METHODS: &'static [Member] = &[member!("id", actor_id), member!("meta", actor_meta)];
}

/// A scope as a Lua object.
pub struct ScopeObject(pub Arc<Scope>);

impl Object for ScopeObject {
    const EXPECTED: &'static str = "Scope";
    const METHODS: &'static [Member] = &[
        member!("with", scope_with),
        member!("without", scope_without),
        member!("contains", scope_contains),
        member!("evaluate", scope_evaluate),
        member!("policies", scope_policies),
    ];
}

struct PolicyObject(Arc<Policy>);

impl Object for PolicyObject {
    const EXPECTED: &'static str = "Policy";
    const METHODS: &'static [Member] = &[member!("id", policy_id), member!("evaluate", policy_evaluate)];
}

/// A token store that the process holds.
struct TokenStoreObject(Held);

impl Object for TokenStoreObject {
    const EXPECTED: &'static str = "TokenStore";
    const METHODS: &'static [Member] =
        &[member!("validate", validate), member!("create", create), member!("revoke", revoke), member!("close", close)];
}

/// What the running code was handed down; `None` outside of a process.
fn inherited(call: &Call<'_>) -> Option<Arc<Inherited>> {
    Some(Engine::of(call)?.control()?.frame().inherited.clone())
}

/// The table in argument `i`, its keys that are no strings left out; empty if there is none.
fn optional_map(call: &mut Call<'_>, i: i32) -> Result<Map, Raise> {
    if call.is_nil_or_none(i) {
        return Ok(Map::new());
    }
    call.table(i)?;
    Ok(text_map(call, i, false)?.unwrap_or_default())
}

/// The reply to a request whose denial is raised.
fn ask_or_raise<R: Request>(call: &mut Call<'_>, request: R) -> Result<Result<R::Reply, Error>, Raise> {
    match call.ask(request)? {
        Err(e) if *e.kind() == Kind::PERMISSION_DENIED => Err(Raise::text(e.to_string())),
        reply => Ok(reply),
    }
}

// ---- functions

fn actor(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match inherited(call).and_then(|i| i.actor.clone()) {
        Some(actor) => call.push_object(ActorObject(actor)),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

fn scope(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match inherited(call).and_then(|i| i.scope.clone()) {
        Some(scope) => call.push_object(ScopeObject(scope)),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

/// Strict mode makes no difference here: without an actor or a scope the answer is no.
fn can(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let (action, resource) = (call.text(1)?, call.text(2)?);
    let attributes = optional_map(call, 3)?;
    let allowed = inherited(call).is_some_and(|i| match (&i.actor, &i.scope) {
        (Some(actor), Some(scope)) => {
            let check = Check { actor, action: &action, resource: &resource, attributes: &attributes };
            scope.evaluate(&check) == Outcome::Allow
        }
        _ => false,
    });
    call.push_bool(allowed);
    Ok(Ret::ONE)
}

fn policy(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = EntryId::parse(&call.text(1)?);
    match call.ask(GetPolicy(id))? {
        Ok(policy) => call.push_object(PolicyObject(policy)),
        Err(e) => return call.fail(e),
    }
    call.fine()
}

fn named_scope(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = EntryId::parse(&call.text(1)?);
    match call.ask(GetGroup(id))? {
        Ok(scope) => call.push_object(ScopeObject(scope)),
        Err(e) => return call.fail(e),
    }
    call.fine()
}

/// Pushes the scope that a request makes, or raises its denial.
fn make_scope<R: Request<Reply = Arc<Scope>>>(call: &mut Call<'_>, request: R) -> Result<Ret, Raise> {
    let scope = ask_or_raise(call, request)??;
    call.push_object(ScopeObject(scope));
    Ok(Ret::ONE)
}

fn new_scope(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut policies = Vec::new();
    if call.arg_count() > 0 {
        call.table(1)?;
        call.push_nil();
        while call.next(1) {
            policies.extend(call.object_at::<PolicyObject>(-1).map(|p| p.0.clone()));
            call.pop(1);
        }
    }
    make_scope(call, NewScope(policies))
}

fn new_actor(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = call.text(1)?.into_owned();
    let meta = optional_map(call, 2)?;
    let actor = ask_or_raise(call, NewActor { id, meta })??;
    call.push_object(ActorObject(actor));
    Ok(Ret::ONE)
}

fn token_store(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = call.text(1)?;
    if id.is_empty() {
        return call.fail(Error::invalid("token store id is required"));
    }
    match ask_or_raise(call, GetTokenStore(EntryId::parse(&id)))? {
        Ok(held) => {
            let held = Held::new(call, held)?;
            call.push_object(TokenStoreObject(held));
        }
        Err(e) => return call.fail(e),
    }
    call.fine()
}

// ---- actors

fn actor_id(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_str(&call.userdata::<ActorObject>(1)?.0.id);
    Ok(Ret::ONE)
}

fn actor_meta(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_map(&call.userdata::<ActorObject>(1)?.0.meta)?;
    Ok(Ret::ONE)
}

// ---- policies

fn policy_id(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_str(call.userdata::<PolicyObject>(1)?.0.id.as_str());
    Ok(Ret::ONE)
}

/// `evaluate(actor, action, resource, meta?)` of what is in argument 1.
fn evaluate(call: &mut Call<'_>, outcome: impl FnOnce(&Check<'_>) -> Outcome) -> Result<Ret, Raise> {
    let actor = &call.userdata::<ActorObject>(2)?.0;
    let (action, resource) = (call.text(3)?, call.text(4)?);
    let attributes = optional_map(call, 5)?;
    let outcome = outcome(&Check { actor, action: &action, resource: &resource, attributes: &attributes });
    call.push_str(outcome.as_str());
    Ok(Ret::ONE)
}

fn policy_evaluate(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let policy = &call.userdata::<PolicyObject>(1)?.0;
    evaluate(call, |check| policy.evaluate(check))
}

// ---- scopes

fn scope_evaluate(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let scope = &call.userdata::<ScopeObject>(1)?.0;
    evaluate(call, |check| scope.evaluate(check))
}

fn scope_with(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let scope = call.userdata::<ScopeObject>(1)?.0.clone();
    let policy = call.userdata::<PolicyObject>(2)?.0.clone();
    make_scope(call, WithPolicy(scope, policy))
}

/// The policy that argument 2 names: a policy, an id, or `{ns=, name=}`.
fn reference(call: &mut Call<'_>) -> Result<EntryId, Raise> {
    match call.type_of(2) {
        Type::String => Ok(EntryId::parse(&call.text(2)?)),
        Type::Userdata => match call.object::<PolicyObject>(2) {
            Some(policy) => Ok(policy.0.id.clone()),
            None => Err(call.bad_argument(2, "Policy or policy ID string expected")),
        },
        Type::Table => {
            let mut part = |key: &str| {
                let found = call.get_field(2, key) == Type::String;
                let text = found.then(|| call.bytes(-1).map(|b| String::from_utf8_lossy(b).into_owned())).flatten();
                call.pop(1);
                text
            };
            match (part("ns"), part("name")) {
                (Some(ns), Some(name)) => Ok(EntryId::new(&ns, &name)),
                _ => Err(call.bad_argument(2, "ID table must have ns and name fields")),
            }
        }
        _ => Err(call.bad_argument(2, "Policy ID expected as string, table, or policy object")),
    }
}

fn scope_without(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let scope = call.userdata::<ScopeObject>(1)?.0.clone();
    let id = reference(call)?;
    make_scope(call, WithoutPolicy(scope, id))
}

fn scope_contains(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let scope = &call.userdata::<ScopeObject>(1)?.0;
    let id = reference(call)?;
    call.push_bool(scope.contains(&id));
    Ok(Ret::ONE)
}

fn scope_policies(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let scope = &call.userdata::<ScopeObject>(1)?.0;
    call.push_table(scope.policies().len(), 0);
    for (i, policy) in scope.policies().iter().enumerate() {
        call.push_object(PolicyObject(policy.clone()));
        call.set_index(-2, i as i64 + 1);
    }
    Ok(Ret::ONE)
}

// ---- token stores

/// The store in argument 1. Errors: Internal, it was closed.
fn opened(call: &Call<'_>) -> Result<Result<Arc<TokenStore>, Error>, Raise> {
    let id = call.userdata::<TokenStoreObject>(1)?.0.id();
    let held = call.engine()?.control().and_then(|control| control.held::<TokenStore>(id));
    Ok(held.ok_or_else(|| Error::internal("token store is closed")))
}

fn validate(call: &mut Call<'_>) -> Result<Ret, Raise> {
    fn fail(call: &Call<'_>, e: Error) -> Result<Ret, Raise> {
        call.push_nil();
        call.push_nil();
        call.push_error(e);
        Ok(Ret::Values(3))
    }
    let store = match opened(call)? {
        Ok(store) => store,
        Err(e) => return fail(call, e),
    };
    let token = call.text(2)?.into_owned();
    call.request(ValidateToken { store, token }, |call, valid| match valid {
        Ok((actor, scope)) => {
            call.push_object(ActorObject(actor));
            call.push_object(ScopeObject(scope));
            call.push_nil();
            Ok(Ret::Values(3))
        }
        Err(e) => fail(call, e),
    })
}

/// The option `expiration`: a duration as text, or milliseconds as a float. Anything else is as if it were not there.
fn expiration(call: &mut Call<'_>) -> Result<Expiration, Error> {
    if call.type_of(4) != Type::Table {
        return Ok(Expiration::Default);
    }
    let found = call.get_field(4, "expiration");
    let nanos = match found {
        Type::String => {
            let text = call.bytes(-1).and_then(|b| std::str::from_utf8(b).ok());
            let nanos = text.and_then(|text| duration::parse(text).ok());
            nanos.ok_or_else(|| Error::invalid("invalid expiration format"))
        }
        Type::Number if !call.is_integer(-1) => Ok(call.number(-1).map_or(0, |ms| (ms * 1e6) as i64)),
        _ => Ok(0),
    };
    call.pop(1);
    nanos.map(Expiration::from_nanos)
}

fn create(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let store = match opened(call)? {
        Ok(store) => store,
        Err(e) => return call.fail(e),
    };
    let actor = call.userdata::<ActorObject>(2)?.0.clone();
    let scope = call.userdata::<ScopeObject>(3)?.0.clone();
    let mut meta = Map::new();
    if !call.is_nil_or_none(4) {
        call.table(4)?;
        if call.get_field(4, "meta") == Type::Table {
            let at = call.top();
            meta = text_map(call, at, false)?.unwrap_or_default();
        }
        call.pop(1);
    }
    let expiration = expiration(call);
    call.request(CreateToken { store, actor, scope, expiration, meta }, |call, token| match token {
        Ok(token) => {
            call.push_str(token);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn revoke(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let store = match opened(call)? {
        Ok(store) => store,
        Err(e) => return call.fail(e),
    };
    let token = call.text(2)?.into_owned();
    call.request(RevokeToken { store, token }, |call, revoked| match revoked {
        Ok(()) => {
            call.push_bool(true);
            call.fine()
        }
        Err(e) => call.fail(e),
    })
}

fn close(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let id = call.userdata::<TokenStoreObject>(1)?.0.id();
    if let Some(control) = call.engine()?.control() {
        control.release(id);
    }
    call.push_bool(true);
    Ok(Ret::ONE)
}
