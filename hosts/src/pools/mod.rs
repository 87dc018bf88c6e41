//! Function pools: a few instances of a function's code serve any number of
//! calls. A call is a process that runs under the pool's relay host on the
//! scheduler of its caller; when it ends its instance serves the next one.
//!
//! One mechanism serves all kinds of pools: calls wait in one queue, first come
//! first served, and a call starts as soon as an instance is idle or another
//! one may be made. The kinds differ in how many there may be and when they go.
//! Waiting calls are not bounded here: each belongs to a live process or
//! request, which are. Knows no engine.

mod adaptive;
mod at_once;
mod config;
mod host;
mod provider;

pub use config::{PoolConfig, PoolKind};
pub use host::FUNCTION_HOST;
pub use provider::FunctionPools;

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wippy_runtime::clock::Nanos;
use wippy_runtime::functions::{Callable, CancelCall, Done, FunctionCall, call_options};
use wippy_runtime::payload::{Flat, Map};
use wippy_runtime::process::{Control, Exit, Factory, Frame, HostShared, Invocation, Process};
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::scheduler::is_panic;
use wippy_runtime::timers::TimerTarget;
use wippy_runtime::{Error, Node, Result};

use adaptive::{Controller, Load, TICK};

/// Time without calls after which a lazy pool drops its instances.
const IDLE: Duration = Duration::from_secs(30);

type Instance = Box<dyn Process>;

/// What a pool looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolInfo {
    pub instances: usize,
    pub busy: usize,
    pub waiting: usize,
    /// Instances there may be now.
    pub limit: usize,
}

/// The instances of one version of one function. Clones share it.
#[derive(Clone)]
pub struct FunctionPool(Arc<Shared>);

struct Shared {
    node: Weak<Node>,
    id: EntryId,
    kind: String,
    /// Host part of the pids of its calls.
    address: Name,
    factory: Arc<dyn Factory>,
    config: PoolConfig,
    options: Arc<Map>,
    state: Mutex<State>,
}

struct State {
    idle: Vec<Instance>,
    /// Instances that exist or are being made.
    instances: usize,
    waiting: VecDeque<Arc<Call>>,
    /// Instances there may be.
    limit: usize,
    /// Instances are dropped as they become idle.
    draining: bool,
    /// New calls are refused.
    closed: bool,
    last_use: Nanos,
    /// A timer is armed that looks after idle instances.
    timer: bool,
    completed: u64,
    controller: Option<Controller>,
}

impl State {
    fn busy(&self) -> usize {
        self.instances - self.idle.len()
    }
}

/// One call from its start to its answer.
struct Call(Mutex<CallState>);

struct CallState {
    request: Option<FunctionCall>,
    done: Option<Done>,
    running: Option<Arc<Control>>,
    canceled: bool,
}

impl Call {
    fn answer(&self, result: Result<Flat>) {
        let (done, canceled) = {
            let mut state = self.0.lock();
            state.running = None;
            (state.done.take(), state.canceled)
        };
        if let Some(done) = done {
            done(if canceled { Err(Error::canceled("context canceled")) } else { result });
        }
    }
}

impl FunctionPool {
    /// A pool for the function `entry`, not yet callable: see [`FunctionPool::install`]. A static pool makes its
    /// instances here. Errors: the code cannot be loaded; too many names.
    pub fn new(node: &Arc<Node>, entry: &Entry, factory: Arc<dyn Factory>, config: PoolConfig) -> Result<FunctionPool> {
        let (id, kind, options) = (entry.id.clone(), entry.kind.clone(), call_options(entry));
        let address = Name::new(&format!("{id}#{}.{}", factory.engine(), node.functions().next_generation()))?;
        let mut idle = Vec::new();
        if config.kind == PoolKind::Static {
            for _ in 0..config.max {
                idle.push(factory.create_loaded()?);
            }
        }
        let controller = (config.kind == PoolKind::Adaptive).then(|| Controller::new(1, config.max));
        let state = State {
            instances: idle.len(),
            idle,
            waiting: VecDeque::new(),
            limit: controller.as_ref().map_or(config.max, Controller::size),
            draining: false,
            closed: false,
            last_use: node.clock().now(),
            timer: false,
            completed: 0,
            controller,
        };
        node.router().register(address, Delivery::Calls)?;
        let node = Arc::downgrade(node);
        Ok(FunctionPool(Arc::new(Shared {
            node,
            id,
            kind,
            address,
            factory,
            config,
            options,
            state: Mutex::new(state),
        })))
    }

