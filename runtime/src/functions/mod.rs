//! Functions: entries that are called and answer once. Who runs a call (a
//! pool, a process started for it) is behind [`Callable`].
//!
//! `retry` calls again what failed, `measured` counts calls, `bridge` makes
//! processes callable, `component` puts them and the contracts into a runtime.

mod bridge;
mod component;
mod measured;
mod retry;

pub use component::{CallsComponent, component};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::dispatch::{Caller, Completer, check_kind};
use crate::error::Error;
use crate::maps::FastMap;
use crate::node::Node;
use crate::payload::{Flat, Map, Value};
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

impl FunctionCall {
    /// A call of `function` from no process. `options` are laid over the function's own, key by key; the key `network`
    /// selects the overlay for the call and all it starts.
    pub fn new(
        node: Arc<Node>,
        function: &dyn Callable,
        args: Flat,
        inherited: Arc<Inherited>,
        options: Option<Arc<Map>>,
    ) -> FunctionCall {
        let options = laid_over(function.options(), options);
        let inherited = with_network(inherited, &options);
        FunctionCall { node, args, inherited, options, caller: None, host: None }
    }
}

fn laid_over(own: Arc<Map>, over: Option<Arc<Map>>) -> Arc<Map> {
    match over {
        None => own,
        Some(over) if over.is_empty() => own,
        Some(over) if own.is_empty() => over,
        Some(over) => {
            let mut all = (*own).clone();
            all.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
            Arc::new(all)
        }
    }
}

fn with_network(inherited: Arc<Inherited>, options: &Map) -> Arc<Inherited> {
    match options.get("network").and_then(Value::as_str).filter(|n| !n.is_empty()) {
        Some(network) if inherited.network.as_deref() != Some(network) => {
            Arc::new(Inherited { network: Some(network.into()), ..(*inherited).clone() })
        }
        _ => inherited,
    }
}

/// The call options of an entry: `meta.options`, or `data.meta.options` where that is written.
pub fn call_options(entry: &Entry) -> Arc<Map> {
    let options = entry.meta.get("options").or_else(|| entry.data.at("meta.options"));
    Arc::new(options.and_then(Value::as_map).cloned().unwrap_or_default())
}

/// Calls the function `target` for a process; the call ends with it. `inherited`: `None` hands down what the caller
/// has. Errors reach `done`: NotFound `no handler registered for target`, PermissionDenied by the caller's host, and those
/// of the call.
pub(crate) fn call_for(
    caller: &Caller,
    target: &str,
    args: Flat,
    inherited: Option<Arc<Inherited>>,
    options: Option<Arc<Map>>,
    done: Completer<Flat>,
) {
    let function = match caller.node.functions().get(target) {
        Ok(function) => function,
        Err(e) => return done.complete(Err(e)),
    };
    if let Err(denied) = check_kind(caller, function.kind()) {
        return done.complete(Err(denied));
    }
    let inherited = inherited.unwrap_or_else(|| caller.frame().inherited.clone());
    let call = FunctionCall {
        caller: Some(caller.control.pid()),
        host: Some(caller.control.host.clone()),
        ..FunctionCall::new(caller.node.clone(), &*function, args, inherited, options)
    };
    let slot = done.cancellable();
    slot.set(function.call(call, Box::new(move |result| done.complete(result))));
}

/// The answer of a function that needs no process for it, on the caller's thread; `None`, and nothing was done, if the
/// call has to go by [`call_for`]. Whether it may be called is for that to say, too.
pub(crate) fn call_at_once(
    caller: &Caller,
    target: &str,
    args: &Flat,
    options: Option<&Map>,
) -> Option<Result<Flat, Error>> {
    if options.is_some_and(|over| !over.is_empty()) {
        return None;
    }
    let function = caller.node.functions().get(target).ok()?;
    if !function.answers_at_once() || check_kind(caller, function.kind()).is_err() {
        return None;
    }
    function.call_at_once(args, &caller.control.host)
}

