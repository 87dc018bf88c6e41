//! [`WasmProcess`]: one guest behind the runtime's process trait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wippy_runtime::clock::Nanos;
use wippy_runtime::dispatch::StepContext;
use wippy_runtime::payload::Flat;
use wippy_runtime::process::{Control, Exit, Factory, HostShared, Invocation, OwnLimits, Process, Step, Tag};
use wippy_runtime::timers::{TimerKey, TimerTarget};
use wippy_runtime::{Error, Result};

use super::current::Current;
use super::state::GuestState;
use super::wake::Wakeups;
use super::{failure, run};
use crate::engine::Seat;
use crate::program::Program;
use crate::shortcut::Kept;

/// Tag of the timer that wakes a guest whose time is over. Guests never use it, so its completion is dropped.
const DEADLINE: Tag = Tag::MAX;

/// What is polled by steps.
pub(super) type Run = Pin<Box<dyn Future<Output = Step> + Send>>;

/// See the module comment.
pub struct WasmProcess {
    program: Arc<Program>,
    run: Option<Running>,
    /// Serves calls that need no run.
    kept: Option<Box<Kept>>,
}

struct Running {
    future: Run,
    current: Arc<Current>,
    wakeups: Arc<Wakeups>,
    waker: Waker,
    deadline: Option<(Nanos, TimerKey)>,
    begun: bool,
    /// Given back with the run.
    _seat: Seat,
}

impl WasmProcess {
    pub fn new(program: Arc<Program>) -> WasmProcess {
        WasmProcess { program, run: None, kept: None }
    }
}

impl Process for WasmProcess {
    /// Nothing of the guest runs yet: what is wrong with arguments or imports is an error of the run.
    fn init(&mut self, call: &Invocation, control: &Arc<Control>) -> Result<()> {
        self.program.check_host(control)?;
        let seat = self.program.admit()?;
        let current = Arc::new(Current::default());
        let state = GuestState::new(self.program.clone(), control.clone(), current.clone());
        let wakeups = Wakeups::new(control);
        self.run = Some(Running {
            future: run::run(state, call.args.clone()),
            current,
            waker: Waker::from(wakeups.clone()),
            wakeups,
            deadline: None,
            begun: false,
            _seat: seat,
        });
        Ok(())
    }

    fn limits(&self) -> OwnLimits {
        self.program.limits()
    }

    fn call_at_once(&mut self, args: &Flat, host: &HostShared) -> Option<Result<Flat>> {
        self.program.shortcut()?.call(&self.program, &mut self.kept, args, host.limits.memory)
    }

    fn step(&mut self, cx: &mut StepContext<'_>) -> Step {
        let program = &self.program;
        let Some(run) = &mut self.run else {
            return Step::Done(Exit::Error(Error::internal("process has not been initialised")));
        };
        if !run.begun {
            run.begun = true;
            run.deadline = program.max_execution().map(|limit| {
                let at = cx.node().clock().now() + limit.as_nanos() as u64;
                let target = TimerTarget::Process(Arc::downgrade(cx.control()), DEADLINE);
                (at, cx.node().timers().arm(at, target))
            });
        }
        if run.deadline.is_some_and(|(at, _)| cx.node().clock().now() >= at) {
            return Step::Done(Exit::Error(failure::deadline(program)));
        }
        let _running = program.enter();
        // What WASI waits for lives on the IO runtime.
        let node = program.needs_wasi().then(|| cx.node().clone());
        let _inside = node.as_ref().and_then(|node| node.io().handle()).map(|h| h.enter());
        run.wakeups.begin();
        let Running { future, current, waker, .. } = run;
        let polled = current.during(cx, || future.as_mut().poll(&mut Context::from_waker(waker)));
        let woken = run.wakeups.end();
        if !program.is_actor() {
            // A guest that has no mailbox drops what is sent to it. Its own requests are not among what is left here: it
            // waits for one thing at a time, and has looked through everything for that.
            while cx.next_event().is_some() {}
        }
        match polled {
            Poll::Ready(step) => step,
            Poll::Pending if woken => Step::Yielded,
            Poll::Pending => Step::Waiting,
        }
    }

    /// Drops the guest where it stands.
    fn close(&mut self) {
        let Some(run) = self.run.take() else { return };
        if let Some((_, timer)) = run.deadline {
            self.program.cancel_timer(timer);
        }
    }
}

/// Makes processes of one version of an entry.
pub struct WasmFactory(pub Arc<Program>);

impl Factory for WasmFactory {
    fn create(&self) -> Result<Box<dyn Process>> {
        Ok(Box::new(WasmProcess::new(self.0.clone())))
    }
    fn method(&self) -> Arc<str> {
        self.0.method().clone()
    }
    fn answers_at_once(&self) -> bool {
        self.0.shortcut().is_some()
    }
    fn engine(&self) -> &'static str {
        "wasm"
    }
}

/// For `run`: how a step ends with a result.
pub(super) fn done(result: Result<Flat>) -> Step {
    Step::Done(result.into())
}
