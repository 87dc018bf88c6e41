//! Functions: entries that are called and answer once. Who runs a call (a
//! pool, a process started for it) is behind [`Callable`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::error::Error;
use crate::node::Node;
use crate::payload::{Flat, Map};
use crate::process::{Factory, HostShared, Inherited};
use crate::registry::Entry;
use crate::relay::Pid;

/// Receives the result of a call; called once, from any thread, and must be quick.
pub type Done = Box<dyn FnOnce(Result<Flat, Error>) + Send>;
/// Stops a call in flight; its result becomes `context canceled`.
pub type CancelCall = Box<dyn FnOnce() + Send>;

/// One call of a function.
#[derive(Clone)]
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

/// Makes pools of instances that serve functions. Set in the context by the hosts, used by the engines, which so need
/// not know each other.
pub trait Pools: Send + Sync {
    /// A pool for the function entry `entry` (its field `pool`), whose instances `factory` makes. Not callable yet.
    /// A static pool makes its instances here. Errors: a `pool` that is not valid; code that cannot be loaded.
    fn prepare(&self, entry: &Entry, factory: Arc<dyn Factory>) -> Result<Arc<dyn Pool>, Error>;
}

/// The instances of one version of one function.
pub trait Pool: Send + Sync {
    /// Makes the function callable under its id, in place of what was there.
    fn install(&self);
    /// Replaced by another pool: running and waiting calls finish here, then the instances go.
    fn retire(&self);
    /// The function is gone: new calls get Unavailable `pool is closed`, others finish. Does not unbind the function.
    fn close(&self);
}

/// Wraps calls of all functions: retries, tracing.
pub trait Interceptor: Send + Sync {
    /// Whether it wants a call with these options; a call that no interceptor wants costs nothing extra.
    fn wants(&self, options: &Map) -> bool;
    /// Like [`Callable::call`]; `next` runs the rest of the chain, any number of times.
    fn call(&self, call: FunctionCall, next: Next, done: Done) -> CancelCall;
}

/// The rest of a chain of interceptors, and the function behind it.
#[derive(Clone)]
pub struct Next {
    chain: Chain,
    at: usize,
    function: Arc<dyn Callable>,
}

impl Next {
    pub fn call(&self, call: FunctionCall, done: Done) -> CancelCall {
        let wanted = (self.at..self.chain.len()).find(|&i| self.chain[i].1.wants(&call.options));
        match wanted {
            None => self.function.call(call, done),
            Some(i) => {
                let next = Next { chain: self.chain.clone(), at: i + 1, function: self.function.clone() };
                self.chain[i].1.call(call, next, done)
            }
        }
    }
}

/// By order number, outermost first.
type Chain = Arc<Vec<(i32, Arc<dyn Interceptor>)>>;

/// A function with the interceptors in front of it.
struct Intercepted {
    chain: Arc<RwLock<Chain>>,
    function: Arc<dyn Callable>,
}

impl Callable for Intercepted {
    fn call(&self, call: FunctionCall, done: Done) -> CancelCall {
        let chain = self.chain.read().clone();
        Next { chain, at: 0, function: self.function.clone() }.call(call, done)
    }
    fn options(&self) -> Arc<Map> {
        self.function.options()
    }
}

/// All functions of a node by id.
#[derive(Default)]
pub struct Functions {
    by_id: RwLock<HashMap<Arc<str>, Arc<dyn Callable>>>,
    chain: Arc<RwLock<Chain>>,
    host: Mutex<Option<Arc<HostShared>>>,
    generations: AtomicU64,
}

impl Functions {
    /// Binds `id`, replacing what was there.
    pub fn register(&self, id: Arc<str>, function: Arc<dyn Callable>) {
        let function = Arc::new(Intercepted { chain: self.chain.clone(), function });
        self.by_id.write().insert(id, function);
    }
    /// False if there was none.
    pub fn remove(&self, id: &str) -> bool {
        self.by_id.write().remove(id).is_some()
    }
    /// The function with all interceptors in front. Errors: NotFound `no handler registered for target`.
    pub fn get(&self, id: &str) -> Result<Arc<dyn Callable>, Error> {
        let function = self.by_id.read().get(id).cloned();
        function.ok_or_else(|| Error::not_found("no handler registered for target").detail("target", id))
    }
    /// Puts an interceptor in front of all functions; those with smaller numbers see a call first.
    pub fn intercept(&self, order: i32, interceptor: Arc<dyn Interceptor>) {
        let mut chain = self.chain.write();
        let at = chain.partition_point(|(o, _)| *o <= order);
        Arc::make_mut(&mut *chain).insert(at, (order, interceptor));
    }
    /// The host of calls that come from no process; made by `start` when it is needed first.
    pub fn host(&self, start: impl FnOnce() -> Result<Arc<HostShared>, Error>) -> Result<Arc<HostShared>, Error> {
        let mut host = self.host.lock();
        match &*host {
            Some(host) => Ok(host.clone()),
            None => Ok(host.insert(start()?).clone()),
        }
    }
    /// [`Functions::host`] if there was such a call.
    pub fn started_host(&self) -> Option<Arc<HostShared>> {
        self.host.lock().clone()
    }
    /// Numbers the pools of this node from 1.
    pub fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::Relaxed) + 1
    }
}
