//! The interceptor that calls a function again when it failed, as the call
//! option `retry` says. Knows no pool: an attempt is a call of the rest of the
//! chain, with a pid of its own.
//!
//! Options are read leniently, as the reference does: what cannot be read has
//! its default. A wait is a timer of the node; the attempt after it is made in
//! a step of a small process on the caller's host, because starting a call may
//! load code, which must hold up neither the timers nor other hosts.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{CancelCall, Done, FunctionCall, Interceptor, Next};
use crate::dispatch::StepContext;
use crate::duration;
use crate::error::{Error, Kind, Result};
use crate::payload::{Flat, Map, Value};
use crate::process::{Control, Exit, Frame, HostShared, Invocation, Process, Step};
use crate::registry::EntryId;
use crate::relay::Name;
use crate::timers::{TimerKey, TimerTarget};

/// The place of retries among the interceptors.
pub(super) const ORDER: i32 = 20;
/// Entry of the processes that make attempts, and host part of their pids.
const ENTRY: &str = "node:retry";

/// See the module comment.
pub(super) struct Retry;

impl Interceptor for Retry {
    fn wants(&self, options: &Map) -> bool {
        match options.get("retry") {
            None | Some(Value::Nil) => false,
            Some(Value::Map(retry)) => max_attempts(retry) > 1,
            Some(other) => {
                tracing::warn!(got = other.type_name(), "the call option `retry` must be a map; it is ignored");
                false
            }
        }
    }
    fn call(&self, call: FunctionCall, next: Next, done: Done) -> CancelCall {
        let policy = Policy::read(call.options.get("retry").and_then(Value::as_map).unwrap_or(&Map::new()));
        let state = State {
            done: Some(done),
            begun: 0,
            wait: policy.initial_delay,
            phase: Phase::Running(None),
            canceled: false,
        };
        let attempts = Arc::new(Attempts { call, next, policy, state: Mutex::new(state) });
        attempts.attempt();
        Box::new(move || attempts.cancel())
    }
}

/// How often and when to try again.
struct Policy {
    max_attempts: u32,
    /// Nanoseconds, as all delays here.
    initial_delay: f64,
    max_delay: f64,
    backoff_factor: f64,
    /// Share of a delay that is random.
    jitter: f64,
    /// Empty: all but those that make no sense to try again.
    retry_kinds: Vec<String>,
    skip_kinds: Vec<String>,
}

fn max_attempts(retry: &Map) -> u32 {
    retry.get("max_attempts").and_then(Value::as_float).map_or(0, |n| n as u32)
}

/// Milliseconds as a number, or a duration text.
fn delay(retry: &Map, key: &str, default: Duration) -> f64 {
    let nanos = match retry.get(key) {
        Some(Value::Str(text)) => duration::parse(text).ok().map(|n| n as f64),
        Some(other) => other.as_float().map(|ms| ms * 1e6),
        None => None,
    };
    nanos.filter(|n| n.is_finite() && *n > 0.0).unwrap_or(default.as_nanos() as f64)
}

