//! The control block: all the runtime knows about one process. A million of
//! them must fit beside their VMs, so relations and hooks cost nothing until
//! they are used (the size is asserted in `tests/process_size.rs`).

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_utils::CachePadded;
use parking_lot::{Mutex, RwLock};

use super::cpu::HostCpu;
use super::event::{Completion, Event, Notice, Tag};
use super::held::{Held, HeldId};
use super::own::{OwnLimits, lower};
use super::parcel::Parcel;
use super::queue::{EventQueue, Full};
use super::state::{StateWord, Wake};
use super::walls::Walls;
use super::{Exit, Frame, Invocation, Process};
use crate::dispatch::CapabilitySet;
use crate::error::Error;
use crate::maps::FastSet;
use crate::relay::{Name, Pid};
use crate::scheduler::Scheduler;

/// Limits a host puts on its processes. Zero means none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory for each process.
    pub memory: usize,
    /// Live processes on the host.
    pub processes: usize,
    /// Messages waiting in a mailbox.
    pub mailbox_messages: usize,
    /// Bytes waiting in a mailbox.
    pub mailbox_bytes: usize,
    /// Bytes of one message.
    pub message: usize,
    /// Nanoseconds a process may run before others get their turn.
    pub slice: u64,
    /// Nanoseconds of CPU for one call of a function, and for a process between two moments in which it waits.
    pub cpu_call: u64,
    /// Thousandths of what all hosts compute that this one gets while others want the machine.
    pub cpu_share: u32,
    /// Timers and tickers one process may have armed.
    pub timers: usize,
    /// Coroutines one process may have, its main one included.
    pub coroutines: usize,
    /// Streams, files and other things one process may hold open.
    pub handles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: 0,
            processes: 1_000_000,
            mailbox_messages: 0,
            mailbox_bytes: 0,
            message: 64 << 20,
            slice: 1_000_000,
            cpu_call: 0,
            cpu_share: 0,
            timers: 0,
            coroutines: 0,
            handles: 0,
        }
    }
}

impl Limits {
    /// Whether mailboxes are limited.
    pub fn has_mailbox(&self) -> bool {
        self.mailbox_messages > 0 || self.mailbox_bytes > 0
    }
}

/// What a host is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum HostState {
    Stopped = 0,
    Running = 1,
    Stopping = 2,
}

/// Called with each process of one host before it is initialised (not with calls of functions that run there), in the
/// spawner's thread. If the start fails nothing more is heard of the process.
pub type StartHook = Box<dyn Fn(&Arc<Control>, &Invocation) + Send + Sync>;

