//! An evaluation as a process: it has no name and no parent, its pid is under
//! an address of its own, and its end is the answer to the request.

use std::sync::Arc;

use wippy_runtime::dispatch::{Caller, Completer, StepContext};
use wippy_runtime::payload::Flat;
use wippy_runtime::process::{Control, Exit, Frame, HostShared, Inherited, Invocation, OwnLimits, Process, Step};
use wippy_runtime::{Error, Result};

use super::compile::{Evaluator, failed};
use super::request::{Evaluate, Where};
use crate::process::{IMPORT_FAILED, LuaProcess};

/// Waits of one evaluation, as in the reference.
const MAX_STEPS: u32 = 10_000;

/// Compiles and starts an evaluation. May take as long as compiling does.
pub(super) fn start(evaluator: &Evaluator, caller: &Caller, request: Evaluate, done: Completer<Flat>) {
    let slot = done.cancellable();
    match prepare(evaluator, caller, request) {
        Ok((host, control)) => {
            let answered = control.on_exit(Box::new(move |exit| done.complete(answer(exit.clone()))));
            debug_assert!(answered.is_ok(), "it has not run yet");
            let running = control.clone();
            slot.set(Box::new(move || running.kill()));
            host.scheduler.schedule(control);
        }
        Err(e) => done.complete(Err(e)),
    }
}

fn prepare(evaluator: &Evaluator, caller: &Caller, mut r: Evaluate) -> Result<(Arc<HostShared>, Arc<Control>)> {
    let no_process = |e: Error| Error::internal("failed to create process").because(e);
    let host = match &r.place.host {
        Some(id) => caller.node.process_host(id).map_err(no_process)?,
        None => caller.control.host.clone(),
    };
    let plan = Arc::new(evaluator.plan(&host, &mut r)?);
    let entry = caller.frame().entry.clone();
    let call = Invocation { entry: entry.clone(), method: plan.method.clone(), args: r.args };
    let frame = Frame { entry, parent: None, inherited: inherited(caller, r.place) };
    let process = Box::new(Evaluated { inner: LuaProcess::new(plan), waits: 0 });
    let prepared = caller.node.prepare_at(&host, evaluator.address, process, &call, frame);
    // What fails here has run the chunk, or could not begin.
    let control = prepared.map_err(|(e, _)| answer(Exit::Error(e)).unwrap_err())?;
    Ok((host, control))
}

fn inherited(caller: &Caller, place: Where) -> Arc<Inherited> {
    let own = caller.frame().inherited.clone();
    let Where { actor, scope, context, .. } = place;
    if actor.is_none() && scope.is_none() && context.is_empty() {
        return own;
    }
    let mut inherited = (*own).clone();
    inherited.actor = actor.or(inherited.actor);
    inherited.scope = scope.or(inherited.scope);
    if !context.is_empty() {
        inherited.values = Arc::new(context);
    }
    Arc::new(inherited)
}

/// What the caller hears: every failure is Internal and final.
fn answer(exit: Exit) -> Result<Flat> {
    exit.into_result().map_err(|e| match e.message() {
        text @ (STEPS | IDLE) => Error::internal(text).retryable(false),
        text if text.starts_with(IMPORT_FAILED) => Error::internal(text).retryable(false),
        _ => failed("run", e),
    })
}

const STEPS: &str = "eval exceeded maximum step limit";
const IDLE: &str = "process became idle";
/// How the engine's report about a process begins that waits for nothing.
const DEADLOCK: &str = "deadlock:";

/// A Lua process that may wait only so often.
struct Evaluated {
    inner: LuaProcess,
    waits: u32,
}

impl Process for Evaluated {
    fn init(&mut self, call: &Invocation, control: &Arc<Control>) -> Result<()> {
        self.inner.init(call, control)
    }
    fn step(&mut self, cx: &mut StepContext<'_>) -> Step {
        match self.inner.step(cx) {
            Step::Waiting if self.inner.waits_for_nothing() => Step::Done(Exit::Error(Error::internal(IDLE))),
            Step::Waiting if self.waits >= MAX_STEPS => Step::Done(Exit::Error(Error::internal(STEPS))),
            Step::Waiting => {
                self.waits += 1;
                Step::Waiting
            }
            Step::Done(Exit::Error(e)) if e.message().starts_with(DEADLOCK) => {
                Step::Done(Exit::Error(Error::internal(IDLE)))
            }
            // There is no entry to go on with.
            Step::Upgrade(_) => Step::Done(Exit::Error(Error::invalid("an evaluation cannot be upgraded"))),
            step => step,
        }
    }
    fn limits(&self) -> OwnLimits {
        self.inner.limits()
    }
    fn close(&mut self) {
        self.inner.close();
    }
}
