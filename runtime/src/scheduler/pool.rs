//! The production driver: threads with work stealing.
//!
//! Each worker has a FIFO deque of ready processes (others steal half of it),
//! a one-place slot for the process woken last by the step it runs (so that a
//! request and its reply stay on one core), a second deque for processes that
//! used up their slice, and an inject queue for wake-ups that come from other
//! threads for processes that ran here last. New processes started from
//! outside go to one global queue.
//!
//! Fairness: who used up a slice waits behind everybody that did not, unless
//! those have had a slice's time since: so a process that wakes up runs after
//! one slice at most, and busy ones keep half of the worker at least. The slot
//! is used at most [`SLOT_RUNS`] times in a row; all looks but each
//! [`DEQUE_EVERY`]-th take one from the inject queue, if there is any; every
//! [`GLOBAL_EVERY`]-th, and the look after a long step, starts at the queues that
//! other threads feed.
//!
//! Sleeping: a worker that finds nothing spins, registers as idle, looks once
//! more and parks. Who adds work to a queue that others can take from wakes
//! one idle worker, unless one is searching already. (After Vyukov's scheduler
//! for Go and tokio's.)
//!
//! Size: the places of workers only grow in number; `active` says how many of
//! them should have a thread. A thread whose place is beyond that hands what it
//! holds to the global queue, leaves deque and parker at its place for a later
//! thread, and ends. Queues of all places are always searched, so work that is
//! still sent to a place without a thread is found by others.
//!
//! One file, although a long one: who finds work, who parks and who is woken keep
//! each other's invariants, and are read together.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use crossbeam_utils::CachePadded;
use crossbeam_utils::sync::{Parker, Unparker};
use parking_lot::Mutex;

use super::Scheduler;
use super::meter::Meter;
use super::step::{self, After};
use crate::clock::Nanos;
use crate::dispatch::Caller;
use crate::node::Node;
use crate::process::{Batch, Control};
use crate::relay::{Guesses, count_guesses};

type Task = Arc<Control>;

/// Uses of the slot in a row before the deque gets its turn.
const SLOT_RUNS: u32 = 16;
/// Looks at the own deque between two looks at the shared queues.
const GLOBAL_EVERY: u32 = 61;
/// Of so many looks one begins at the own deque although other threads (timers, IO, other hosts) have woken somebody. A
/// deque may hold thousands that were just started, and what was woken is late already.
const DEQUE_EVERY: u32 = 4;
/// Processes woken for a worker from which on others take some of them.
const WOKEN_BEHIND: usize = 32;
/// Events added to the process in the slot before it is offered to other workers.
const NUDGES: usize = 8;
/// Nanoseconds that others run before a spent process gets its turn.
const SPENT_EVERY: Nanos = 1_000_000;
/// How often a worker looks whether its host's share is paid for.
const SHARE_LOOK: Duration = Duration::from_micros(500);
/// Nanoseconds after which it goes on in any case.
const MOST_WAIT: Nanos = 100_000_000;
/// Rounds of looking before a worker parks.
const SPINS: u32 = 16;
/// Threads one pool may have; their places are numbered in 16 bits.
pub const MAX_WORKERS: usize = 1024;

/// Size of a pool.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Name of the threads.
    pub name: String,
    /// Number of threads, from 1 to [`MAX_WORKERS`].
    pub workers: usize,
}

/// Counters of a scheduler since its start, added over all workers.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolStats {
    pub executed: u64,
    pub stolen: u64,
    /// Processes waiting in shared queues now.
    pub queued: usize,
    /// Threads that run now; after a change of size it lags behind it a little.
    pub threads: usize,
}

struct Remote {
    stealer: Stealer<Task>,
    spent: Stealer<Task>,
    inject: Injector<Task>,
    unparker: Unparker,
    // Written by the worker alone.
    executed: AtomicU64,
    stolen: AtomicU64,
    /// What a thread needs to work here, while there is none.
    vacant: Mutex<Option<Tools>>,
}

