//! Ending everything that runs on a host: ask, wait, kill.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use wippy_runtime::process::{Control, HostShared, HostState};
use wippy_runtime::relay::Pid;
use wippy_runtime::timers::TimerTarget;
use wippy_runtime::{Error, Node, Result};

/// Why processes of a stopping host are asked to finish.
const REASON: &str = "scheduler shutdown";
/// Time for killed processes to reach a safepoint.
const GRACE: Duration = Duration::from_secs(1);

type Done = Box<dyn FnOnce(Result<()>) + Send>;

/// Makes `host` refuse processes and asks those it has to finish. After about `within`, shortened by up to a second so
/// that the rest fits in too, what is left is killed (`context canceled`). `done` is called once, on any thread, when
/// nothing runs any more, or with a Timeout if something does not even end when killed. Does not block.
pub fn drain(node: &Arc<Node>, host: &Arc<HostShared>, within: Duration, done: Done) {
    host.set_state(HostState::Stopping);
    for control in processes(node, host) {
        // Calls of functions end with their callers.
        if control.pid().host == host.id {
            // It may have ended meanwhile.
            let _ = node.cancel(Pid::none(), control.pid(), REASON);
        }
    }
    let done = Arc::new(Mutex::new(Some(done)));
    let emptied = done.clone();
    host.when_empty(Box::new(move || finish(&emptied, Ok(()))));
    if done.lock().is_none() {
        return;
    }
    let patience = within.saturating_sub(GRACE.min(within / 10));
    let (weak, stopping) = (Arc::downgrade(node), host.clone());
    let kill = move || {
        let Some(node) = weak.upgrade() else { return };
        if done.lock().is_none() {
            return;
        }
        let left = processes(&node, &stopping);
        tracing::warn!(host = %stopping.id.text(), processes = left.len(), "processes did not finish in time");
        left.iter().for_each(Control::kill);
        let give_up = move || {
            let text = format!("{} processes of host {} do not end", stopping.live(), stopping.id.text());
            finish(&done, Err(Error::timeout(text)));
        };
        node.timers().arm_after(GRACE, TimerTarget::Call(Box::new(give_up)));
    };
    node.timers().arm_after(patience, TimerTarget::Call(Box::new(kill)));
}

fn finish(done: &Mutex<Option<Done>>, how: Result<()>) {
    let done = done.lock().take();
    if let Some(done) = done {
        done(how);
    }
}

/// What runs on the host, calls of functions included, oldest first.
fn processes(node: &Node, host: &Arc<HostShared>) -> Vec<Arc<Control>> {
    let mut all: Vec<_> = node.table().all().into_iter().filter(|c| Arc::ptr_eq(&c.host, host)).collect();
    all.sort_unstable_by_key(|c| c.pid());
    all
}
