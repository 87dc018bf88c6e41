//! Who may do what. The policy engine decides for (actor, scope, action,
//! resource); until the security model lands the only engine answers
//! "allowed", but every call site asks it already.

use std::sync::Arc;

use crate::payload::Map;
use crate::process::{Inherited, Scope};
use crate::registry::EntryId;

/// One question to the policy engine.
pub struct Ask<'a> {
    pub on_behalf: &'a Inherited,
    pub action: &'a str,
    pub resource: &'a str,
    /// More about the request, such as the caller's pid.
    pub attributes: &'a Map,
}

/// Decides. Called on hot paths: must not block.
pub trait Policies: Send + Sync {
    fn allows(&self, ask: &Ask<'_>) -> bool;
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
}
