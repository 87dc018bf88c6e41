//! One service: the phases of its runs, its timer, its retries. Pure: gets the time with each call and answers with
//! [`Effect`]s. Whether it may start or stop now, in view of the others, is the [`super::machine`]'s business.
//!
//! ```text
//!          begin            running             stop                ended
//!   Rest ─────────> Starting ─────> Running ──────────> Stopping ─────────> Rest
//!    ^                 │ ended(Err)    │ ended(Err)       │ timer              ^
//!    │ timer           v               v                  v          ended     │
//!    └────────────── Backoff <─────────┘              Lingering ───────────────┘
//! ```
//! A start that takes too long goes to Stopping first and from there to Backoff. An end that is no failure leads to
//! Rest. There is a run in Starting, Running, Stopping and Lingering, and never a second one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::needs::Needs;
use super::state::{ServiceState, Status};
use super::{Report, Service};
use crate::clock::Nanos;
use crate::duration;
use crate::entropy::Entropy;
use crate::error::{Error, Kind};
use crate::process::Inherited;
use crate::registry::{EntryId, Lifecycle, RestartPolicy};

/// What the driver has to do, in order.
pub(super) enum Effect {
    Start {
        run: RunId,
        service: Arc<dyn Service>,
        on_behalf: Arc<Inherited>,
    },
    Stop {
        run: RunId,
        service: Arc<dyn Service>,
        within: Duration,
    },
    /// Arms the service's timer in place of the one before.
    Arm {
        timer: RunId,
        after: Duration,
    },
    Disarm(EntryId),
    Publish(ServiceState),
}

/// Names one run, or one arming of the timer, of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunId {
    pub service: EntryId,
    pub number: u64,
}

/// The world as one call sees it.
pub(super) struct Cx<'a> {
    pub now: Nanos,
    /// Unix nanoseconds.
    pub wall: i64,
    pub entropy: &'a dyn Entropy,
    pub effects: &'a mut Vec<Effect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No run and no timer.
    Rest,
    /// Waits for its next attempt.
    Backoff,
    Starting,
    Running,
    /// Was asked to end, because somebody wanted that or (`late`) because its start took too long.
    Stopping {
        late: bool,
    },
    /// Did not end in time: counts as stopped for the others, but its own next run waits for the end.
    Lingering,
}

struct Run {
    number: u64,
    service: Arc<dyn Service>,
}

/// How the last run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There was none, or it was asked for.
    None,
    /// Ended by itself without an error.
    Finished,
    /// An error that is not tried again.
    GaveUp,
}

pub(super) struct Unit {
    pub id: EntryId,
    pub service: Arc<dyn Service>,
    pub lifecycle: Lifecycle,
    pub on_behalf: Arc<Inherited>,
    pub needs: Needs,
    /// The services that its last run was started with, which must outlive it.
    pub uses: BTreeSet<EntryId>,
    /// It is to run as soon as it can.
    pub wanted: bool,
    /// Somebody asked for it to be stopped, and nobody for a start since.
    pub told_to_stop: bool,
    /// A run must end before the next can begin, because service or needs were replaced.
    pub restart: bool,
    /// Goes when its run has ended.
    pub removed: bool,
    /// Why it cannot start although it is wanted: requirements missing, a cycle.
    pub blocked: Option<Error>,
    pub phase: Phase,
    pub outcome: Outcome,
    run: Option<Run>,
    /// Failures since it was last stable.
    failures: u32,
    running_since: Nanos,
    /// The last number given to a run or a timer.
    numbers: u64,
    timer: u64,
    /// How long the run that is asked to end may take.
    within: Duration,
    status: Status,
    details: Option<String>,
    last_update: i64,
    started_at: Option<i64>,
}

impl Unit {
    pub fn new(id: EntryId, service: Arc<dyn Service>, lifecycle: Lifecycle, on_behalf: Arc<Inherited>) -> Unit {
        Unit {
            id,
            service,
            lifecycle,
            on_behalf,
            needs: Needs::default(),
            uses: BTreeSet::new(),
            wanted: false,
            told_to_stop: false,
            restart: false,
            removed: false,
            blocked: None,
            phase: Phase::Rest,
            outcome: Outcome::None,
            run: None,
            failures: 0,
            running_since: 0,
            numbers: 0,
            timer: 0,
            within: Duration::ZERO,
            status: Status::Unknown,
            details: None,
            last_update: 0,
            started_at: None,
        }
    }