    /// Makes the pool answer for its function. A pool that it replaces should then be retired.
    pub fn install(&self) {
        if let Some(node) = self.0.node.upgrade() {
            node.functions().register(self.0.id.text(), Arc::new(self.clone()));
        }
    }

    /// Replaced by another pool: running and waiting calls finish here, then the instances go.
    pub fn retire(&self) {
        self.0.drain(false);
    }

    /// The function is gone: new calls get Unavailable `pool is closed`, others finish. Does not unbind the function.
    pub fn close(&self) {
        self.0.drain(true);
    }

    pub fn info(&self) -> PoolInfo {
        let s = self.0.state.lock();
        PoolInfo { instances: s.instances, busy: s.busy(), waiting: s.waiting.len(), limit: s.limit }
    }
}

impl Callable for FunctionPool {
    fn call(&self, request: FunctionCall, done: Done) -> CancelCall {
        let shared = &self.0;
        let state = CallState { request: Some(request), done: Some(done), running: None, canceled: false };
        let call = Arc::new(Call(Mutex::new(state)));
        {
            let mut s = shared.state.lock();
            if s.closed {
                drop(s);
                call.answer(Err(Error::unavailable("pool is closed")));
                return Box::new(|| {});
            }
            s.waiting.push_back(call.clone());
        }
        shared.pump();
        let shared = Arc::downgrade(shared);
        Box::new(move || cancel(&shared, &call))
    }
    fn answers_at_once(&self) -> bool {
        self.0.factory.answers_at_once()
    }
    fn call_at_once(&self, args: &Flat, host: &HostShared) -> Option<Result<Flat>> {
        self.0.call_at_once(args, host)
    }
    fn options(&self) -> Arc<Map> {
        self.0.options.clone()
    }
    fn kind(&self) -> &str {
        &self.0.kind
    }
}

/// A call that waits ends at once; one that runs ends at its next safepoint.
fn cancel(pool: &Weak<Shared>, call: &Arc<Call>) {
    let running = {
        let mut state = call.0.lock();
        state.canceled = true;
        state.running.clone()
    };
    if let Some(control) = running {
        return control.kill();
    }
    let Some(pool) = pool.upgrade() else { return };
    let waiting = {
        let mut s = pool.state.lock();
        let at = s.waiting.iter().position(|c| Arc::ptr_eq(c, call));
        at.and_then(|at| s.waiting.remove(at))
    };
    if let Some(call) = waiting {
        call.answer(Err(Error::canceled("context canceled")));
    }
}

impl Shared {
    /// Starts waiting calls as long as there are instances for them.
    fn pump(self: &Arc<Self>) {
        loop {
            let (instance, call) = {
                let mut s = self.state.lock();
                if s.waiting.is_empty() {
                    break;
                }
                let instance = s.idle.pop();
                if instance.is_none() {
                    if s.instances >= s.limit {
                        break;
                    }
                    s.instances += 1;
                }
                (instance, s.waiting.pop_front().expect("calls are waiting"))
            };
            if let Err((e, instance)) = self.start(instance, &call) {
                self.put_back(instance);
                call.answer(Err(e));
            }
        }
        self.look_later();
    }

    fn start(self: &Arc<Self>, instance: Option<Instance>, call: &Arc<Call>) -> Result<(), (Error, Option<Instance>)> {
        let gone = |e| (e, None);
        let Some(request) = call.0.lock().request.take() else {
            return Err((Error::canceled("context canceled"), instance));
        };
        let instance = match instance {
            Some(instance) => instance,
            None => self.factory.create().map_err(gone)?,
        };
        let node = request.node;
        let host = match request.host.map_or_else(|| host::function_host(&node), Ok) {
            Ok(host) => host,
            Err(e) => return Err((e, Some(instance))),
        };
        let invocation = Invocation { entry: self.id.clone(), method: self.factory.method(), args: request.args };
        let frame = Frame { entry: self.id.clone(), parent: None, inherited: request.inherited };
        let prepared = node.prepare_at(&host, self.address, instance, &invocation, frame);
        let control = prepared.map_err(|(e, instance)| (e, Some(instance)))?;
        let (pool, finished) = (self.clone(), call.clone());
        control.set_reclaim(Box::new(move |instance, exit| pool.finish(instance, exit, &finished)));
        {
            let mut state = call.0.lock();
            state.running = Some(control.clone());
            if state.canceled {
                drop(state);
                control.kill();
            }
        }
        host.scheduler.schedule(control);
        Ok(())
    }

