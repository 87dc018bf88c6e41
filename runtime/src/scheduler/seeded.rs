//! The driver for runs under a seed: one thread, virtual time, and what runs
//! next, a process or a call that blocks, chosen by the node's entropy. The
//! same seed gives the same run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::meter::Meter;
use super::step::{self, After};
use super::{PoolStats, Scheduler};
use crate::clock::VirtualClock;
use crate::dispatch::Caller;
use crate::node::Node;
use crate::process::{Batch, Control};

/// See the module comment. Steps run only inside [`Seeded::step`] and [`Seeded::run`].
#[derive(Default)]
pub struct Seeded {
    ready: Mutex<Vec<Arc<Control>>>,
    executed: AtomicU64,
}

impl Seeded {
    pub fn new() -> Arc<Seeded> {
        Arc::default()
    }

    /// Runs one step of a ready process, or a call that would block. False if there is neither.
    pub fn step(&self, node: &Arc<Node>) -> bool {
        node.io().take_over();
        let control = {
            let mut ready = self.ready.lock();
            let entitled = entitled(&ready, node);
            let processes = entitled.as_ref().map_or(ready.len(), Vec::len);
            let choices = processes + usize::from(node.io().waiting() > 0);
            if choices == 0 {
                return false;
            }
            let choice = node.entropy().below(choices as u64) as usize;
            if choice == processes {
                drop(ready);
                return node.io().run_next();
            }
            // Keeps the order of the others, so that the choice alone decides.
            ready.remove(entitled.map_or(choice, |entitled| entitled[choice]))
        };
        self.executed.fetch_add(1, Ordering::Relaxed);
        let caller = Caller { control, node: node.clone() };
        match step::run(&caller, &mut Batch::default(), &mut Meter::default()).after {
            After::Requeue | After::Spent => self.ready.lock().push(caller.control),
            After::Nothing => {}
        }
        true
    }

    /// Runs until no process is ready and no timer is armed, or `max_steps` are done; time jumps to the next timer
    /// when nobody is ready. True if it came to rest.
    pub fn run(&self, node: &Arc<Node>, clock: &VirtualClock, max_steps: usize) -> bool {
        for _ in 0..max_steps {
            if self.step(node) {
                continue;
            }
            let Some(next) = node.timers().next() else { return true };
            clock.advance_to(next);
            node.timers().turn(next);
        }
        false
    }
}

/// The places of those that may run: all (`None`), or those whose hosts have not had more than their share, if others
/// are ready.
fn entitled(ready: &[Arc<Control>], node: &Node) -> Option<Vec<usize>> {
    if ready.iter().all(|c| c.host.limits.cpu_share == 0) {
        return None;
    }
    let over = |c: &Arc<Control>| {
        let contended = || ready.iter().any(|other| other.host.id != c.host.id);
        node.ledger().is_over(&c.host, contended)
    };
    let may: Vec<usize> = (0..ready.len()).filter(|&at| !over(&ready[at])).collect();
    (!may.is_empty()).then_some(may)
}

impl Scheduler for Seeded {
    fn schedule(&self, control: Arc<Control>) {
        self.ready.lock().push(control);
    }
    fn nudge(&self, _: &Arc<Control>, _: usize) {}
    fn stop(&self) {
        self.ready.lock().clear();
    }
    fn workers(&self) -> usize {
        1
    }
    fn busy(&self) -> usize {
        usize::from(!self.ready.lock().is_empty())
    }
    fn stats(&self) -> PoolStats {
        let executed = self.executed.load(Ordering::Relaxed);
        PoolStats { executed, stolen: 0, queued: self.ready.lock().len(), threads: 1 }
    }
}