/// The worker's ends of its queues, and what it sleeps on.
struct Tools {
    deque: Worker<Task>,
    spent: Worker<Task>,
    parker: Parker,
}

impl Remote {
    fn has_work(&self) -> bool {
        !self.inject.is_empty() || !self.stealer.is_empty() || !self.spent.is_empty()
    }
}

/// Adds one to a counter that nobody else writes.
fn count(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

type Place = OnceLock<Box<CachePadded<Remote>>>;

struct Shared {
    /// Tells pools apart in the thread-local; unique in the OS process.
    id: u64,
    name: String,
    node: Weak<Node>,
    global: Injector<Task>,
    places: Box<[Place]>,
    /// Places that were ever used; never shrinks.
    used: AtomicUsize,
    /// Places that should have a thread.
    active: AtomicUsize,
    threads: AtomicUsize,
    resizing: Mutex<()>,
    idle: Mutex<Vec<usize>>,
    idle_count: AtomicUsize,
    searching: AtomicUsize,
    /// Threads that wait because their host has had its share.
    waiting: AtomicUsize,
    /// Names that the programs of its host bring.
    names: Guesses,
}

/// See the module comment.
pub struct Pool(Arc<Shared>);

struct Local {
    pool: u64,
    deque: Worker<Task>,
    /// Those that used up their slice.
    spent: Worker<Task>,
    slot: Option<Task>,
    nudges: usize,
}

/// What a worker remembers from step to step.
struct Turn {
    index: usize,
    /// Counts looks for work.
    tick: u32,
    /// Uses of the slot in a row.
    slot_runs: u32,
    /// The last step was a long one.
    long: bool,
    /// When a spent process ran last, once one waits.
    spent_at: Option<Nanos>,
    searching: bool,
    meter: Meter,
}

thread_local! {
    static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Pool {
    /// A pool without threads: what is scheduled waits for [`Pool::resize`].
    pub fn new(node: &Arc<Node>, name: impl Into<String>) -> Pool {
        Pool(Arc::new(Shared {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            node: Arc::downgrade(node),
            global: Injector::new(),
            places: (0..MAX_WORKERS).map(|_| Place::new()).collect(),
            used: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            threads: AtomicUsize::new(0),
            resizing: Mutex::new(()),
            idle: Mutex::default(),
            idle_count: AtomicUsize::new(0),
            searching: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            names: Guesses::default(),
        }))
    }

    /// A pool with its threads. Errors: the operating system refuses one.
    pub fn start(node: &Arc<Node>, config: &PoolConfig) -> std::io::Result<Pool> {
        let pool = Pool::new(node, &*config.name);
        pool.resize(config.workers.max(1))?;
        Ok(pool)
    }

    /// Changes the number of threads, at most [`MAX_WORKERS`], while processes run. New threads are there when this
    /// returns; those too many end after their current step, and others take over what they held. With 0 everything
    /// waits. Errors: the operating system refuses a thread; the size is then what could be had.
    pub fn resize(&self, workers: usize) -> std::io::Result<()> {
        let shared = &self.0;
        let _one_at_a_time = shared.resizing.lock();
        let workers = workers.min(MAX_WORKERS);
        shared.active.store(workers, Ordering::SeqCst);
        for index in 0..workers {
            if let Err(e) = shared.occupy(index) {
                shared.active.store(index, Ordering::SeqCst);
                shared.wake_superfluous();
                return Err(e);
            }
        }
        shared.wake_superfluous();
        Ok(())
    }
}

impl Scheduler for Pool {
    fn schedule(&self, control: Task) {
        let rest = LOCAL.with_borrow_mut(|local| match local {
            Some(l) if l.pool == self.0.id => {
                l.nudges = 0;
                match l.slot.replace(control) {
                    Some(displaced) => {
                        l.deque.push(displaced);
                        Rest::WakeOne
                    }
                    None => Rest::Nothing,
                }
            }
            _ => Rest::Inject(control),
        });
        match rest {
            Rest::Nothing => {}
            // A lone worker is here, and awake.
            Rest::WakeOne if self.0.active.load(Ordering::Relaxed) == 1 => {}
            Rest::WakeOne => self.0.wake_one(),
            Rest::Inject(control) => self.0.inject(control),
        }
    }

    fn nudge(&self, control: &Task, events: usize) {
        // A sender that goes on filling the mailbox of the process in its slot keeps the receiver from running.
        let offered = LOCAL.with_borrow_mut(|local| match local {
            Some(l) if l.pool == self.0.id && l.slot.as_ref().is_some_and(|s| Arc::ptr_eq(s, control)) => {
                l.nudges += events;
                if l.nudges < NUDGES || self.0.idle_count.load(Ordering::Relaxed) == 0 {
                    return false;
                }
                l.deque.push(l.slot.take().expect("the slot holds the process"));
                true
            }
            _ => false,
        });
        if offered {
            self.0.wake_one();
        }
    }

    fn stop(&self) {
        let _ = self.resize(0);
    }

    fn workers(&self) -> usize {
        self.0.active.load(Ordering::Relaxed)
    }

    fn busy(&self) -> usize {
        let shared = &self.0;
        let idle = [&shared.idle_count, &shared.searching, &shared.waiting].map(|n| n.load(Ordering::Relaxed));
        shared.threads.load(Ordering::Relaxed).saturating_sub(idle.iter().sum())
    }

    fn stats(&self) -> PoolStats {
        let shared = &self.0;
        let mut stats = PoolStats {
            queued: shared.global.len(),
            threads: shared.threads.load(Ordering::Relaxed),
            ..PoolStats::default()
        };
        for worker in shared.remotes() {
            stats.executed += worker.executed.load(Ordering::Relaxed);
            stats.stolen += worker.stolen.load(Ordering::Relaxed);
            stats.queued += worker.inject.len() + worker.stealer.len() + worker.spent.len();
        }
        stats
    }
}

enum Rest {
    Nothing,
    WakeOne,
    Inject(Task),
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// The places that were ever used, in order.
    fn remotes(&self) -> impl Iterator<Item = &Remote> {
        let used = self.used.load(Ordering::Acquire);
        self.places[..used].iter().filter_map(Place::get).map(|place| &***place)
    }
    fn remote(&self, index: usize) -> &Remote {
        self.places[index].get().expect("a worker has a place")
    }
    fn is_superfluous(&self, index: usize) -> bool {
        index >= self.active.load(Ordering::SeqCst)
    }

    /// Sees to it that place `index` has a thread.
    fn occupy(self: &Arc<Self>, index: usize) -> std::io::Result<()> {
        let remote = self.places[index].get_or_init(|| {
            let tools = Tools { deque: Worker::new_fifo(), spent: Worker::new_fifo(), parker: Parker::new() };
            Box::new(CachePadded::new(Remote {
                stealer: tools.deque.stealer(),
                spent: tools.spent.stealer(),
                inject: Injector::new(),
                unparker: tools.parker.unparker().clone(),
                executed: AtomicU64::new(0),
                stolen: AtomicU64::new(0),
                vacant: Mutex::new(Some(tools)),
            }))
        });
        self.used.fetch_max(index + 1, Ordering::AcqRel);
        // If it is not vacant a thread works here, and sees before it leaves that it is wanted again.
        let Some(tools) = remote.vacant.lock().take() else { return Ok(()) };
        let tools = Arc::new(Mutex::new(Some(tools)));
        let (shared, own) = (self.clone(), tools.clone());
        self.threads.fetch_add(1, Ordering::Relaxed);
        let spawned = std::thread::Builder::new().name(format!("{}#{index}", self.name)).spawn(move || {
            if let Some(Tools { deque, spent, parker }) = own.lock().take() {
                count_guesses(shared.names.clone());
                LOCAL.set(Some(Local { pool: shared.id, deque, spent, slot: None, nudges: 0 }));
                shared.work(index, parker);
            }
        });
        if let Err(e) = spawned {
            self.threads.fetch_sub(1, Ordering::Relaxed);
            *remote.vacant.lock() = tools.lock().take();
            return Err(e);
        }
        Ok(())
    }

    fn wake_superfluous(&self) {
        let active = self.active.load(Ordering::SeqCst);
        self.remotes().skip(active).for_each(|r| r.unparker.unpark());
    }

    /// Ends the work of a superfluous thread: gives its tools back. False if it is wanted again meanwhile.
    fn leave(&self, index: usize, parker: &mut Option<Parker>, searching: &mut bool) -> bool {
        let mut vacant = self.remote(index).vacant.lock();
        if !self.is_superfluous(index) {
            return false;
        }
        if let (Some(local), Some(parker)) = (LOCAL.take(), parker.take()) {
            let Local { deque, spent, slot, .. } = local;
            let left = std::iter::from_fn(|| deque.pop()).chain(std::iter::from_fn(|| spent.pop()));
            slot.into_iter().chain(left).for_each(|t| self.global.push(t));
            *vacant = Some(Tools { deque, spent, parker });
        }
        drop(vacant);
        if std::mem::take(searching) {
            self.searching.fetch_sub(1, Ordering::SeqCst);
        }
        // Who woke this thread for its work must not have done so in vain.
        if self.has_work() {
            self.wake_one();
        }
        true
    }

    fn inject(&self, control: Task) {
        match self.places.get(usize::from(control.last_worker.load(Ordering::Relaxed))).and_then(Place::get) {
            Some(worker) => worker.inject.push(control),
            None => self.global.push(control),
        }
        self.wake_one();
    }

    /// Wakes one idle worker unless one searches already.
    fn wake_one(&self) {
        // Pairs with the fence in `park`: either we see the sleeper or it sees our work.
        fence(Ordering::SeqCst);
        if self.idle_count.load(Ordering::Relaxed) == 0 || self.searching.load(Ordering::Relaxed) > 0 {
            return;
        }
        let worker = {
            let mut idle = self.idle.lock();
            let worker = idle.pop();
            self.idle_count.store(idle.len(), Ordering::Relaxed);
            worker
        };
        if let Some(worker) = worker {
            // It counts as searching from now on, so that a burst of work does not wake everybody at once.
            self.searching.fetch_add(1, Ordering::SeqCst);
            self.remote(worker).unparker.unpark();
        }
    }

    fn work(&self, index: usize, parker: Parker) {
        let me = self.remote(index);
        let mut parker = Some(parker);
        let mut batch = Batch::default();
        let mut turn = Turn {
            index,
            tick: 0,
            slot_runs: 0,
            long: false,
            spent_at: None,
            searching: false,
            meter: Meter::default(),
        };
        let mut node: Option<Arc<Node>> = None;
        loop {
            if self.is_superfluous(index) && self.leave(index, &mut parker, &mut turn.searching) {
                break;
            }
            turn.tick = turn.tick.wrapping_add(1);
            let Some(task) = self.find(&mut turn, node.as_deref()) else {
                node = None;
                if let Some(parker) = &parker {
                    self.park(index, parker, &mut turn.searching);
                }
                continue;
            };
            if turn.searching {
                turn.searching = false;
                // The last searcher found work: if there is more, somebody else should look.
                if self.searching.fetch_sub(1, Ordering::SeqCst) == 1 && self.has_work() {
                    self.wake_one();
                }
            }
            let Some(held) = node.take().or_else(|| self.node.upgrade()) else {
                // The node is gone, and with it the reason for any work.
                drop(LOCAL.take());
                break;
            };
            if task.host.limits.cpu_share > 0 && held.ledger().is_over(&task.host, || true) {
                turn.meter.interrupt();
                if !self.await_share(&task, &held, index, parker.as_ref()) {
                    self.global.push(task);
                    continue;
                }
            }
            task.last_worker.store(index as u16, Ordering::Relaxed);
            count(&me.executed);
            node = Some(self.run(task, held, &mut batch, &mut turn));
        }
        self.threads.fetch_sub(1, Ordering::Relaxed);
    }

    /// Waits as long as the task's host has had more than its share and others want the machine. Not for ever: these may
    /// be at something that is charged when it is done. False if the thread is not wanted any more.
    fn await_share(&self, task: &Task, node: &Node, index: usize, parker: Option<&Parker>) -> bool {
        let ledger = node.ledger();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let patience = node.clock().now() + MOST_WAIT;
        while ledger.is_over(&task.host, || ledger.is_crowded())
            && node.clock().now() < patience
            && !self.is_superfluous(index)
        {
            match parker {
                Some(parker) => parker.park_timeout(SHARE_LOOK),
                None => std::thread::yield_now(),
            }
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        !self.is_superfluous(index)
    }

    /// Runs one step; takes the node and gives it back, so that steps do not count references to it.
    fn run(&self, task: Task, node: Arc<Node>, batch: &mut Batch, turn: &mut Turn) -> Arc<Node> {
        let caller = Caller { control: task, node };
        let stepped = step::run(&caller, batch, &mut turn.meter);
        turn.long = stepped.long;
        let Caller { control, node } = caller;
        let more = match stepped.after {
            After::Nothing => return node,
            After::Requeue => with_local(|l| {
                l.deque.push(control);
                l.deque.len() > 1 || l.slot.is_some()
            }),
            After::Spent => with_local(|l| {
                l.spent.push(control);
                turn.spent_at = Some(node.clock().now());
                l.spent.len() > 1 || !l.deque.is_empty() || l.slot.is_some()
            }),
        };
        // The process itself is no reason to wake anybody: this worker goes on with it.
        if more && self.idle_count.load(Ordering::Relaxed) > 0 {
            self.wake_one();
        }
        node
    }

    /// The next process to run: slot, own deque, shared queues, spent ones, other workers.
    fn find(&self, turn: &mut Turn, node: Option<&Node>) -> Option<Task> {
        let own = with_local(|l| self.find_own(turn, l, node));
        if own.is_some() {
            return own;
        }
        turn.meter.interrupt();
        for round in 0..SPINS {
            if !turn.searching {
                let active = self.active.load(Ordering::Relaxed);
                if 2 * self.searching.load(Ordering::Relaxed) >= active && active > 1 {
                    return None;
                }
                turn.searching = true;
                self.searching.fetch_add(1, Ordering::SeqCst);
            }
            let stolen = with_local(|l| self.shared_work(turn.index, &l.deque).or_else(|| self.steal(turn, l)));
            if stolen.is_some() {
                return stolen;
            }
            if round < 3 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        None
    }

    fn find_own(&self, turn: &mut Turn, l: &mut Local, node: Option<&Node>) -> Option<Task> {
        if let Some(at) = turn.spent_at
            && let Some(node) = node
            && let Some(task) = self.spent_turn(turn, l, node.clock().now(), at)
        {
            return Some(task);
        }
        if let Some(task) = l.slot.take() {
            turn.slot_runs += 1;
            if turn.slot_runs <= SLOT_RUNS && !turn.long {
                return Some(task);
            }
            l.deque.push(task);
        }
        turn.slot_runs = 0;
        if !turn.tick.is_multiple_of(DEQUE_EVERY)
            && let Some(task) = self.woken(turn)
        {
            return Some(task);
        }
        let shared_first = std::mem::take(&mut turn.long) || turn.tick.is_multiple_of(GLOBAL_EVERY);
        // One of those that were woken: more would go to the end of the deque.
        if shared_first && let Some(task) = self.woken(turn).or_else(|| self.started(&l.deque)) {
            return Some(task);
        }
        l.deque.pop().or_else(|| self.shared_work(turn.index, &l.deque)).or_else(|| l.spent.pop())
    }

    /// A spent process, when the others have had a slice since the last one.
    fn spent_turn(&self, turn: &mut Turn, l: &Local, now: Nanos, at: Nanos) -> Option<Task> {
        if l.spent.is_empty() {
            turn.spent_at = None;
            return None;
        }
        if now.saturating_sub(at) < SPENT_EVERY {
            return None;
        }
        turn.spent_at = Some(now);
        l.spent.pop()
    }

    /// The first that another thread has woken for this worker, or for one that is behind with those.
    fn woken(&self, turn: &Turn) -> Option<Task> {
        let inject = &self.remote(turn.index).inject;
        // Far cheaper than stealing from an empty queue.
        if !inject.is_empty() {
            return take(|| inject.steal());
        }
        let other = self.places.get(turn.tick as usize % self.used.load(Ordering::Acquire))?.get()?;
        if other.inject.len() < WOKEN_BEHIND { None } else { take(|| other.inject.steal()) }
    }

    /// From the global queue.
    fn started(&self, deque: &Worker<Task>) -> Option<Task> {
        take(|| self.global.steal_batch_and_pop(deque))
    }

    /// From the own inject queue, then the global one.
    fn shared_work(&self, index: usize, deque: &Worker<Task>) -> Option<Task> {
        take(|| self.remote(index).inject.steal_batch_and_pop(deque)).or_else(|| self.started(deque))
    }

    fn steal(&self, turn: &mut Turn, l: &Local) -> Option<Task> {
        let n = self.used.load(Ordering::Acquire);
        // A cheap spread of first victims; correctness does not depend on it.
        let start = turn.tick.wrapping_mul(0x9e37_79b9) as usize;
        let index = turn.index;
        let victims = (0..n).map(|i| (start + i) % n).filter(|&v| v != index);
        for victim in victims.filter_map(|v| self.places[v].get()) {
            let mut stolen = take(|| victim.stealer.steal_batch_and_pop(&l.deque))
                .or_else(|| take(|| victim.inject.steal_batch_and_pop(&l.deque)));
            if stolen.is_none() {
                stolen = take(|| victim.spent.steal_batch_and_pop(&l.spent));
                turn.spent_at = stolen.as_ref().map(|_| 0);
            }
            if stolen.is_some() {
                count(&self.remote(index).stolen);
                return stolen;
            }
        }
        None
    }

    /// Whether a queue that others can take from holds work.
    fn has_work(&self) -> bool {
        !self.global.is_empty() || self.remotes().any(Remote::has_work)
    }

    fn park(&self, index: usize, parker: &Parker, searching: &mut bool) {
        {
            let mut idle = self.idle.lock();
            idle.push(index);
            self.idle_count.store(idle.len(), Ordering::Relaxed);
        }
        if *searching {
            *searching = false;
            self.searching.fetch_sub(1, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
        if !self.has_work() && !self.is_superfluous(index) {
            parker.park();
        }
        let mut idle = self.idle.lock();
        match idle.iter().position(|&i| i == index) {
            // Woken by nobody: found work itself, or stopped.
            Some(at) => {
                idle.swap_remove(at);
                self.idle_count.store(idle.len(), Ordering::Relaxed);
            }
            // The waker counted us as searching.
            None => *searching = true,
        }
    }
}

/// Calls `f` with the queues of the worker that this thread is.
fn with_local<T>(f: impl FnOnce(&mut Local) -> T) -> T {
    LOCAL.with_borrow_mut(|local| f(local.as_mut().expect("a worker has its queues")))
}

fn take(mut steal: impl FnMut() -> Steal<Task>) -> Option<Task> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