/// What all processes of one host share.
pub struct HostShared {
    pub id: Name,
    pub scheduler: Arc<dyn Scheduler>,
    pub capabilities: CapabilitySet,
    pub limits: Limits,
    /// `None`: there are none, which is the ordinary case.
    pub(super) walls: Option<Box<Walls>>,
    strict_imports: bool,
    pub(super) cpu: CachePadded<HostCpu>,
    counts: CachePadded<Counts>,
    state: AtomicU32,
    on_start: OnceLock<StartHook>,
    emptied: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

/// What every start and end writes, apart from what every send reads.
#[derive(Default)]
struct Counts {
    /// Processes that count against the limit: until their end is told to anybody.
    live: AtomicUsize,
    /// Processes whose end is not yet done with.
    unfinished: AtomicUsize,
}

impl HostShared {
    pub fn new(id: Name, scheduler: Arc<dyn Scheduler>, capabilities: CapabilitySet, limits: Limits) -> HostShared {
        HostShared {
            id,
            scheduler,
            capabilities,
            limits,
            walls: None,
            strict_imports: false,
            cpu: CachePadded::default(),
            counts: CachePadded::default(),
            state: AtomicU32::new(0),
            on_start: OnceLock::new(),
            emptied: Mutex::default(),
        }
    }
    /// The host with walls around it.
    pub fn with_walls(mut self, walls: Walls) -> HostShared {
        self.walls = (!walls.is_open()).then(|| Box::new(walls));
        self
    }
    /// The host, where a component that imports what nobody gives it fails when it is loaded, not when it calls it.
    pub fn with_strict_imports(mut self, strict: bool) -> HostShared {
        self.strict_imports = strict;
        self
    }
    /// See [`HostShared::with_strict_imports`].
    pub fn strict_imports(&self) -> bool {
        self.strict_imports
    }
    /// Sets what is called with each process; before the first of them, and once.
    pub fn on_start(&self, hook: StartHook) {
        if self.on_start.set(hook).is_err() {
            tracing::error!(host = %self.id.text(), "the host has a start hook already");
        }
    }
    pub(crate) fn start_hook(&self) -> Option<&StartHook> {
        self.on_start.get()
    }
    /// Processes alive on this host, calls of functions that run there included.
    pub fn live(&self) -> usize {
        self.counts.live.load(Ordering::SeqCst)
    }
    /// Counts one more. Errors: the host's limit.
    pub(crate) fn admit(&self) -> Result<(), Error> {
        let live = self.counts.live.fetch_add(1, Ordering::SeqCst);
        if self.limits.processes > 0 && live >= self.limits.processes {
            self.counts.live.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::limit_exceeded("max processes limit exceeded"));
        }
        self.counts.unfinished.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    /// A process ends: there is room for another one. [`HostShared::finished`] follows.
    pub(crate) fn leave(&self) {
        self.counts.live.fetch_sub(1, Ordering::SeqCst);
    }
    /// All that its end entails is done.
    pub(crate) fn finished(&self) {
        if self.counts.unfinished.fetch_sub(1, Ordering::SeqCst) == 1 && self.state() == HostState::Stopping {
            self.tell_if_empty();
        }
    }
    /// Calls `f` once when the host, which is stopping, has no process any more and all exits are told: at once if it
    /// has none. Replaces what was to be called before.
    pub fn when_empty(&self, f: Box<dyn FnOnce() + Send>) {
        *self.emptied.lock() = Some(f);
        self.tell_if_empty();
    }
    fn tell_if_empty(&self) {
        let empty = self.counts.unfinished.load(Ordering::SeqCst) == 0;
        let told = if empty { self.emptied.lock().take() } else { None };
        if let Some(f) = told {
            f();
        }
    }
    pub fn state(&self) -> HostState {
        match self.state.load(Ordering::SeqCst) {
            0 => HostState::Stopped,
            1 => HostState::Running,
            _ => HostState::Stopping,
        }
    }
    pub fn set_state(&self, state: HostState) {
        self.state.store(state as u32, Ordering::SeqCst);
    }
    /// `host is not running` or `host is shutting down` unless the host takes processes and messages.
    pub fn check_running(&self) -> Result<(), Error> {
        match self.state() {
            HostState::Running => Ok(()),
            HostState::Stopped => Err(Error::unavailable("host is not running")),
            HostState::Stopping => Err(Error::unavailable("host is shutting down")),
        }
    }
}

/// A set of pids that is nothing, one pid, or a hash set.
#[derive(Default)]
pub enum PidSet {
    #[default]
    Empty,
    One(Pid),
    Many(Box<FastSet<Pid>>),
}

impl PidSet {
    /// False if it was there already.
    pub fn insert(&mut self, pid: Pid) -> bool {
        match self {
            PidSet::Empty => *self = PidSet::One(pid),
            PidSet::One(p) if *p == pid => return false,
            PidSet::One(p) => *self = PidSet::Many(Box::new(FastSet::from_iter([*p, pid]))),
            PidSet::Many(set) => return set.insert(pid),
        }
        true
    }
    pub fn remove(&mut self, pid: Pid) -> bool {
        match self {
            PidSet::One(p) if *p == pid => {
                *self = PidSet::Empty;
                true
            }
            PidSet::Many(set) => set.remove(&pid),
            _ => false,
        }
    }
    /// In ascending order, so that runs under a seed repeat.
    pub fn sorted(&self) -> Vec<Pid> {
        match self {
            PidSet::Empty => Vec::new(),
            PidSet::One(p) => vec![*p],
            PidSet::Many(set) => {
                let mut v: Vec<Pid> = set.iter().copied().collect();
                v.sort_unstable();
                v
            }
        }
    }
}

/// Monitors, links and names of one process.
#[derive(Default)]
pub struct Relations {
    /// Who gets this process's exit.
    pub watchers: PidSet,
    /// Whose exits this process gets.
    pub watching: PidSet,
    pub links: PidSet,
    pub names: Vec<Arc<str>>,
    /// The process has ended: nothing may be added any more.
    pub closed: bool,
}

/// Called once with the end of a process, on the worker that ended it; must be quick.
pub type ExitHook = Box<dyn FnOnce(&Exit) + Send>;

/// Where the cancellation of a request in flight is kept; see [`Control::cancellable`].
#[derive(Clone, Default)]
pub struct CancelSlot(Arc<Mutex<Cancellation>>);

#[derive(Default)]
enum Cancellation {
    #[default]
    Unset,
    Set(Box<dyn FnOnce() + Send>),
    Cancelled,
}

impl CancelSlot {
    /// Sets what cancels the request; runs it at once if the request has been cancelled already.
    pub fn set(&self, cancel: Box<dyn FnOnce() + Send>) {
        let mut state = self.0.lock();
        match *state {
            Cancellation::Cancelled => {
                drop(state);
                cancel();
            }
            _ => *state = Cancellation::Set(cancel),
        }
    }
    fn cancel(&self) {
        let old = std::mem::replace(&mut *self.0.lock(), Cancellation::Cancelled);
        if let Cancellation::Set(cancel) = old {
            cancel();
        }
    }
}

/// Takes an instance back for another run, with how this one ended.
pub type Reclaim = Box<dyn FnOnce(Box<dyn Process>, Exit) + Send>;

/// What happens at the end of a process besides notices.
#[derive(Default)]
pub struct Exits {
    pub hooks: Vec<ExitHook>,
    /// Run before anybody hears of the end.
    pub departures: Vec<Box<dyn FnOnce() + Send>>,
    /// Requests in flight that must be cancelled, by tag.
    pub cancels: Vec<(Tag, Box<dyn FnOnce() + Send>)>,
    /// What is let go at the end.
    pub(crate) held: Held,
    /// What belongs to the process for its whole life.
    pub(crate) attached: Vec<Arc<dyn Any + Send + Sync>>,
    /// Where the instance goes for reuse (function pools).
    pub reclaim: Option<Reclaim>,
}

/// See the module comment.
pub struct Control {
    pid: Pid,
    pub state: StateWord,
    options: AtomicU32,
    pub(crate) last_worker: AtomicU16,
    pub queue: EventQueue,
    pub(crate) process: Mutex<Option<Box<dyn Process>>>,
    pub host: Arc<HostShared>,
    frame: RwLock<Arc<Frame>>,
    /// Policies allow every send of this frame; see [`Control::sends_freely`].
    sends_freely: AtomicBool,
    own_limits: Option<Box<OwnLimits>>,
    pub relations: Mutex<Relations>,
    pub(crate) exits: Mutex<Option<Box<Exits>>>,
    /// Messages the engine has taken in that the program has not received yet, and their bytes, as of its last step.
    /// Reported only where the host limits mailboxes.
    unread: (AtomicU32, AtomicU64),
    /// Bytes of memory the engine last reported, and the most it ever used.
    pub memory: AtomicU64,
    pub memory_peak: AtomicU64,
    /// Nanoseconds since the Unix epoch.
    pub started: i64,
    /// Steps begun; written only by the worker that runs the process.
    pub(crate) steps: AtomicU64,
    /// Nanoseconds computed, and of these the ones that count against the budget of a call; written as `steps` is.
    cpu: (AtomicU64, AtomicU64),
}

const TRAP_LINKS: u32 = 1;
const UPGRADABLE: u32 = 2;
/// The exit bookkeeping is done with; set under its lock.
const ENDED: u32 = 4;

impl Control {
    pub(crate) fn new(pid: Pid, host: Arc<HostShared>, frame: Frame, started: i64) -> Control {
        Control {
            pid,
            state: StateWord::new(),
            options: AtomicU32::new(0),
            last_worker: AtomicU16::new(u16::MAX),
            queue: EventQueue::default(),
            process: Mutex::new(None),
            host,
            frame: RwLock::new(Arc::new(frame)),
            sends_freely: AtomicBool::new(false),
            own_limits: None,
            relations: Mutex::default(),
            exits: Mutex::new(None),
            unread: Default::default(),
            memory: AtomicU64::new(0),
            memory_peak: AtomicU64::new(0),
            started,
            steps: AtomicU64::new(0),
            cpu: Default::default(),
        }
    }
    /// Sets limits below those of the host.
    pub(crate) fn lower(&mut self, own: OwnLimits) {
        self.own_limits = (!own.is_none()).then(|| Box::new(own));
    }
    /// Bytes of memory it may have, 0 for any number.
    pub fn memory_limit(&self) -> usize {
        lower(self.host.limits.memory, self.own_limits.as_ref().and_then(|own| own.memory).map(Into::into))
    }
    /// Nanoseconds of CPU for a call, 0 for any number; see [`Limits::cpu_call`].
    #[inline]
    pub fn cpu_limit(&self) -> u64 {
        lower(self.host.limits.cpu_call, self.own_limits.as_ref().and_then(|own| own.call).map(Into::into))
    }
    /// Nanoseconds of a slice.
    #[inline]
    pub fn slice(&self) -> u64 {
        lower(self.host.limits.slice, self.own_limits.as_ref().and_then(|own| own.slice).map(Into::into))
    }
    /// Steps begun so far.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }
    /// Nanoseconds it has computed. Exact where its host limits CPU, an estimate from samples elsewhere.
    pub fn cpu(&self) -> u64 {
        self.cpu.0.load(Ordering::Relaxed)
    }
    pub(crate) fn charge(&self, nanos: u64) {
        self.cpu.0.store(self.cpu() + nanos, Ordering::Relaxed);
    }
    /// What it has used of the budget of the call that it is, or since it waited last.
    pub(crate) fn call_cpu(&self) -> u64 {
        self.cpu.1.load(Ordering::Relaxed)
    }
    pub(crate) fn set_call_cpu(&self, nanos: u64) {
        self.cpu.1.store(nanos, Ordering::Relaxed);
    }
    /// Whether it is one call of a function, which runs on its caller's host, and no process of its own.
    pub fn is_call(&self) -> bool {
        self.pid.host != self.host.id
    }
    pub fn pid(&self) -> Pid {
        self.pid
    }
    pub fn frame(&self) -> Arc<Frame> {
        self.frame.read().clone()
    }
    /// Whether it is known that policies allow it to send to anybody. Scopes never change, so it stays so.
    #[inline]
    pub(crate) fn sends_freely(&self) -> bool {
        self.sends_freely.load(Ordering::Relaxed)
    }
    pub(crate) fn let_send_freely(&self) {
        self.sends_freely.store(true, Ordering::Relaxed);
    }
    pub(crate) fn set_frame(&self, frame: Frame) {
        self.sends_freely.store(false, Ordering::Relaxed);
        *self.frame.write() = Arc::new(frame);
    }