/// Runs calls of one function.
pub trait Callable: Send + Sync {
    /// Starts the call; `done` gets the result. Never blocks.
    fn call(&self, call: FunctionCall, done: Done) -> CancelCall;
    /// Whether [`Callable::call_at_once`] is worth asking.
    fn answers_at_once(&self) -> bool {
        false
    }
    /// See [`crate::process::Process::call_at_once`]. `host` is the caller's.
    fn call_at_once(&self, _args: &Flat, _host: &HostShared) -> Option<Result<Flat, Error>> {
        None
    }
    /// `meta.options` of the entry.
    fn options(&self) -> Arc<Map>;
    /// The kind of the entry, which a caller's host may deny. Empty: of none.
    fn kind(&self) -> &str {
        ""
    }
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
    target: Arc<str>,
    function: Arc<dyn Callable>,
}

impl Next {
    /// The id of the function.
    pub fn target(&self) -> &Arc<str> {
        &self.target
    }
    pub fn call(&self, call: FunctionCall, done: Done) -> CancelCall {
        let wanted = (self.at..self.chain.len()).find(|&i| self.chain[i].1.wants(&call.options));
        match wanted {
            None => self.function.call(call, done),
            Some(i) => {
                let (chain, target) = (self.chain.clone(), self.target.clone());
                let next = Next { chain, at: i + 1, target, function: self.function.clone() };
                self.chain[i].1.call(call, next, done)
            }
        }
    }
}

/// By order number, outermost first.
type Chain = Arc<Vec<(i32, Arc<dyn Interceptor>)>>;

/// A function with the interceptors in front of it.
struct Intercepted {
    id: Arc<str>,
    chain: Arc<RwLock<Chain>>,
    function: Arc<dyn Callable>,
}

impl Callable for Intercepted {
    fn call(&self, call: FunctionCall, done: Done) -> CancelCall {
        let chain = {
            let chain = self.chain.read();
            chain.iter().any(|(_, interceptor)| interceptor.wants(&call.options)).then(|| chain.clone())
        };
        match chain {
            Some(chain) => {
                let (target, function) = (self.id.clone(), self.function.clone());
                Next { chain, at: 0, target, function }.call(call, done)
            }
            None => self.function.call(call, done),
        }
    }
    fn answers_at_once(&self) -> bool {
        self.function.answers_at_once()
    }
    fn call_at_once(&self, args: &Flat, host: &HostShared) -> Option<Result<Flat, Error>> {
        let options = self.function.options();
        let wanted = self.chain.read().iter().any(|(_, interceptor)| interceptor.wants(&options));
        if wanted { None } else { self.function.call_at_once(args, host) }
    }
    fn options(&self) -> Arc<Map> {
        self.function.options()
    }
    fn kind(&self) -> &str {
        self.function.kind()
    }
}

/// All functions of a node by id.
#[derive(Default)]
pub struct Functions {
    by_id: RwLock<FastMap<Arc<str>, Arc<Intercepted>>>,
    chain: Arc<RwLock<Chain>>,
    host: Mutex<Option<Arc<HostShared>>>,
    generations: AtomicU64,
}

impl Functions {
    /// Binds `id`, replacing what was there.
    pub fn register(&self, id: Arc<str>, function: Arc<dyn Callable>) {
        let function = Arc::new(Intercepted { id: id.clone(), chain: self.chain.clone(), function });
        self.by_id.write().insert(id, function);
    }
    /// False if there was none.
    pub fn remove(&self, id: &str) -> bool {
        self.by_id.write().remove(id).is_some()
    }
    /// Unbinds `id` if it is bound to `function`. False if it is not.
    pub fn remove_if(&self, id: &str, function: &Arc<dyn Callable>) -> bool {
        let mut by_id = self.by_id.write();
        let own = by_id.get(id).is_some_and(|bound| Arc::ptr_eq(&bound.function, function));
        own && by_id.remove(id).is_some()
    }
    /// The function with all interceptors in front. Errors: NotFound `no handler registered for target`.
    pub fn get(&self, id: &str) -> Result<Arc<dyn Callable>, Error> {
        match self.by_id.read().get(id) {
            Some(function) => Ok(function.clone()),
            None => Err(Error::not_found("no handler registered for target").detail("target", id)),
        }
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
