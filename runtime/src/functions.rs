//! Functions: entries that are called and answer once. Who runs a call (a
//! pool, a process started for it) is behind [`Callable`].

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::error::Error;
use crate::node::Node;
use crate::payload::{Flat, Map};
use crate::process::{HostShared, Inherited};
use crate::relay::Pid;

/// Receives the result of a call; called once, from any thread, and must be quick.
pub type Done = Box<dyn FnOnce(Result<Flat, Error>) + Send>;
/// Stops a call in flight; its result becomes `context canceled`.
pub type CancelCall = Box<dyn FnOnce() + Send>;

/// One call of a function.
pub struct FunctionCall {
    pub node: Arc<Node>,
    /// The arguments, one value after the other.
    pub args: Flat,
    pub inherited: Arc<Inherited>,
    /// Call options, already merged over those of the function.
    pub options: Arc<Map>,
    pub caller: Option<Pid>,
    /// The caller's host: its capabilities and limits hold for the call. `None`: the node's own.
    pub host: Option<Arc<HostShared>>,
}

/// Runs calls of one function.
pub trait Callable: Send + Sync {
    /// Starts the call; `done` gets the result. Never blocks.
    fn call(&self, call: FunctionCall, done: Done) -> CancelCall;
    /// `meta.options` of the entry.
    fn options(&self) -> Arc<Map>;
}

/// All functions of a node by id.
#[derive(Default)]
pub struct Functions(RwLock<HashMap<Arc<str>, Arc<dyn Callable>>>);

impl Functions {
    /// Binds `id`, replacing what was there.
    pub fn register(&self, id: Arc<str>, function: Arc<dyn Callable>) -> Option<Arc<dyn Callable>> {
        self.0.write().insert(id, function)
    }
    pub fn remove(&self, id: &str) -> Option<Arc<dyn Callable>> {
        self.0.write().remove(id)
    }
    /// Errors: NotFound `no handler registered for target`.
    pub fn get(&self, id: &str) -> Result<Arc<dyn Callable>, Error> {
        let function = self.0.read().get(id).cloned();
        function.ok_or_else(|| Error::not_found("no handler registered for target").detail("target", id))
    }
}
