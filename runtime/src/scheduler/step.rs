//! One step of a process: take its events, run it, act on the outcome.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::dispatch::{Caller, StepContext};
use crate::error::Error;
use crate::node::Node;
use crate::process::{
    Control, Event, Exit, Frame, HostState, Invocation, NoticeKind, Parked, Process, State, Step, Upgrade,
};

/// What the driver does with the process next.
pub(super) enum After {
    /// Enqueue it at the back.
    Requeue,
    /// Something arrived while it was about to sleep: enqueue it.
    Woken,
    /// Nothing: it sleeps or has ended.
    Nothing,
}

/// Events kept allocated in a worker's batch between steps.
const KEEP: usize = 256;

/// Runs one step of `caller`'s process on the current thread.
pub(super) fn run(caller: &Caller, batch: &mut VecDeque<Event>) -> After {
    let control = &caller.control;
    control.state.start();
    // Nobody else writes it, so no read-modify-write is needed.
    control.steps.store(control.steps() + 1, Ordering::Relaxed);
    debug_assert!(batch.is_empty());
    control.queue.take_all(batch);
    let after = run_started(caller, batch);
    batch.clear();
    if batch.capacity() > KEEP {
        *batch = VecDeque::new();
    }
    after
}

fn run_started(caller: &Caller, batch: &mut VecDeque<Event>) -> After {
    let (control, node) = (&caller.control, &caller.node);
    let Some(mut process) = control.process.lock().take() else {
        return After::Nothing;
    };
    if control.state.is_killed() {
        // What is left when a host has stopped waiting was not asked to end by anybody else.
        let stopping = control.host.state() == HostState::Stopping;
        let error = if stopping { Error::canceled("context canceled") } else { Error::internal("process terminated") };
        return finish(node, control, process, Exit::Error(error));
    }
    if !control.trap_links() && batch.iter().any(is_link_down) {
        return finish(node, control, process, Exit::Error(Error::internal("linked process failed")));
    }
    let slice_end = node.clock().now() + control.host.limits.slice;
    let mut cx = StepContext::new(caller, batch, slice_end);
    let step = match catch_unwind(AssertUnwindSafe(|| process.step(&mut cx))) {
        Ok(step) => step,
        Err(panic) => Step::Done(Exit::Error(panic_error(&*panic))),
    };
    let blocked = cx.is_blocked();
    match step {
        Step::Yielded => {
            control.queue.put_back(batch.drain(..));
            *control.process.lock() = Some(process);
            control.state.yield_now();
            After::Requeue
        }
        Step::Waiting => {
            control.queue.put_back(batch.drain(..));
            *control.process.lock() = Some(process);
            let state = if blocked { State::Blocked } else { State::Idle };
            match control.state.park(state) {
                Parked::Asleep => After::Nothing,
                Parked::Woken => After::Woken,
            }
        }
        Step::Upgrade(upgrade) => replace(caller, process, *upgrade, batch),
        Step::Done(exit) => finish(node, control, process, exit),
    }
}

fn is_link_down(event: &Event) -> bool {
    matches!(event, Event::Notice(n) if matches!(n.kind, NoticeKind::LinkDown(_)))
}

fn finish(node: &Arc<Node>, control: &Arc<Control>, mut process: Box<dyn Process>, exit: Exit) -> After {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| process.close())) {
        tracing::error!(pid = %control.pid(), error = %panic_error(&*panic), "panic while closing a process");
    }
    node.finish(control, process, exit);
    After::Nothing
}

/// Puts new code in place of the old: pid, mailbox, relations, names and parent stay.
fn replace(caller: &Caller, mut old: Box<dyn Process>, upgrade: Upgrade, batch: &mut VecDeque<Event>) -> After {
    let (control, node) = (&caller.control, &caller.node);
    let _ = catch_unwind(AssertUnwindSafe(|| old.close()));
    drop(old);
    let frame = control.frame();
    let entry = upgrade.entry.unwrap_or_else(|| frame.entry.clone());
    control.set_frame(Frame { entry: entry.clone(), ..(*frame).clone() });
    control.reset_options();
    node.end_run(control);
    let fail = |what: &str, e: Error| Exit::Error(Error::internal(format!("upgrade: {what} failed")).because(e));
    let created = node.factory(&entry).and_then(|f| Ok((f.method(), f.create()?)));
    let (method, mut process) = match created {
        Ok(made) => made,
        Err(e) => return finish(node, control, Box::new(Gone), fail("create", e)),
    };
    let call = Invocation { entry, method, args: upgrade.args };
    let init = catch_unwind(AssertUnwindSafe(|| process.init(&call, control)));
    if let Err(e) = init.unwrap_or_else(|panic| Err(panic_error(&*panic))) {
        return finish(node, control, process, fail("init", e));
    }
    // Completions belonged to the old code; messages and notices stay, oldest first.
    batch.retain(|event| !matches!(event, Event::Done(_)));
    let retained = upgrade.retained.into_iter();
    let kept: Vec<Event> = retained.chain(batch.drain(..)).collect();
    control.queue.put_back(kept.into_iter());
    *control.process.lock() = Some(process);
    control.state.yield_now();
    After::Requeue
}

/// Stands in for code that could not be made.
struct Gone;

impl Process for Gone {
    fn init(&mut self, _: &Invocation, _: &Arc<Control>) -> Result<(), Error> {
        Ok(())
    }
    fn step(&mut self, _: &mut StepContext<'_>) -> Step {
        Step::Done(Exit::Error(Error::internal("upgrade: no source")))
    }
    fn close(&mut self) {}
}

/// What a guest may know about a panic.
const PANICKED: &str = "internal error: the process engine panicked";

/// A panic as the exit reason a guest may see: never the panic's own text, which goes to the log.
pub(crate) fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("(no text)"), "panic in a process");
    Error::internal(PANICKED)
}

/// Whether a run ended by a panic of its engine, so that its instance must not be used again. A guest that raises the
/// same text only loses its instance.
pub fn is_panic(error: &Error) -> bool {
    error.message() == PANICKED
}
