//! One step of a process: take its events, run it, act on the outcome.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::meter::{Meter, Timing};
use crate::clock::Nanos;
use crate::dispatch::{Caller, StepContext};
use crate::duration;
use crate::error::{Error, Kind};
use crate::node::Node;
use crate::process::{
    Batch, Control, Event, Exit, Frame, HostState, Invocation, NoticeKind, Parked, Process, State, Step, Upgrade,
};

/// What the driver does with the process next.
pub(super) enum After {
    /// Enqueue it: it gave way, or something arrived while it was about to sleep.
    Requeue,
    /// Enqueue it behind those that have not used up a slice.
    Spent,
    /// Nothing: it sleeps or has ended.
    Nothing,
}

/// What the driver learns of a step.
pub(super) struct Stepped {
    pub after: After,
    /// It took long enough for the process to look at the clock.
    pub long: bool,
}

/// What a step saw of the clock.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub first_look: Option<Nanos>,
    pub looks: u32,
}

/// Runs one step of `caller`'s process on the current thread. `batch` is empty before and after; it is kept between
/// steps for its buffer.
pub(super) fn run(caller: &Caller, batch: &mut Batch, meter: &mut Meter) -> Stepped {
    let control = &caller.control;
    control.state.start();
    // Nobody else writes it, so no read-modify-write is needed.
    control.steps.store(control.steps() + 1, Ordering::Relaxed);
    debug_assert!(batch.is_empty());
    control.queue.take_all(batch);
    let stepped = run_started(caller, batch, meter);
    batch.clear();
    stepped
}

fn run_started(caller: &Caller, batch: &mut Batch, meter: &mut Meter) -> Stepped {
    let (control, node) = (&caller.control, &caller.node);
    // Nobody else wants this lock: the state word says who runs the process. It is held for the whole step.
    let mut place = control.process.lock();
    let Some(process) = &mut *place else { return Stepped { after: After::Nothing, long: false } };
    if let Some(error) = ended_from_outside(control, batch) {
        let process = place.take();
        drop(place);
        return Stepped { after: finish(node, control, process, Exit::Error(error)), long: false };
    }
    let timing = meter.begin(control, &**node.clock());
    let mut cx = StepContext::new(caller, batch, timing.exact());
    let step = match catch_unwind(AssertUnwindSafe(|| process.step(&mut cx))) {
        Ok(step) => step,
        Err(panic) => Step::Done(Exit::Error(panic_error(&*panic))),
    };
    cx.flush();
    let (blocked, long, spent) = (cx.is_blocked(), cx.is_long(), cx.is_spent());
    let seen = (Seen { first_look: cx.first_look(), looks: cx.looks() }, cx.rested());
    let step = account(caller, meter, timing, seen, step);
    let after = match step {
        Step::Yielded => {
            control.queue.put_back(batch);
            drop(place);
            control.state.yield_now();
            if spent { After::Spent } else { After::Requeue }
        }
        Step::Waiting => {
            control.queue.put_back(batch);
            drop(place);
            let state = if blocked { State::Blocked } else { State::Idle };
            match control.state.park(state) {
                Parked::Asleep => After::Nothing,
                Parked::Woken => After::Requeue,
            }
        }
        Step::Upgrade(upgrade) => {
            let process = place.take();
            drop(place);
            replace(caller, process, *upgrade, batch)
        }
        Step::Done(exit) => {
            let process = place.take();
            drop(place);
            finish(node, control, process, exit)
        }
    };
    Stepped { after, long }
}

/// Charges a step to its process and host. What it ended with, or that the process has computed too long.
#[inline]
fn account(caller: &Caller, meter: &mut Meter, timing: Timing, seen: (Seen, Option<Nanos>), step: Step) -> Step {
    let (control, node) = (&caller.control, &caller.node);
    let (cost, ended) = meter.end(timing, seen.0, &**node.clock());
    if cost > 0 {
        control.charge(cost);
        node.ledger().charge(&control.host, cost);
    }
    match ended {
        Some(ended) if control.cpu_limit() > 0 => budget(caller, cost, seen.1, ended, step),
        _ => step,
    }
}

