//! The scheduler inside one process: managed coroutines, who waits for what,
//! and how a result reaches the coroutine that waits.
//!
//! A *managed* coroutine is the main thread or one started by
//! `coroutine.spawn`. Each has a *leaf*: the thread that really runs or waits,
//! which differs from the managed one when plain coroutines are nested inside
//! it. Results are pushed onto the leaf; the managed thread is resumed, and
//! `coroutine.resume` (see `coroutine.rs`) passes the wake-up down to the leaf.
//!
//! Contains `unsafe`. Its rules: thread pointers in the table are alive, since
//! the main thread lives as long as the VM and every other managed thread is
//! anchored in the Lua registry under its own address until it is forgotten; a
//! leaf is alive while its managed coroutine waits, because the stacks between
//! them hold it. A waiting leaf's frame is untouched by anybody else, so the
//! slots named in [`Wait`] keep their values. Nothing here runs Lua code, and
//! no cell stays borrowed while Lua runs.

mod wake;

use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use smallvec::SmallVec;
use wippy_runtime::Error;
use wippy_runtime::dispatch::StepContext;
use wippy_runtime::payload::Flat;
use wippy_runtime::process::{Control, Limits, Reply, Tag};
use wippy_runtime::registry::EntryId;
use wippy_runtime::relay::Pid;
use wippy_runtime::timers::{TimerKey, Timers};

use super::line::Line;
use super::mailbox::Mailbox;
use super::source::{SourceId, Sources};
use crate::native::ffi::{self, lua_State};
use crate::native::{Call, Raise, Stack};

/// Names a managed coroutine of its process; reused after its end.
pub type CoId = u32;
/// No coroutine.
pub const NOBODY: CoId = u32::MAX;
/// The main function's coroutine.
pub const MAIN: CoId = 0;
/// Managed coroutines one process may have.
pub const MAX_COROUTINES: usize = 10_000;

/// What a managed coroutine waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    /// Nothing: it runs or is ready.
    Not,
    /// One end of a channel; the value of a sender is in slot 2 of the leaf.
    Channel,
    /// One of `n` cases; channel and value of case k are in slots `base + 2k` and `base + 2k + 1` of the leaf.
    Select { base: i32, n: i32 },
    /// A completion with the tag of this wait.
    Request,
    /// A timer that completes the tag of this wait.
    Timer(TimerKey),
    /// Nothing that can come.
    Forever,
}

struct Coroutine {
    /// Null: the place is free.
    thread: *mut lua_State,
    leaf: *mut lua_State,
    /// Values on top of the leaf that it is resumed with.
    args: i32,
    /// Counts waits, so that a late completion finds nobody.
    turn: u32,
    wait: Wait,
    reply: Option<Result<Reply, Error>>,
}

/// Why a process ends that did not want to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Killed {
    /// Somebody asked for it.
    Canceled,
    /// It caught "not enough memory" and met it again at once.
    Memory,
    /// A callback that cannot be suspended does not come to an end.
    Stuck,
    /// As `Stuck`, while the chunk is executed.
    Loading,
}

impl Killed {
    pub(super) fn text(self) -> &'static std::ffi::CStr {
        match self {
            Killed::Canceled => c"context canceled",
            Killed::Memory => c"not enough memory",
            Killed::Stuck => c"a callback that cannot be interrupted does not come to an end",
            Killed::Loading => c"the chunk does not come to an end",
        }
    }
}

/// Why the process wants to stop running its code.
pub(super) enum Leave {
    Upgrade(Option<EntryId>, Flat),
}

/// Marks tags of [`Sources`]; all others name a coroutine and its turn.
pub(super) const SOURCE_TAG: Tag = 1 << 63;

