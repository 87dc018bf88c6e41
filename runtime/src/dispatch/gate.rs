//! The gate: host capability, then policy.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::Error;
use crate::node::Node;
use crate::payload::Map;
use crate::process::{Control, Frame};
use crate::security::Ask;

/// Who asks: passed to every handler.
#[derive(Clone)]
pub struct Caller {
    pub control: Arc<Control>,
    pub node: Arc<Node>,
}

impl Caller {
    pub fn frame(&self) -> Arc<Frame> {
        self.control.frame()
    }
}

/// The permissions of one request are asked here.
pub struct Gate<'a> {
    caller: &'a Caller,
    frame: Arc<Frame>,
}

impl<'a> Gate<'a> {
    pub fn new(caller: &'a Caller) -> Gate<'a> {
        Gate { caller, frame: caller.frame() }
    }
    pub fn caller(&self) -> &Caller {
        self.caller
    }
    /// Whether the caller may do `action` to `resource`.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let attributes = Map::new();
        let ask = Ask { on_behalf: &self.frame.inherited, action, resource, attributes: &attributes };
        let allowed = self.caller.node.policies().allows(&ask);
        if !allowed {
            self.caller.node.denials.fetch_add(1, Ordering::Relaxed);
        }
        allowed
    }
    /// `denied()` unless the caller may do `action` to `resource`.
    pub fn require(&self, action: &str, resource: &str, denied: impl FnOnce() -> Error) -> Result<(), Error> {
        if self.allows(action, resource) { Ok(()) } else { Err(denied()) }
    }
}