    /// It has a run that counts for the order of stops.
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Running | Phase::Stopping { .. })
    }
    /// It must not go on as it is.
    pub fn must_rest(&self) -> bool {
        !self.wanted || self.restart || self.removed
    }
    /// Whether what needs it can start: it runs, or it has done what it had to do.
    pub fn is_met(&self) -> bool {
        match self.phase {
            Phase::Running => !self.must_rest(),
            Phase::Rest => self.outcome == Outcome::Finished && !self.wanted && !self.removed,
            _ => false,
        }
    }
    /// It has failed and tries again.
    pub fn is_failing(&self) -> bool {
        self.status == Status::Failed && self.wanted
    }
    /// Its run, if there is one, is one of the service as it is registered now.
    pub fn runs_current(&self) -> bool {
        self.run.as_ref().is_none_or(|run| Arc::ptr_eq(&run.service, &self.service))
    }
    /// It has never begun a run.
    pub fn is_new(&self) -> bool {
        self.status == Status::Unknown
    }

    pub fn state(&self) -> ServiceState {
        ServiceState {
            id: self.id.clone(),
            status: self.status,
            // What has ended by itself is still what was asked for.
            desired: if self.wanted || self.outcome != Outcome::None { Status::Running } else { Status::Stopped },
            details: match &self.blocked {
                Some(error) if self.phase == Phase::Rest => Some(error.to_string()),
                _ => self.details.clone(),
            },
            retry_count: self.failures,
            last_update: self.last_update,
            started_at: self.started_at,
        }
    }

    /// Takes over a new configuration.
    pub fn configure(&mut self, lifecycle: Lifecycle, on_behalf: Arc<Inherited>) {
        (self.lifecycle, self.on_behalf, self.failures) = (lifecycle, on_behalf, 0);
    }

    /// Wants it to run, with a clean slate.
    pub fn want(&mut self, cx: &mut Cx<'_>) {
        (self.wanted, self.told_to_stop, self.failures, self.outcome) = (true, false, 0, Outcome::None);
        if self.phase == Phase::Backoff {
            self.disarm(cx);
            self.phase = Phase::Rest;
        }
    }

    /// Says why it cannot start, or that it can.
    pub fn block(&mut self, cx: &mut Cx<'_>, reason: Option<Error>) {
        if self.blocked == reason {
            return;
        }
        if let Some(error) = &reason {
            tracing::error!(service = %self.id, %error, "service cannot start");
        }
        self.blocked = reason;
        if self.phase == Phase::Rest {
            self.show(cx, self.status, None);
        }
    }

    /// Begins a run.
    pub fn begin(&mut self, cx: &mut Cx<'_>) {
        debug_assert!(self.phase == Phase::Rest && self.run.is_none());
        self.numbers += 1;
        let run = self.run_id(self.numbers);
        self.uses.clone_from(&self.needs.services);
        self.run = Some(Run { number: run.number, service: self.service.clone() });
        self.phase = Phase::Starting;
        self.show(cx, Status::Starting, Some(format!("attempt {}", self.failures.saturating_add(1))));
        self.arm(cx, self.lifecycle.start_timeout);
        cx.effects.push(Effect::Start { run, service: self.service.clone(), on_behalf: self.on_behalf.clone() });
    }

    /// Asks the run to end within `within`, or drops the next attempt.
    pub fn stop(&mut self, cx: &mut Cx<'_>, within: Duration) {
        match self.phase {
            Phase::Starting | Phase::Running => {
                self.phase = Phase::Stopping { late: false };
                self.show(cx, Status::Stopping, None);
                self.ask_to_end(cx, within);
            }
            Phase::Stopping { late: true } => {
                self.phase = Phase::Stopping { late: false };
                self.show(cx, Status::Stopping, None);
            }
            Phase::Backoff => self.rest(cx, Status::Stopped, None),
            Phase::Rest if self.status == Status::Failed => self.rest(cx, Status::Stopped, None),
            Phase::Stopping { .. } | Phase::Lingering | Phase::Rest => {}
        }
    }

    fn ask_to_end(&mut self, cx: &mut Cx<'_>, within: Duration) {
        self.within = within;
        self.arm(cx, within);
        if let Some(run) = &self.run {
            let (id, service) = (self.run_id(run.number), run.service.clone());
            cx.effects.push(Effect::Stop { run: id, service, within });
        }
    }

    /// What run `number` says. Reports of other runs are dropped.
    pub fn report(&mut self, cx: &mut Cx<'_>, number: u64, report: Report) {
        if self.run.as_ref().is_none_or(|run| run.number != number) {
            return;
        }
        match (report, self.phase) {
            (Report::Running, Phase::Starting) => {
                self.disarm(cx);
                self.phase = Phase::Running;
                (self.running_since, self.started_at) = (cx.now, Some(cx.wall));
                self.show(cx, Status::Running, None);
            }
            (Report::Running, _) => {}
            (Report::Details(text), Phase::Starting | Phase::Running) => self.show(cx, self.status, Some(text)),
            (Report::Details(_), _) => {}
            (Report::Ended(how), _) => {
                self.run = None;
                self.ended(cx, how);
            }
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, how: Result<(), Error>) {
        match (self.phase, how) {
            (Phase::Stopping { late: true }, _) if self.must_rest() && self.outcome == Outcome::GaveUp => {
                self.disarm(cx);
                self.phase = Phase::Rest;
            }
            (Phase::Stopping { late: true }, _) if !self.must_rest() => self.back_off(cx),
            (Phase::Starting | Phase::Running, how) if !self.must_rest() => match how {
                Ok(()) => {
                    (self.wanted, self.outcome) = (false, Outcome::Finished);
                    self.rest(cx, Status::Exited, None);
                }
                Err(error) if is_final(&error) => {
                    tracing::error!(service = %self.id, %error, "service ended for good");
                    (self.wanted, self.outcome) = (false, Outcome::GaveUp);
                    self.rest(cx, Status::Exited, Some(error.to_string()));
                }
                Err(error) => {
                    self.failed(cx, &error);
                    if self.wanted {
                        self.back_off(cx);
                    } else {
                        self.disarm(cx);
                        self.phase = Phase::Rest;
                    }
                }
            },
            // Asked for, or about to be.
            (_, how) => {
                let problem = how.err().filter(|e| *e.kind() != Kind::CANCELED).map(|e| e.to_string());
                self.rest(cx, Status::Stopped, problem);
            }
        }
    }

    /// Counts a failure; when the attempts are used up the service is no longer wanted.
    fn failed(&mut self, cx: &mut Cx<'_>, error: &Error) {
        let uptime = cx.now.saturating_sub(self.running_since);
        if self.phase == Phase::Running && u128::from(uptime) >= self.lifecycle.stable_threshold.as_nanos() {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let most = self.lifecycle.restart.max_attempts;
        if most != 0 && self.failures >= most {
            tracing::error!(service = %self.id, attempts = self.failures, %error, "service failed; no attempts left");
            (self.wanted, self.outcome) = (false, Outcome::GaveUp);
        } else {
            tracing::warn!(service = %self.id, attempts = self.failures, %error, "service failed");
        }
        self.show(cx, Status::Failed, Some(error.to_string()));
    }

    fn back_off(&mut self, cx: &mut Cx<'_>) {
        self.phase = Phase::Backoff;
        self.arm(cx, delay(&self.lifecycle.restart, self.failures, cx.entropy.unit()));
    }

    /// The service's timer `number` has fired.
    pub fn timer(&mut self, cx: &mut Cx<'_>, number: u64) {
        if self.timer != number {
            return;
        }
        match self.phase {
            Phase::Starting => {
                self.failed(cx, &Error::timeout("service start timed out").retryable(true));
                self.phase = Phase::Stopping { late: true };
                self.ask_to_end(cx, self.lifecycle.stop_timeout);
            }
            Phase::Backoff => {
                self.disarm(cx);
                self.phase = Phase::Rest;
            }
            Phase::Stopping { .. } => {
                self.disarm(cx);
                self.phase = Phase::Lingering;
                let within = duration::format_std(self.within);
                tracing::error!(service = %self.id, within, "service did not stop in time");
                self.show(cx, Status::Failed, Some(format!("stop timeout after {within}")));
            }
            Phase::Rest | Phase::Running | Phase::Lingering => {}
        }
    }

    fn rest(&mut self, cx: &mut Cx<'_>, status: Status, details: Option<String>) {
        self.disarm(cx);
        self.phase = Phase::Rest;
        self.show(cx, status, details);
    }

    fn run_id(&self, number: u64) -> RunId {
        RunId { service: self.id.clone(), number }
    }

    fn arm(&mut self, cx: &mut Cx<'_>, after: Duration) {
        self.numbers += 1;
        self.timer = self.numbers;
        cx.effects.push(Effect::Arm { timer: self.run_id(self.timer), after });
    }
    fn disarm(&mut self, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.timer) != 0 {
            cx.effects.push(Effect::Disarm(self.id.clone()));
        }
    }

    fn show(&mut self, cx: &mut Cx<'_>, status: Status, details: Option<String>) {
        (self.status, self.details, self.last_update) = (status, details, cx.wall);
        cx.effects.push(Effect::Publish(self.state()));
    }
}

/// Whether trying again is useless.
fn is_final(error: &Error) -> bool {
    let ends = [Kind::CANCELED, Kind::TERMINATED, Kind::EXITED];
    error.chain().any(|e| e.is_retryable() == Some(false) || ends.contains(e.kind()))
}

/// The wait after failure number `failures` (from 1). `unit` is uniform in `[0, 1)`:
/// `min(initial_delay * backoff_factor^(failures-1), max_delay)`, more or less by up to the share `jitter`.
fn delay(policy: &RestartPolicy, failures: u32, unit: f64) -> Duration {
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let grown = policy.initial_delay.as_secs_f64() * policy.backoff_factor.powi(exponent);
    let base = grown.min(policy.max_delay.as_secs_f64());
    Duration::try_from_secs_f64(base * (1.0 + policy.jitter * (2.0 * unit - 1.0))).unwrap_or(policy.max_delay)
}