/// See the module comment. One per VM, found from any of its threads by [`Engine::of`].
///
/// What every step touches comes first and lies together: with many processes, the time of a message is the number of
/// cache lines it needs.
#[repr(C)]
pub struct Engine {
    pub(super) pid: Cell<Pid>,
    /// Bytes a message may have.
    message_limit: Cell<usize>,
    /// Of the coroutine that is being resumed: its leaf, and how many values wait on it.
    leaf: Cell<*mut lua_State>,
    leaf_args: Cell<i32>,
    current: Cell<CoId>,
    /// Coroutines that exist, and those that wait for a completion.
    live: Cell<u32>,
    pending: Cell<u32>,
    ready: RefCell<Line<CoId>>,
    /// The yield that is going on is for the engine, not for a `coroutine.resume` of the program.
    system: Cell<bool>,
    /// The slice was used up.
    pub(super) preempted: Cell<bool>,
    /// The coroutine that was resumed last has done more than compute since then.
    pub(super) acted: Cell<bool>,
    /// A coroutine was preempted that had only computed: nothing may change before it goes on.
    pub(super) computing: Cell<bool>,
    /// The process is to end: no Lua code may run any more.
    pub(super) killed: Cell<Option<Killed>>,
    /// Where the last message went.
    pub(super) destination: RefCell<Option<Box<Destination>>>,
    coroutines: RefCell<SmallVec<[Coroutine; 1]>>,
    pub(super) mailbox: RefCell<Mailbox>,
    control: RefCell<Option<Arc<Control>>>,
    rare: OnceCell<Box<Rare>>,
    /// The step in which chunks are loaded, null if that is outside of steps; only the VM's safepoints use it.
    pub(super) loading: Cell<*mut c_void>,
    /// Fuel burnt since the code could be suspended last.
    pub(super) stuck: Cell<u32>,
    /// Callbacks that cannot be suspended and that a coroutine runs in: it cannot be suspended for the engine either.
    pinned: Cell<u32>,
    /// Memory errors of the VM when the process waited last.
    pub(super) forgiven: Cell<usize>,
    /// The slice was used up where the code could not be suspended: fuel until the next look at the clock.
    pub(super) overdue: Cell<u32>,
}

/// What most processes never need; made when it is first written to ([`Engine::rare`]).
#[derive(Default)]
pub(super) struct Rare {
    /// Those that let others run first; ready again in the next step.
    yielded: RefCell<Vec<CoId>>,
    /// Sources whose channel was collected.
    pub(super) orphans: RefCell<Vec<SourceId>>,
    pub(super) sources: RefCell<Sources>,
    pub(super) leave: RefCell<Option<Box<Leave>>>,
    /// The node's wheel, once a timer was armed.
    timers: OnceCell<Arc<Timers>>,
    /// Places in the table of coroutines.
    free: RefCell<Vec<CoId>>,
    /// Plain coroutines that an engine yield went through and that wait for it to come back.
    passing: RefCell<Vec<*mut lua_State>>,
    /// The thread on whose stack handlers of sources work; `None` before the first one.
    handlers: Cell<Option<NonNull<lua_State>>>,
    /// [`ObjectRef`](super::ObjectRef)s made so far.
    pub(super) refs: Cell<i64>,
}

/// A pid that the program sent to, and its process.
pub(super) struct Destination {
    /// As the program wrote it.
    pub text: SmallVec<[u8; 40]>,
    pub pid: Pid,
    pub process: Arc<Control>,
}

// SAFETY: used by one thread at a time, the one that runs the VM; its pointers are into that VM.
unsafe impl Send for Engine {}

