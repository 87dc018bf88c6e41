//! What a callee gets on top of what its caller hands down: context values, an
//! actor, a scope, call options. Objects that carry one (Executor, Contract)
//! never change; each `with_*` method gives a new one.
//!
//! The caller's part is added when a call is made and not before: the object
//! may outlive the call of a pooled function in which it was made.

use std::cell::RefCell;
use std::sync::Arc;

use wippy_runtime::Error;
use wippy_runtime::dispatch::Gate;
use wippy_runtime::payload::Map;
use wippy_runtime::process::{Actor, Inherited};
use wippy_runtime::security::Scope;

use super::security::{ActorObject, ScopeObject};
use crate::native::{Call, Object, Raise, Ret, Type};
use crate::process::InProcess;
use crate::process::module::text_map;

/// See the module comment.
#[derive(Clone, Default)]
pub struct Overlay {
    values: Map,
    actor: Option<Arc<Actor>>,
    scope: Option<Arc<Scope>>,
    pub options: Option<Arc<Map>>,
    /// The last result of [`Overlay::over`] and what it was made from.
    last: RefCell<Option<(Arc<Inherited>, Arc<Inherited>)>>,
}

impl Overlay {
    /// The context values.
    pub fn values(&self) -> &Map {
        &self.values
    }
    pub fn set_values(&mut self, values: Map) {
        self.values = values;
        *self.last.get_mut() = None;
    }
    /// `base` with this laid over it. Errors: those of [`Inherited::with_values`].
    pub fn over(&self, base: &Arc<Inherited>) -> Result<Arc<Inherited>, Error> {
        if self.values.is_empty() && self.actor.is_none() && self.scope.is_none() {
            return Ok(base.clone());
        }
        if let Some((from, made)) = &*self.last.borrow()
            && Arc::ptr_eq(from, base)
        {
            return Ok(made.clone());
        }
        let values = self.values.iter().map(|(key, value)| (key.clone(), value.clone()));
        let mut inherited = base.with_values(values)?;
        if let Some(actor) = &self.actor {
            inherited.actor = Some(actor.clone());
        }
        if let Some(scope) = &self.scope {
            inherited.scope = Some(scope.clone());
        }
        let made = Arc::new(inherited);
        *self.last.borrow_mut() = Some((base.clone(), made.clone()));
        Ok(made)
    }
    /// [`Overlay::over`] what the running process has. Errors: no process runs; too large.
    pub fn for_caller(&self, call: &Call<'_>) -> Result<Arc<Inherited>, Raise> {
        let made = call.with_step(|cx| self.over(&cx.frame().inherited))?;
        made.map_err(|e| Raise::text(e.to_string()))
    }
}

/// The permissions for changing an overlay, and the texts of their denials.
pub struct Rules {
    pub context: &'static str,
    pub no_context: &'static str,
    pub security: &'static str,
    pub no_security: &'static str,
}

/// An object with an overlay.
pub trait Overlaid: Object + Clone {
    const RULES: Rules;
    fn overlay_mut(&mut self) -> &mut Overlay;
}

fn require(call: &Call<'_>, action: &str, resource: &str, text: &str) -> Result<Result<(), Error>, Raise> {
    call.with_step(|cx| Gate::new(cx.caller()).require(action, resource, || Error::permission_denied(text)))
}

/// Pushes the object in argument 1 with a changed overlay, unless `allowed` is an error.
fn changed<T: Overlaid>(
    call: &mut Call<'_>,
    allowed: Result<(), Error>,
    change: impl FnOnce(&mut Call<'_>, &mut Overlay) -> Result<(), Raise>,
) -> Result<Ret, Raise> {
    if let Err(e) = allowed {
        return call.fail(e);
    }
    let mut object = call.userdata::<T>(1)?.clone();
    let overlay = object.overlay_mut();
    *overlay.last.get_mut() = None;
    change(call, overlay)?;
    call.push_object(object);
    Ok(Ret::ONE)
}

/// `with_context(t)`: values merged over the earlier ones; keys that are no strings are ignored.
pub fn with_context<T: Overlaid>(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<T>(1)?;
    call.table(2)?;
    let allowed = require(call, T::RULES.context, "context", T::RULES.no_context)?;
    changed::<T>(call, allowed, |call, overlay| {
        overlay.values.extend(text_map(call, 2, false)?.unwrap_or_default());
        Ok(())
    })
}

/// `with_actor(a)`.
pub fn with_actor<T: Overlaid>(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<T>(1)?;
    if call.is_nil_or_none(2) {
        return Err(call.bad_argument(2, "actor cannot be nil"));
    }
    let actor = call.userdata::<ActorObject>(2)?.0.clone();
    let allowed = require(call, T::RULES.security, "security", T::RULES.no_security)?;
    changed::<T>(call, allowed, |_, overlay| {
        overlay.actor = Some(actor);
        Ok(())
    })
}

/// `with_scope(s)`.
pub fn with_scope<T: Overlaid>(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<T>(1)?;
    if call.is_nil_or_none(2) {
        return Err(call.bad_argument(2, "scope cannot be nil"));
    }
    let scope = call.userdata::<ScopeObject>(2)?.0.clone();
    let allowed = require(call, T::RULES.security, "security", T::RULES.no_security)?;
    changed::<T>(call, allowed, |_, overlay| {
        overlay.scope = Some(scope);
        Ok(())
    })
}

/// `with_options(t)`: replaces all options.
pub fn with_options<T: Overlaid>(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.userdata::<T>(1)?;
    call.table(2)?;
    let options = read_options(call, 2)?;
    let (options, allowed) = match options {
        Ok(options) => (Some(options), Ok(())),
        Err(e) => (None, Err(e)),
    };
    changed::<T>(call, allowed, |_, overlay| {
        overlay.options = options;
        Ok(())
    })
}

/// The call options in the table in argument `i`; keys that are no strings are ignored.
/// Errors: PermissionDenied `not allowed: network N`.
pub fn read_options(call: &mut Call<'_>, i: i32) -> Result<Result<Arc<Map>, Error>, Raise> {
    let options = text_map(call, i, false)?.unwrap_or_default();
    if let Some(network) = options.get("network").and_then(|n| n.as_str()) {
        let allowed = require(call, "network.select", network, &format!("not allowed: network {network}"))?;
        return Ok(allowed.map(|()| Arc::new(options)));
    }
    Ok(Ok(Arc::new(options)))
}

/// Whether argument `i` is a table; other values count as absent.
pub fn is_table(call: &Call<'_>, i: i32) -> bool {
    call.type_of(i) == Type::Table
}
