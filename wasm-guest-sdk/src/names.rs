//! Names for processes.
#![allow(unsafe_code)]

use crate::abi::{imports, returned};
use crate::{Pid, Result};

/// How far a name reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// This node.
    #[default]
    Local = 0,
    /// All nodes, spread by gossip; of two owners one remains.
    Eventual = 1,
    /// All nodes, agreed.
    Consistent = 2,
    /// As consistent, and acknowledged by all live nodes before it returns.
    Strong = 3,
}

/// Gives this process a local name. It is free again when the process ends.
/// Errors: AlreadyExists `name already registered`; PermissionDenied.
pub fn register(name: &str) -> Result<()> {
    register_for(name, None, Scope::Local)
}

/// Gives a name to a process; `None` is this one. Errors: as for [`register`]; Internal where the scope is not available.
pub fn register_for(name: &str, owner: Option<Pid>, scope: Scope) -> Result<()> {
    let (node, host, sequence) = owner.map_or((0, 0, 0), Pid::parts);
    let (owned, scope) = (i32::from(owner.is_some()), scope as i32);
    // SAFETY: the name lives over the call; the runtime writes the answer.
    unsafe {
        returned(|ret| imports::register_name(name.as_ptr(), name.len(), owned, node, host, sequence, scope, ret))
            .take()
    }
}

/// Who has the name. Error: NotFound `name not registered`.
pub fn lookup(name: &str) -> Result<Pid> {
    // SAFETY: the name lives over the call; the runtime writes the answer.
    unsafe { returned(|ret| imports::lookup_name(name.as_ptr(), name.len(), ret)).take() }
}

/// Takes a name away; whether there was one.
pub fn unregister(name: &str, scope: Scope) -> Result<bool> {
    // SAFETY: the name lives over the call; the runtime writes the answer.
    let gone = unsafe { returned(|ret| imports::unregister_name(name.as_ptr(), name.len(), scope as i32, ret)).take() };
    gone.map(|gone| gone != 0)
}