impl Engine {
    pub(super) fn new() -> Engine {
        Engine {
            destination: RefCell::new(None),
            coroutines: RefCell::default(),
            ready: RefCell::default(),
            rare: OnceCell::new(),
            current: Cell::new(NOBODY),
            live: Cell::new(0),
            pending: Cell::new(0),
            leaf: Cell::new(std::ptr::null_mut()),
            leaf_args: Cell::new(0),
            system: Cell::new(false),
            preempted: Cell::new(false),
            acted: Cell::new(false),
            computing: Cell::new(false),
            loading: Cell::new(std::ptr::null_mut()),
            killed: Cell::new(None),
            stuck: Cell::new(0),
            pinned: Cell::new(0),
            forgiven: Cell::new(0),
            overdue: Cell::new(0),
            mailbox: RefCell::default(),
            control: RefCell::new(None),
            pid: Cell::new(Pid::none()),
            message_limit: Cell::new(usize::MAX),
        }
    }
    /// What most processes never need, to change it.
    pub(super) fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }
    /// What most processes never need; `None`: it is as new.
    #[inline]
    pub(super) fn known_rare(&self) -> Option<&Rare> {
        self.rare.get().map(|rare| &**rare)
    }

    /// The engine of the VM that `stack` belongs to. `None` in a VM that no process drives.
    #[inline]
    pub fn of<'a>(stack: &Stack<'a>) -> Option<&'a Engine> {
        stack.state().engine()
    }

    // ---- the run of the process

    pub(super) fn set_control(&self, control: Option<Arc<Control>>) {
        self.pid.set(control.as_ref().map_or(Pid::none(), |c| c.pid()));
        let limit = control.as_ref().map_or(0, |c| c.host.limits.message);
        self.message_limit.set(if limit == 0 { usize::MAX } else { limit });
        *self.control.borrow_mut() = control;
    }
    /// The control block of the process; `None` when no run has begun.
    pub fn control(&self) -> Option<Arc<Control>> {
        self.control.borrow().clone()
    }
    /// The pid of the process.
    pub fn pid(&self) -> Pid {
        self.pid.get()
    }

    /// A limit of the host, if it has that one.
    pub(super) fn limits(&self, which: impl Fn(&Limits) -> usize) -> Option<usize> {
        self.control.borrow().as_ref().map(|c| which(&c.host.limits)).filter(|limit| *limit > 0)
    }
    /// Bytes a message may have.
    pub(crate) fn message_limit(&self) -> usize {
        self.message_limit.get()
    }
    pub(super) fn timers(&self, cx: &StepContext<'_>) -> &Arc<Timers> {
        self.rare().timers.get_or_init(|| cx.node().timers().clone())
    }
    pub(super) fn cancel_timers(&self, armed: Vec<TimerKey>) {
        if let Some(timers) = self.known_rare().and_then(|rare| rare.timers.get()) {
            for key in armed {
                timers.cancel(key);
            }
        }
    }

    /// Forgets everything of the last run but the VM's globals. Timers are given back for cancelling.
    pub(super) fn clear(&self, main: *mut lua_State) -> Vec<TimerKey> {
        let mut timers = Vec::new();
        for co in self.coroutines.borrow_mut().drain(..) {
            if let Wait::Timer(key) = co.wait {
                timers.push(key);
            }
            if !co.thread.is_null() && co.thread != main {
                // SAFETY: raw registry access; the key is the thread's address.
                unsafe { anchor(main, co.thread, false) };
            }
        }
        self.ready.borrow_mut().clear();
        if let Some(rare) = self.known_rare() {
            rare.free.borrow_mut().clear();
            rare.yielded.borrow_mut().clear();
            rare.passing.borrow_mut().clear();
            *rare.leave.borrow_mut() = None;
        }
        self.current.set(NOBODY);
        self.live.set(0);
        self.pending.set(0);
        self.system.set(false);
        self.preempted.set(false);
        self.computing.set(false);
        self.killed.set(None);
        self.stuck.set(0);
        self.pinned.set(0);
        *self.destination.borrow_mut() = None;
        timers
    }

    // ---- coroutines

    /// Makes `thread` a managed coroutine that is ready, with `args` values on it. Errors: LimitExceeded.
    pub(super) fn adopt(&self, thread: *mut lua_State, args: i32) -> Result<CoId, Error> {
        let limit = self.limits(|limits| limits.coroutines).map_or(MAX_COROUTINES, |limit| limit.min(MAX_COROUTINES));
        if self.live.get() as usize >= limit {
            return Err(Error::limit_exceeded(format!("a process may have {limit} coroutines")));
        }
        let mut all = self.coroutines.borrow_mut();
        let co = Coroutine { thread, leaf: thread, args, turn: 0, wait: Wait::Not, reply: None };
        let id = match self.known_rare().and_then(|rare| rare.free.borrow_mut().pop()) {
            Some(id) => {
                let turn = all[id as usize].turn + 1;
                all[id as usize] = Coroutine { turn, ..co };
                id
            }
            None => {
                all.push(co);
                all.len() as CoId - 1
            }
        };
        self.live.set(self.live.get() + 1);
        Ok(id)
    }
    /// Forgets a coroutine that has ended.
    pub(super) fn forget(&self, id: CoId) {
        let mut all = self.coroutines.borrow_mut();
        let co = &mut all[id as usize];
        // SAFETY: the thread is alive and anchored; it has ended, so nobody needs it here any more.
        unsafe { anchor(co.thread, co.thread, false) };
        co.thread = std::ptr::null_mut();
        co.wait = Wait::Not;
        self.live.set(self.live.get() - 1);
        self.rare().free.borrow_mut().push(id);
    }
    /// Managed coroutines that exist.
    pub fn coroutine_count(&self) -> u32 {
        self.live.get()
    }
    /// True if `thread` is a managed coroutine.
    pub(super) fn is_managed(&self, thread: *mut lua_State) -> bool {
        self.coroutines.borrow().iter().any(|co| co.thread == thread)
    }
    pub(super) fn current(&self) -> CoId {
        self.current.get()
    }
    /// True while Lua code of the process runs under the scheduler.
    pub fn is_running(&self) -> bool {
        self.current.get() != NOBODY
    }
    /// True if `l` is the managed thread that runs now.
    pub(super) fn is_current_root(&self, l: *mut lua_State) -> bool {
        let current = self.current.get();
        current != NOBODY && self.coroutines.borrow()[current as usize].thread == l
    }

    /// The stack for handlers of sources.
    pub(super) fn handler_stack<'a>(&self, stack: &Stack<'a>) -> Stack<'a> {
        let handlers = &self.rare().handlers;
        let thread = handlers.get().map_or(std::ptr::null_mut(), NonNull::as_ptr);
        let thread = if thread.is_null() {
            assert!(stack.reserve(4), "Lua stack exhausted");
            // SAFETY: room was made; the new thread is anchored for the life of the VM before it leaves the stack.
            let thread = unsafe {
                let thread = ffi::lua_newthread(stack.raw());
                anchor(stack.raw(), thread, true);
                thread
            };
            handlers.set(NonNull::new(thread));
            stack.drop_top(1);
            thread
        } else {
            thread
        };
        // SAFETY: a thread of the VM that `stack` belongs to, with the limit suspended as for `stack`.
        unsafe { Stack::new(thread) }
    }

    // ---- running

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.borrow().is_empty()
    }
    pub(super) fn next_ready(&self) -> Option<CoId> {
        self.ready.borrow_mut().pop_front()
    }
    pub(super) fn push_ready(&self, id: CoId) {
        self.ready.borrow_mut().push_back(id);
    }
    pub(super) fn push_ready_first(&self, id: CoId) {
        self.ready.borrow_mut().push_front(id);
    }
    /// Makes a coroutine ready again whose slice was used up. One that only computed goes on before anything else
    /// happens in the process, so that it cannot see the interruption. One that sends, waits with a default and so on,
    /// without ever waiting, lets the others have their turn.
    pub(super) fn push_preempted(&self, id: CoId) {
        if self.acted.get() {
            self.push_ready(id);
        } else {
            self.push_ready_first(id);
            self.computing.set(true);
        }
    }
    pub(super) fn push_yielded(&self, id: CoId) {
        self.rare().yielded.borrow_mut().push(id);
    }
    /// Makes those that yielded ready again; false if there are none.
    pub(super) fn ready_yielded(&self) -> bool {
        let Some(rare) = self.known_rare() else { return false };
        let mut yielded = rare.yielded.borrow_mut();
        if yielded.is_empty() {
            return false;
        }
        yielded.drain(..).for_each(|id| self.push_ready(id));
        true
    }

    /// Runs coroutine `id` until it yields, ends or fails; the status is that of `lua_resume`, the results are on
    /// the thread.
    ///
    /// # Safety
    /// The VM is not running, the memory limit is in force, nothing of the engine is borrowed.
    pub(super) unsafe fn resume(&self, id: CoId, results: &mut i32) -> (i32, *mut lua_State) {
        let (thread, args) = {
            let mut all = self.coroutines.borrow_mut();
            let co = &mut all[id as usize];
            self.leaf.set(co.leaf);
            self.leaf_args.set(co.args);
            let args = if co.leaf == co.thread { co.args } else { 0 };
            co.args = 0;
            co.leaf = co.thread;
            (co.thread, args)
        };
        self.current.set(id);
        self.system.set(false);
        // SAFETY: promised; the thread is suspended or fresh.
        let status = unsafe { ffi::lua_resume(thread, std::ptr::null_mut(), args, results) };
        self.current.set(NOBODY);
        (status, thread)
    }
    /// How many values the plain coroutine `l` is resumed with after an engine yield.
    pub(super) fn args_for(&self, l: *mut lua_State) -> i32 {
        if self.leaf.get() == l { self.leaf_args.get() } else { 0 }
    }

    // ---- engine yields

    /// Whether the yield that just happened is one of the engine's.
    pub(super) fn is_system_yield(&self) -> bool {
        self.system.get()
    }
    pub(super) fn set_system_yield(&self, on: bool) {
        self.system.set(on);
    }
    pub(super) fn begin_passing(&self, l: *mut lua_State) {
        self.rare().passing.borrow_mut().push(l);
    }
    pub(super) fn end_passing(&self, l: *mut lua_State) {
        let Some(rare) = self.known_rare() else { return };
        let mut passing = rare.passing.borrow_mut();
        if let Some(at) = passing.iter().rposition(|p| *p == l) {
            passing.swap_remove(at);
        }
    }
    /// True if an engine yield went through the plain coroutine `l` and has not come back.
    pub(super) fn is_passing(&self, l: *mut lua_State) -> bool {
        self.known_rare().is_some_and(|rare| rare.passing.borrow().contains(&l))
    }

    /// Raises unless the running function can suspend its coroutine.
    pub fn check_can_block(&self, call: &Call<'_>) -> Result<(), Raise> {
        if !self.is_running() {
            return Err(Raise::text(format!("{}: no scheduler attached", call.name())));
        }
        // SAFETY: reads only.
        if unsafe { ffi::lua_isyieldable(call.raw()) } == 0 || self.is_pinned() {
            return Err(Raise::text(format!("{}: cannot wait inside a callback that cannot yield", call.name())));
        }
        Ok(())
    }
    /// Notes that the running coroutine waits at the leaf of `call`; the native function then has to yield.
    /// Gives the tag that ends the wait.
    pub(super) fn block(&self, call: &Stack<'_>, wait: Wait) -> Tag {
        let id = self.current.get();
        let mut all = self.coroutines.borrow_mut();
        let co = &mut all[id as usize];
        co.leaf = call.raw();
        co.args = 0;
        co.wait = wait;
        if matches!(wait, Wait::Request | Wait::Timer(_)) {
            self.pending.set(self.pending.get() + 1);
        }
        self.system.set(true);
        tag(id, co.turn)
    }
    /// The tag of the running coroutine's next wait for a completion.
    pub(super) fn next_tag(&self) -> Tag {
        let id = self.current.get();
        let mut all = self.coroutines.borrow_mut();
        let co = &mut all[id as usize];
        co.turn = (co.turn + 1) & 0x7FFF_FFFF;
        tag(id, co.turn)
    }
    /// Begins (`true`) or ends the run of a coroutine whose resumer cannot be suspended.
    pub(super) fn pin(&self, begin: bool) {
        let pinned = self.pinned.get();
        self.pinned.set(if begin { pinned + 1 } else { pinned.saturating_sub(1) });
    }
    /// Whether the running code cannot be suspended for the engine although its own thread could be.
    pub(super) fn is_pinned(&self) -> bool {
        self.pinned.get() > 0
    }
    /// Notes where a coroutine that was preempted, or gave way, goes on.
    pub(super) fn paused(&self, leaf: *mut lua_State) {
        let mut all = self.coroutines.borrow_mut();
        let co = &mut all[self.current.get() as usize];
        co.leaf = leaf;
        co.args = 0;
        self.system.set(true);
    }
    /// Resumes the running coroutine, which is about to yield, with the top `args` values it has already.
    pub(super) fn keep_args(&self, args: i32) {
        self.coroutines.borrow_mut()[self.current.get() as usize].args = args;
    }

    // ---- the end

    /// Whether a process whose coroutines are all blocked can never go on.
    pub(super) fn is_deadlocked(&self) -> bool {
        self.pending.get() == 0
            && self.mailbox.borrow().is_unused()
            && !self.has_sources()
            && self.coroutines.borrow().iter().all(|co| co.thread.is_null() || co.wait == Wait::Forever)
    }
    /// Whether nothing can wake the process up but its own coroutines, which all wait.
    pub(super) fn waits_for_nothing(&self) -> bool {
        !self.has_pending() && self.mailbox.borrow().is_unused()
    }
    /// Whether some coroutine or subscription waits for a completion.
    pub(super) fn has_pending(&self) -> bool {
        self.pending.get() > 0 || self.has_sources()
    }
    fn has_sources(&self) -> bool {
        self.known_rare().is_some_and(|rare| !rare.sources.borrow().is_empty())
    }
}

