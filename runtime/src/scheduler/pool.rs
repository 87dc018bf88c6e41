//! The production driver: threads with work stealing.
//!
//! Each worker has a FIFO deque (others steal half of it), a one-place slot
//! for the process woken last by the step it runs (so that a request and its
//! reply stay on one core), and an inject queue for wake-ups that come from
//! other threads for processes that ran here last. New processes started from
//! outside go to one global queue.
//!
//! Fairness: a process that used its slice goes to the back of its deque; the
//! slot is used at most [`SLOT_RUNS`] times in a row; every [`GLOBAL_EVERY`]-th
//! look starts at the queues that other threads feed.
//!
//! Sleeping: a worker that finds nothing spins, registers as idle, looks once
//! more and parks. Who adds work to a queue that others can take from wakes
//! one idle worker, unless one is searching already. (After Vyukov's scheduler
//! for Go and tokio's.)

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Weak};

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use crossbeam_utils::CachePadded;
use crossbeam_utils::sync::{Parker, Unparker};
use parking_lot::Mutex;

use super::Scheduler;
use super::step::{self, After};
use crate::dispatch::Caller;
use crate::node::Node;
use crate::process::{Control, Event};

type Task = Arc<Control>;

/// Uses of the slot in a row before the deque gets its turn.
const SLOT_RUNS: u32 = 16;
/// Looks at the own deque between two looks at the shared queues.
const GLOBAL_EVERY: u32 = 61;
/// Events added to the process in the slot before it is offered to other workers.
const NUDGES: u32 = 8;
/// Rounds of looking before a worker parks.
const SPINS: u32 = 16;

/// Size of a pool.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Name of the threads.
    pub name: String,
    /// Number of threads, at least 1.
    pub workers: usize,
}

/// Counters since the start, added over all workers.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolStats {
    pub executed: u64,
    pub stolen: u64,
    /// Processes waiting in shared queues now.
    pub queued: usize,
}

struct Remote {
    stealer: Stealer<Task>,
    inject: Injector<Task>,
    unparker: Unparker,
    executed: AtomicU64,
    stolen: AtomicU64,
}

struct Shared {
    /// Tells pools apart in the thread-local; unique in the OS process.
    id: u64,
    node: Weak<Node>,
    global: Injector<Task>,
    workers: Box<[CachePadded<Remote>]>,
    idle: Mutex<Vec<usize>>,
    idle_count: AtomicUsize,
    searching: AtomicUsize,
    stopped: AtomicBool,
}

/// See the module comment.
pub struct Pool(Arc<Shared>);

struct Local {
    pool: u64,
    deque: Worker<Task>,
    slot: Option<Task>,
    nudges: u32,
}