    fn finish(self: &Arc<Self>, instance: Instance, exit: Exit, call: &Call) {
        let broken = exit.error().is_some_and(is_panic);
        self.put_back((!broken).then_some(instance));
        call.answer(exit.into_result());
        self.pump();
    }

    /// Takes an instance out of use; `None`: it is lost.
    fn put_back(&self, instance: Option<Instance>) {
        let dropped = {
            let mut s = self.state.lock();
            s.completed += 1;
            if let Some(node) = self.node.upgrade() {
                s.last_use = node.clock().now();
            }
            let wanted = s.instances <= s.limit && (!s.draining || !s.waiting.is_empty());
            match instance {
                Some(instance) if wanted => {
                    s.idle.push(instance);
                    None
                }
                other => {
                    s.instances -= 1;
                    other
                }
            }
        };
        drop(dropped);
        self.unbind_if_over();
    }

    fn drain(self: &Arc<Self>, refuse: bool) {
        let dropped = {
            let mut s = self.state.lock();
            s.draining = true;
            s.closed |= refuse;
            let idle = std::mem::take(&mut s.idle);
            s.instances -= idle.len();
            idle
        };
        drop(dropped);
        self.unbind_if_over();
    }

    /// Frees the relay host once the last call of a pool that is to go has ended.
    fn unbind_if_over(&self) {
        let over = {
            let s = self.state.lock();
            s.draining && s.instances == 0 && s.waiting.is_empty()
        };
        if over && let Some(node) = self.node.upgrade() {
            node.router().unregister(self.address);
        }
    }

    /// Arms the timer that makes lazy pools forget and adaptive pools adapt, if there is anything to look after.
    fn look_later(self: &Arc<Self>) {
        let Some(node) = self.node.upgrade() else { return };
        let delay = {
            let mut s = self.state.lock();
            let delay = match (self.config.kind, &s.controller) {
                _ if s.timer || s.draining => None,
                (PoolKind::Lazy, _) if s.busy() == 0 && !s.idle.is_empty() => {
                    let since = Duration::from_nanos(node.clock().now().saturating_sub(s.last_use));
                    Some(IDLE.saturating_sub(since))
                }
                (_, Some(c)) if s.busy() > 0 || !c.is_at_rest() => Some(Duration::from_nanos(TICK)),
                _ => None,
            };
            s.timer |= delay.is_some();
            delay
        };
        if let Some(delay) = delay {
            let pool = Arc::downgrade(self);
            let look = move || {
                if let Some(pool) = pool.upgrade() {
                    pool.look(delay);
                }
            };
            node.timers().arm_after(delay, TimerTarget::Call(Box::new(look)));
        }
    }

    fn look(self: &Arc<Self>, waited: Duration) {
        let Some(node) = self.node.upgrade() else { return };
        let dropped = {
            let mut s = self.state.lock();
            s.timer = false;
            let now = node.clock().now();
            let s = &mut *s;
            let (busy, waiting) = (s.busy(), s.waiting.len());
            let surplus = match &mut s.controller {
                Some(controller) => {
                    let load = Load { busy, waiting, completed: std::mem::take(&mut s.completed) };
                    s.limit = controller.tick(load, node.entropy().unit());
                    s.instances.saturating_sub(s.limit).min(s.idle.len())
                }
                None if busy == 0 && now.saturating_sub(s.last_use) >= IDLE.as_nanos() as u64 => s.idle.len(),
                None => 0,
            };
            s.instances -= surplus;
            s.idle.drain(..surplus).collect::<Vec<_>>()
        };
        tracing::trace!(function = %self.id, dropped = dropped.len(), ?waited, "looked after a pool");
        drop(dropped);
        self.pump();
    }
}