fn tag(id: CoId, turn: u32) -> Tag {
    u64::from(turn) << 32 | u64::from(id)
}

/// Keeps `thread` alive in the registry, or stops doing so.
///
/// # Safety
/// Both are live threads of one VM with the memory limit suspended.
pub(super) unsafe fn anchor(l: *mut lua_State, thread: *mut lua_State, keep: bool) {
    // SAFETY: promised; raw access to the registry.
    unsafe {
        let key: *const c_void = thread.cast();
        ffi::lua_checkstack(l, 2);
        if keep {
            ffi::lua_pushthread(thread);
            if thread != l {
                ffi::lua_xmove(thread, l, 1);
            }
        } else {
            ffi::lua_pushnil(l);
        }
        ffi::lua_rawsetp(l, ffi::LUA_REGISTRYINDEX, key);
    }
}

/// Gives native functions the step context while the process is inside a step.
pub trait InProcess<'a> {
    /// The engine of the process, to do something with it. Errors: the VM belongs to no process.
    fn engine(&self) -> Result<&'a Engine, Raise>;
    /// Calls `f` with the step context; all that the process has sent is delivered before.
    /// Errors: no step is going on (`no scheduler attached`).
    fn with_step<T>(&self, f: impl FnOnce(&mut StepContext<'_>) -> T) -> Result<T, Raise>;
    /// [`InProcess::with_step`] for sending and receiving, which leave it to the step when messages go.
    fn with_messages<T>(&self, f: impl FnOnce(&mut StepContext<'_>) -> T) -> Result<T, Raise>;
}

impl<'a> InProcess<'a> for Stack<'a> {
    #[inline]
    fn engine(&self) -> Result<&'a Engine, Raise> {
        let engine = Engine::of(self).ok_or_else(|| Raise::text("no context found"))?;
        engine.acted.set(true);
        Ok(engine)
    }
    #[inline]
    fn with_step<T>(&self, f: impl FnOnce(&mut StepContext<'_>) -> T) -> Result<T, Raise> {
        self.with_messages(|cx| {
            cx.flush();
            f(cx)
        })
    }
    #[inline]
    fn with_messages<T>(&self, f: impl FnOnce(&mut StepContext<'_>) -> T) -> Result<T, Raise> {
        let step = self.state().step.get();
        if step.is_null() {
            return Err(Raise::text("no scheduler attached"));
        }
        // SAFETY: set by the instance for the duration of its step, during which only native functions, one at a
        // time, reach it; `f` cannot call back into Lua while it holds the reference.
        Ok(f(unsafe { &mut *step.cast::<StepContext<'_>>() }))
    }
}

impl Stack<'_> {
    /// Rotates the values from slot `i` to the top by `n` places towards the top.
    pub(crate) fn rotate(&self, i: i32, n: i32) {
        // SAFETY: callers name slots that exist.
        unsafe { ffi::lua_rotate(self.raw(), i, n) }
    }
    /// Moves the top value onto another thread of the VM.
    pub(super) fn move_to(&self, to: &Stack<'_>) {
        if self.raw() != to.raw() {
            assert!(to.reserve(4), "Lua stack exhausted");
            // SAFETY: room was made; both are threads of one VM.
            unsafe { ffi::lua_xmove(self.raw(), to.raw(), 1) }
        }
    }
}