fn kinds(retry: &Map, key: &str) -> Vec<String> {
    let list = retry.get(key).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Policy {
    fn read(retry: &Map) -> Policy {
        let number = |key: &str| retry.get(key).and_then(Value::as_float).filter(|n| n.is_finite());
        Policy {
            max_attempts: max_attempts(retry),
            initial_delay: delay(retry, "initial_delay", Duration::from_millis(100)),
            max_delay: delay(retry, "max_delay", Duration::from_secs(10)),
            backoff_factor: number("backoff_factor").filter(|f| *f > 0.0).unwrap_or(2.0),
            jitter: number("jitter").filter(|j| *j >= 0.0).unwrap_or(0.1).min(1.0),
            retry_kinds: kinds(retry, "retry_kinds"),
            skip_kinds: kinds(retry, "skip_kinds"),
        }
    }

    /// Whether a call that failed with `error` may be tried again.
    fn retries(&self, error: &Error) -> bool {
        let listed = |list: &[String]| list.iter().any(|k| k == error.kind().as_str());
        if error.is_retryable() == Some(false) || listed(&self.skip_kinds) {
            return false;
        }
        match self.retry_kinds.is_empty() {
            false => listed(&self.retry_kinds),
            true => ![Kind::INVALID, Kind::PERMISSION_DENIED, Kind::INTERNAL].contains(error.kind()),
        }
    }

    /// The wait after one of `last`, and with its random part; `unit` is uniform in `[0, 1)`. Neither exceeds the
    /// maximum.
    fn next_wait(&self, last: f64, unit: f64) -> (f64, Duration) {
        let wait = (last * self.backoff_factor).min(self.max_delay);
        let jittered = wait * (1.0 + self.jitter * (2.0 * unit - 1.0));
        (wait, Duration::from_nanos(jittered.clamp(0.0, self.max_delay) as u64))
    }
}

/// One call with all its attempts.
struct Attempts {
    call: FunctionCall,
    next: Next,
    policy: Policy,
    state: Mutex<State>,
}

struct State {
    done: Option<Done>,
    begun: u32,
    /// The last wait without its random part; the plain initial delay is never waited.
    wait: f64,
    phase: Phase,
    canceled: bool,
}

enum Phase {
    /// An attempt is made; what cancels it, once its start has returned.
    Running(Option<CancelCall>),
    Waiting(TimerKey),
    Over,
}

impl Attempts {
    fn attempt(self: &Arc<Self>) {
        let number = {
            let mut state = self.state.lock();
            if state.canceled {
                drop(state);
                return self.finish(Err(canceled()));
            }
            state.begun += 1;
            state.phase = Phase::Running(None);
            state.begun
        };
        let attempts = self.clone();
        let cancel = self.next.call(self.call.clone(), Box::new(move |result| attempts.ended(result)));
        let mut state = self.state.lock();
        // The attempt may have ended by now, and another one begun.
        if state.begun == number && matches!(state.phase, Phase::Running(_)) {
            if !state.canceled {
                state.phase = Phase::Running(Some(cancel));
                return;
            }
            drop(state);
            cancel();
        }
    }

    /// An attempt ended: that was it, or the next one comes after a wait.
    fn ended(self: &Arc<Self>, result: Result<Flat>) {
        let error = match result {
            Ok(value) => return self.finish(Ok(value)),
            Err(error) => error,
        };
        let node = &self.call.node;
        let mut state = self.state.lock();
        if state.canceled || state.begun >= self.policy.max_attempts || !self.policy.retries(&error) {
            drop(state);
            return self.finish(Err(error));
        }
        let (wait, delay) = self.policy.next_wait(state.wait, node.entropy().unit());
        let attempts = self.clone();
        let key = node.timers().arm_after(delay, TimerTarget::Call(Box::new(move || attempts.due())));
        state.wait = wait;
        state.phase = Phase::Waiting(key);
    }

    /// The wait is over, on the timer thread.
    fn due(self: &Arc<Self>) {
        let started = self.call.node.functions().started_host();
        let Some(host) = self.call.host.clone().or(started) else { return self.attempt() };
        if let Err(e) = self.attempt_on(&host) {
            self.finish(Err(e));
        }
    }

    fn attempt_on(self: &Arc<Self>, host: &Arc<HostShared>) -> Result<()> {
        let entry = EntryId::parse(ENTRY);
        let invocation = Invocation { entry: entry.clone(), method: "".into(), args: Flat::new() };
        let frame = Frame { entry, parent: None, inherited: self.call.inherited.clone() };
        let process = Box::new(Attempt(Some(self.clone())));
        let prepared = self.call.node.prepare_at(host, Name::new(ENTRY)?, process, &invocation, frame);
        host.scheduler.schedule(prepared.map_err(|(e, _)| e)?);
        Ok(())
    }

    fn cancel(&self) {
        let mut state = self.state.lock();
        state.canceled = true;
        match &mut state.phase {
            // Without a cancellation the attempt is being started, and sees the mark.
            Phase::Running(cancel) => {
                let cancel = cancel.take();
                drop(state);
                if let Some(cancel) = cancel {
                    cancel();
                }
            }
            Phase::Waiting(key) => {
                let key = *key;
                drop(state);
                // A timer that has fired leads to an attempt, which sees the mark.
                if self.call.node.timers().cancel(key) {
                    self.finish(Err(canceled()));
                }
            }
            Phase::Over => {}
        }
    }

    fn finish(&self, result: Result<Flat>) {
        let done = {
            let mut state = self.state.lock();
            state.phase = Phase::Over;
            state.done.take()
        };
        if let Some(done) = done {
            done(result);
        }
    }
}

fn canceled() -> Error {
    Error::canceled("context canceled")
}

/// A process that makes one attempt and ends, leaving the call to run on its own.
struct Attempt(Option<Arc<Attempts>>);

impl Process for Attempt {
    fn init(&mut self, _: &Invocation, _: &Arc<Control>) -> Result<()> {
        Ok(())
    }
    fn step(&mut self, _: &mut StepContext<'_>) -> Step {
        if let Some(attempts) = self.0.take() {
            attempts.attempt();
        }
        Step::Done(Exit::Value(Flat::new()))
    }
    fn close(&mut self) {
        // The host stopped before the attempt could be made.
        if let Some(attempts) = self.0.take() {
            attempts.finish(Err(canceled()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(fields: &[(&str, Value)]) -> Policy {
        Policy::read(&fields.iter().map(|(k, v)| (k.to_string(), v.clone())).collect())
    }

    #[test]
    fn waits_grow_from_the_second_interval_to_the_maximum() {
        let waits = |policy: &Policy, unit: f64| {
            let mut last = policy.initial_delay;
            let mut next = || {
                let (wait, delay) = policy.next_wait(last, unit);
                last = wait;
                delay.as_millis()
            };
            [next(), next(), next(), next()]
        };
        let plain = policy(&[("jitter", Value::Int(0))]);
        assert_eq!(waits(&plain, 0.9), [200, 400, 800, 1600]);
        let capped = policy(&[
            ("jitter", Value::Int(0)),
            ("initial_delay", "1s".into()),
            ("max_delay", Value::Float(2500.0)),
            ("backoff_factor", Value::Float(1.5)),
        ]);
        assert_eq!(waits(&capped, 0.0), [1500, 2250, 2500, 2500]);
        let jittered = policy(&[("jitter", Value::Float(0.5)), ("max_delay", Value::Int(500))]);
        assert_eq!(waits(&jittered, 0.0), [100, 200, 250, 250]);
        assert_eq!(waits(&jittered, 0.999_999_9), [299, 500, 500, 500]);
    }

    #[test]
    fn kinds_decide() {
        let list = |names: &[&str]| -> Value { names.iter().copied().collect() };
        let of = |kind: Kind| Error::new(kind, "x");
        let default = policy(&[]);
        for kind in [Kind::UNKNOWN, Kind::NOT_FOUND, Kind::UNAVAILABLE, Kind::TIMEOUT, Kind::new("Mine")] {
            assert!(default.retries(&of(kind.clone())), "{kind:?}");
            assert!(!default.retries(&of(kind.clone()).retryable(false)), "{kind:?}");
        }
        for kind in [Kind::INVALID, Kind::PERMISSION_DENIED, Kind::INTERNAL] {
            assert!(!default.retries(&of(kind.clone())), "{kind:?}");
            assert!(!default.retries(&of(kind.clone()).retryable(true)), "{kind:?}");
        }
        let listed = policy(&[("retry_kinds", list(&["Internal", "Timeout"])), ("skip_kinds", list(&["Timeout"]))]);
        assert!(listed.retries(&of(Kind::INTERNAL)));
        assert!(!listed.retries(&of(Kind::TIMEOUT)));
        assert!(!listed.retries(&of(Kind::UNAVAILABLE)));
        assert!(!listed.retries(&of(Kind::INTERNAL).retryable(false)));
        let skipping = policy(&[("skip_kinds", list(&["Unavailable"]))]);
        assert!(!skipping.retries(&of(Kind::UNAVAILABLE)));
        assert!(!skipping.retries(&of(Kind::INVALID)));
        assert!(skipping.retries(&of(Kind::TIMEOUT)));
    }

    #[test]
    fn what_cannot_be_read_has_its_default() {
        let odd = policy(&[
            ("max_attempts", "many".into()),
            ("initial_delay", "soon".into()),
            ("max_delay", Value::Int(-1)),
            ("backoff_factor", Value::Int(0)),
            ("jitter", Value::Float(-0.5)),
            ("retry_kinds", "Timeout".into()),
        ]);
        let default = policy(&[]);
        assert_eq!(odd.max_attempts, 0);
        assert_eq!(
            (odd.initial_delay, odd.max_delay, odd.backoff_factor, odd.jitter, odd.retry_kinds.len()),
            (default.initial_delay, default.max_delay, default.backoff_factor, default.jitter, 0)
        );
    }
}
