//! Who may do what. The policy engine decides for (actor, scope, action,
//! resource); until the security model lands the only engine answers
//! "allowed", but every call site asks it already.

use crate::payload::Map;
use crate::process::Inherited;

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
}

/// Allows everything.
pub struct AllowAll;

impl Policies for AllowAll {
    fn allows(&self, _: &Ask<'_>) -> bool {
        true
    }
}