fn budget(caller: &Caller, cost: Nanos, rested: Option<Nanos>, ended: Nanos, step: Step) -> Step {
    let (control, limit) = (&caller.control, caller.control.cpu_limit());
    let used = match rested {
        Some(at) => ended.saturating_sub(at),
        None => control.call_cpu() + cost,
    };
    if used >= limit {
        let (pid, entry) = (control.pid(), &control.frame().entry);
        tracing::info!(%pid, %entry, "cpu limit exceeded");
        caller.node.cpu_limits_exceeded.fetch_add(1, Ordering::Relaxed);
        let limit = duration::format(limit as i64);
        return Step::Done(Exit::Error(Error::timeout(format!("cpu limit exceeded ({limit})"))));
    }
    let waits = matches!(step, Step::Waiting) && !control.is_call();
    control.set_call_cpu(if waits { 0 } else { used });
    step
}

/// Why the process must end before its next step: it was terminated, or something it is linked to has failed.
fn ended_from_outside(control: &Control, batch: &Batch) -> Option<Error> {
    if control.state.is_killed() {
        // What is left when a host has stopped waiting was not asked to end by anybody else.
        let stopping = control.host.state() == HostState::Stopping;
        return Some(if stopping { Error::canceled("context canceled") } else { ended("process terminated") });
    }
    let linked = !batch.only_messages() && batch.others().any(is_link_down) && !control.trap_links();
    linked.then(|| ended("linked process failed"))
}

/// Why a process was ended from outside. Says nothing about retrying: its supervisor may well start it again.
fn ended(why: &str) -> Error {
    Error::new(Kind::INTERNAL, why)
}

fn is_link_down(event: &Event) -> bool {
    matches!(event, Event::Notice(n) if matches!(n.kind, NoticeKind::LinkDown(_)))
}

fn finish(node: &Arc<Node>, control: &Arc<Control>, process: Option<Box<dyn Process>>, exit: Exit) -> After {
    let mut process = process.unwrap_or_else(|| Box::new(Gone));
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| process.close())) {
        tracing::error!(pid = %control.pid(), error = %panic_error(&*panic), "panic while closing a process");
    }
    node.finish(control, process, exit);
    After::Nothing
}

/// Puts new code in place of the old: pid, mailbox, relations, names and parent stay.
fn replace(caller: &Caller, old: Option<Box<dyn Process>>, upgrade: Upgrade, batch: &mut Batch) -> After {
    let (control, node) = (&caller.control, &caller.node);
    if let Some(mut old) = old {
        let _ = catch_unwind(AssertUnwindSafe(|| old.close()));
    }
    let frame = control.frame();
    let entry = upgrade.entry.unwrap_or_else(|| frame.entry.clone());
    control.set_frame(Frame { entry: entry.clone(), ..(*frame).clone() });
    control.reset_options();
    node.end_run(control);
    let fail = |what: &str, e: Error| Exit::Error(Error::internal(format!("upgrade: {what} failed")).because(e));
    let created = node.factory(&entry).and_then(|f| Ok((f.method(), f.create()?)));
    let (method, mut process) = match created {
        Ok(made) => made,
        Err(e) => return finish(node, control, None, fail("create", e)),
    };
    let call = Invocation { entry, method, args: upgrade.args };
    let init = catch_unwind(AssertUnwindSafe(|| process.init(&call, control)));
    if let Err(e) = init.unwrap_or_else(|panic| Err(panic_error(&*panic))) {
        return finish(node, control, Some(process), fail("init", e));
    }
    // Completions belonged to the old code; messages and notices stay, oldest first.
    let mut kept = Batch::default();
    upgrade.retained.into_iter().for_each(|event| kept.push(event));
    while let Some(event) = batch.pop() {
        if !matches!(event, Event::Done(_)) {
            kept.push(event);
        }
    }
    control.queue.keep(batch);
    control.queue.put_back(&mut kept);
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
pub fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("(no text)"), "panic in a process");
    Error::new(Kind::INTERNAL, PANICKED)
}

/// Whether a run ended by a panic of its engine, so that its instance must not be used again. A guest that raises the
/// same text only loses its instance.
pub fn is_panic(error: &Error) -> bool {
    error.message() == PANICKED
}