thread_local! {
    static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Pool {
    /// Starts the threads. Errors: the operating system refuses one.
    pub fn start(node: &Arc<Node>, config: &PoolConfig) -> std::io::Result<Pool> {
        let n = config.workers.max(1);
        let mut own = Vec::with_capacity(n);
        let mut remotes = Vec::with_capacity(n);
        for _ in 0..n {
            let (deque, parker) = (Worker::new_fifo(), Parker::new());
            remotes.push(CachePadded::new(Remote {
                stealer: deque.stealer(),
                inject: Injector::new(),
                unparker: parker.unparker().clone(),
                executed: AtomicU64::new(0),
                stolen: AtomicU64::new(0),
            }));
            own.push((deque, parker));
        }
        let shared = Arc::new(Shared {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            node: Arc::downgrade(node),
            global: Injector::new(),
            workers: remotes.into(),
            idle: Mutex::new(Vec::with_capacity(n)),
            idle_count: AtomicUsize::new(0),
            searching: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        for (index, (deque, parker)) in own.into_iter().enumerate() {
            let shared = shared.clone();
            std::thread::Builder::new().name(format!("{}#{index}", config.name)).spawn(move || {
                let local = Local { pool: shared.id, deque, slot: None, nudges: 0 };
                LOCAL.set(Some(local));
                shared.work(index, &parker);
                drop(LOCAL.take());
            })?;
        }
        Ok(Pool(shared))
    }

    pub fn stats(&self) -> PoolStats {
        let mut stats = PoolStats { queued: self.0.global.len(), ..PoolStats::default() };
        for worker in &self.0.workers {
            stats.executed += worker.executed.load(Ordering::Relaxed);
            stats.stolen += worker.stolen.load(Ordering::Relaxed);
            stats.queued += worker.inject.len() + worker.stealer.len();
        }
        stats
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
            Rest::WakeOne => self.0.wake_one(),
            Rest::Inject(control) => self.0.inject(control),
        }
    }

    fn nudge(&self, control: &Task) {
        // A sender that goes on filling the mailbox of the process in its slot keeps the receiver from running.
        let offered = LOCAL.with_borrow_mut(|local| match local {
            Some(l) if l.pool == self.0.id && l.slot.as_ref().is_some_and(|s| Arc::ptr_eq(s, control)) => {
                l.nudges += 1;
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
        self.0.stopped.store(true, Ordering::SeqCst);
        self.0.workers.iter().for_each(|w| w.unparker.unpark());
    }

    fn workers(&self) -> usize {
        self.0.workers.len()
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
    fn inject(&self, control: Task) {
        match self.workers.get(usize::from(control.last_worker.load(Ordering::Relaxed))) {
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
            self.workers[worker].unparker.unpark();
        }
    }

    fn work(&self, index: usize, parker: &Parker) {
        let me = &self.workers[index];
        let mut batch = VecDeque::new();
        let mut tick = 0u32;
        let mut slot_runs = 0;
        let mut searching = false;
        let mut node: Option<Arc<Node>> = None;
        while !self.stopped.load(Ordering::Relaxed) {
            tick = tick.wrapping_add(1);
            let Some(task) = self.find(index, tick, &mut slot_runs, &mut searching) else {
                node = None;
                self.park(index, parker, &mut searching);
                continue;
            };
            if searching {
                searching = false;
                // The last searcher found work: if there is more, somebody else should look.
                if self.searching.fetch_sub(1, Ordering::SeqCst) == 1 && self.has_work() {
                    self.wake_one();
                }
            }
            if node.is_none() {
                node = self.node.upgrade();
            }
            let Some(node) = &node else { break };
            task.last_worker.store(index as u16, Ordering::Relaxed);
            me.executed.fetch_add(1, Ordering::Relaxed);
            self.run(task, node, &mut batch);
        }
        if searching {
            self.searching.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn run(&self, task: Task, node: &Arc<Node>, batch: &mut VecDeque<Event>) {
        let caller = Caller { control: task, node: node.clone() };
        match step::run(&caller, batch) {
            After::Requeue | After::Woken => {
                LOCAL.with_borrow(|local| match local {
                    Some(l) => l.deque.push(caller.control),
                    None => self.global.push(caller.control),
                });
                if self.idle_count.load(Ordering::Relaxed) > 0 && self.has_work() {
                    self.wake_one();
                }
            }
            After::Nothing => {}
        }
    }

    /// The next process to run: slot, own deque, shared queues, other workers.
    fn find(&self, index: usize, tick: u32, slot_runs: &mut u32, searching: &mut bool) -> Option<Task> {
        let own = LOCAL.with_borrow_mut(|local| {
            let l = local.as_mut()?;
            if let Some(task) = l.slot.take() {
                *slot_runs += 1;
                if *slot_runs <= SLOT_RUNS {
                    return Some(task);
                }
                l.deque.push(task);
            }
            *slot_runs = 0;
            if tick.is_multiple_of(GLOBAL_EVERY)
                && let Some(task) = self.shared_work(index, &l.deque)
            {
                return Some(task);
            }
            l.deque.pop().or_else(|| self.shared_work(index, &l.deque))
        });
        if own.is_some() {
            return own;
        }
        for round in 0..SPINS {
            if !*searching {
                if 2 * self.searching.load(Ordering::Relaxed) >= self.workers.len() && self.workers.len() > 1 {
                    return None;
                }
                *searching = true;
                self.searching.fetch_add(1, Ordering::SeqCst);
            }
            let stolen = LOCAL.with_borrow(|local| {
                let l = local.as_ref()?;
                self.shared_work(index, &l.deque).or_else(|| self.steal(index, tick, &l.deque))
            });
            if stolen.is_some() {
                return stolen;
            }
            if round < 3 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        None
    }

    /// From the own inject queue, then the global one, then what waits for other workers.
    fn shared_work(&self, index: usize, deque: &Worker<Task>) -> Option<Task> {
        take(|| self.workers[index].inject.steal_batch_and_pop(deque))
            .or_else(|| take(|| self.global.steal_batch_and_pop(deque)))
    }

    fn steal(&self, index: usize, tick: u32, deque: &Worker<Task>) -> Option<Task> {
        let n = self.workers.len();
        // A cheap spread of first victims; correctness does not depend on it.
        let start = tick.wrapping_mul(0x9e37_79b9) as usize;
        let victims = (0..n).map(|i| (start + i) % n).filter(|&v| v != index);
        for v in victims {
            let victim = &self.workers[v];
            let stolen = take(|| victim.stealer.steal_batch_and_pop(deque))
                .or_else(|| take(|| victim.inject.steal_batch_and_pop(deque)));
            if stolen.is_some() {
                self.workers[index].stolen.fetch_add(1, Ordering::Relaxed);
                return stolen;
            }
        }
        None
    }

    /// Whether a queue that others can take from holds work.
    fn has_work(&self) -> bool {
        !self.global.is_empty() || self.workers.iter().any(|w| !w.inject.is_empty() || !w.stealer.is_empty())
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
        if !self.has_work() && !self.stopped.load(Ordering::SeqCst) {
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

fn take(mut steal: impl FnMut() -> Steal<Task>) -> Option<Task> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