    fn option(&self, bit: u32) -> bool {
        self.options.load(Ordering::Acquire) & bit != 0
    }
    fn set_option(&self, bit: u32, on: bool) {
        if on {
            self.options.fetch_or(bit, Ordering::AcqRel);
        } else {
            self.options.fetch_and(!bit, Ordering::AcqRel);
        }
    }
    /// Whether failures of linked processes arrive as notices instead of ending this process.
    pub fn trap_links(&self) -> bool {
        self.option(TRAP_LINKS)
    }
    pub fn set_trap_links(&self, on: bool) {
        self.set_option(TRAP_LINKS, on);
    }
    /// Whether the process wants to hear that its code changed.
    pub fn upgradable(&self) -> bool {
        self.option(UPGRADABLE)
    }
    pub fn set_upgradable(&self, on: bool) {
        self.set_option(UPGRADABLE, on);
    }
    pub(crate) fn reset_options(&self) {
        self.options.store(0, Ordering::Release);
    }

    /// Queues an event and wakes the process. Errors: it has ended, or its mailbox is full.
    pub fn push(self: &Arc<Self>, event: Event) -> Result<(), Full> {
        let limits = &self.host.limits;
        let (mut messages, mut bytes) = (limits.mailbox_messages, limits.mailbox_bytes);
        if limits.has_mailbox() && matches!(event, Event::Message(_)) {
            let unread =
                (self.unread.0.load(Ordering::Relaxed) as usize, self.unread.1.load(Ordering::Relaxed) as usize);
            if (messages > 0 && unread.0 >= messages) || (bytes > 0 && unread.1 >= bytes) {
                return Err(Full::Limit);
            }
            // Both stay above zero, which would mean no limit.
            (messages, bytes) = (messages.saturating_sub(unread.0), bytes.saturating_sub(unread.1));
        }
        self.queue.push(event, messages, bytes)?;
        self.wake(self.state.wake());
        Ok(())
    }
    /// Queues messages where mailboxes are not limited, and wakes the process. Errors: it has ended.
    pub(crate) fn push_parcel(self: &Arc<Self>, parcel: Parcel) -> Result<(), Full> {
        let weight = parcel.len();
        self.queue.push_parcel(Box::new(parcel))?;
        self.wake_for(self.state.wake(), weight);
        Ok(())
    }
    /// Tells what the program has not received yet of what its engine has taken in; counts as waiting in the mailbox.
    pub fn report_unread(&self, messages: usize, bytes: usize) {
        self.unread.0.store(u32::try_from(messages).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.unread.1.store(bytes as u64, Ordering::Relaxed);
    }
    /// Delivers a notice; a process that has ended does not care.
    pub fn notify(self: &Arc<Self>, notice: Notice) {
        let _ = self.push(Event::Notice(Box::new(notice)));
    }
    /// Delivers the end of a request; a process that has ended does not care.
    pub fn complete(self: &Arc<Self>, completion: Completion) {
        let _ = self.push(Event::Done(completion));
    }
    /// Asks for the end of the process at its next safepoint.
    pub fn kill(self: &Arc<Self>) {
        self.wake(self.state.kill());
    }
    /// Gives the process another step although nothing is in its queue: for what a process waits for by itself.
    pub fn rouse(self: &Arc<Self>) {
        self.wake(self.state.wake());
    }
    #[inline]
    fn wake(self: &Arc<Self>, wake: Wake) {
        self.wake_for(wake, 1);
    }
    /// After so many events were queued.
    fn wake_for(self: &Arc<Self>, wake: Wake, events: usize) {
        match wake {
            Wake::Enqueue => self.host.scheduler.schedule(self.clone()),
            Wake::Queued => self.host.scheduler.nudge(self, events),
            Wake::Noted => {}
        }
    }

    /// Calls `f` on the exit bookkeeping, `None` if the process has ended.
    pub(crate) fn with_exits<T>(&self, f: impl FnOnce(&mut Exits) -> T) -> Option<T> {
        let mut exits = self.exits.lock();
        (!self.option(ENDED)).then(|| f(exits.get_or_insert_default()))
    }
    /// The exit bookkeeping at the end of the process; nothing is added any more.
    pub(crate) fn end_exits(&self) -> Exits {
        let mut exits = self.exits.lock();
        self.set_option(ENDED, true);
        exits.take().map(|e| *e).unwrap_or_default()
    }
    /// Gives the instance to `reclaim` when the run is over, instead of dropping it. For runs that are prepared but not
    /// scheduled yet.
    pub fn set_reclaim(&self, reclaim: Reclaim) {
        self.with_exits(|e| e.reclaim = Some(reclaim));
    }
    /// Runs `hook` when the process ends; gives it back if that has happened already.
    pub fn on_exit(&self, hook: ExitHook) -> Result<(), ExitHook> {
        let mut hook = Some(hook);
        self.with_exits(|e| e.hooks.extend(hook.take()));
        hook.map_or(Ok(()), Err)
    }
    /// Runs `f` when the process has ended, before names are free and anybody hears of it. False, and `f` dropped, if
    /// that has happened already.
    pub fn on_departure(&self, f: Box<dyn FnOnce() + Send>) -> bool {
        self.with_exits(|e| e.departures.push(f)).is_some()
    }
    /// What [`Control::on_departure`] collected.
    pub(crate) fn take_departures(&self) -> Vec<Box<dyn FnOnce() + Send>> {
        self.exits.lock().as_mut().map(|e| std::mem::take(&mut e.departures)).unwrap_or_default()
    }
    /// Books request `tag` as cancellable, before its work is started: the cancellation is put into the slot
    /// afterwards and runs if the process ends, or calls [`Control::take_cancel`], before the request is complete.
    pub fn cancellable(&self, tag: Tag) -> CancelSlot {
        let slot = CancelSlot::default();
        let inner = slot.clone();
        let booked = self.with_exits(|e| e.cancels.push((tag, Box::new(move || inner.cancel()))));
        if booked.is_none() {
            slot.cancel();
        }
        slot
    }
    /// Keeps `thing` open until the run ends or [`Control::release`] is called; an upgrade ends the run, too.
    /// Errors: LimitExceeded; Canceled if the process has ended.
    pub fn hold(&self, thing: Arc<dyn Any + Send + Sync>) -> Result<HeldId, Error> {
        let held = self.with_exits(|e| e.held.add(thing, self.host.limits.handles));
        held.unwrap_or_else(|| Err(Error::canceled("process has ended")))
    }
    /// What is held under `id`, if it is a `T`.
    pub fn held<T: Any + Send + Sync>(&self, id: HeldId) -> Option<Arc<T>> {
        self.with_exits(|e| e.held.get(id))??.downcast().ok()
    }
    /// Stops holding `id`, and gives what it was.
    pub fn release(&self, id: HeldId) -> Option<Arc<dyn Any + Send + Sync>> {
        self.with_exits(|e| e.held.remove(id))?
    }
    /// Lets go of all that is held, youngest first.
    pub(crate) fn release_all(&self) {
        // Dropped outside the lock: closing may take a moment.
        drop(self.with_exits(|e| e.held.take_all()));
    }
    /// Gives the process something for its whole life, upgrades included: one thing of each type.
    pub fn attach<T: Any + Send + Sync>(&self, thing: Arc<T>) {
        self.with_exits(|e| e.attached.push(thing));
    }
    /// What was attached of this type.
    pub fn attached<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let find = |e: &mut Exits| e.attached.iter().find_map(|a| a.clone().downcast().ok());
        self.with_exits(find).flatten()
    }
    /// Removes the cancellation of request `tag`.
    pub fn take_cancel(&self, tag: Tag) -> Option<Box<dyn FnOnce() + Send>> {
        let mut exits = self.exits.lock();
        let cancels = &mut exits.as_mut()?.cancels;
        let at = cancels.iter().position(|(t, _)| *t == tag)?;
        Some(cancels.swap_remove(at).1)
    }
}
