//! What a process sees of the world during one step.

use std::sync::Arc;

use super::gate::judge;
use super::outbox::Outbox;
use super::table::check_capability;
use super::{Caller, Request};
use crate::clock::{LOOK, Nanos};
use crate::error::{Error, Kind};
use crate::node::Node;
use crate::payload::{Flat, FlatWriter};
use crate::process::{Batch, Control, Event, Frame, Message, Tag};
use crate::relay::Pid;
use crate::security::Denial;
use crate::timers::{TimerKey, TimerTarget};

/// The answer to a request: now, or later as a completion with this tag.
pub enum Called<T> {
    Ready(Result<T, Error>),
    Pending(Tag),
}

/// Given to [`crate::process::Process::step`]: the events that arrived, and the only way to ask for anything.
pub struct StepContext<'a> {
    caller: &'a Caller,
    events: &'a mut Batch,
    /// When the time slice ends, in nanoseconds of the node's clock; not known before the first look at the clock.
    slice_end: Option<Nanos>,
    /// Looks at the clock.
    looks: u32,
    /// When the call has used up its CPU, where that is limited.
    cpu_end: Option<Nanos>,
    exhausted: bool,
    /// When the process waited last inside this step, where it matters.
    rested: Option<Nanos>,
    spent: bool,
    pending: bool,
    outbox: Outbox,
}

impl<'a> StepContext<'a> {
    /// For the scheduler. `began`: now, if the step is timed as a whole.
    pub(crate) fn new(caller: &'a Caller, events: &'a mut Batch, began: Option<Nanos>) -> StepContext<'a> {
        let control = &caller.control;
        let limit = control.cpu_limit();
        let left = limit.saturating_sub(control.call_cpu());
        let cpu_end = began.filter(|_| limit > 0).map(|began| began + left);
        StepContext {
            caller,
            events,
            slice_end: None,
            looks: 0,
            cpu_end,
            exhausted: false,
            rested: None,
            spent: false,
            pending: false,
            outbox: Outbox::default(),
        }
    }
    /// The next event, in order of arrival.
    #[inline]
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.events.pop();
        self.received();
        event
    }
    /// Something was taken out of the events: it does not count as waiting any more.
    #[inline]
    fn received(&self) {
        let control = &self.caller.control;
        if control.host.limits.has_mailbox() {
            control.queue.keep(self.events);
        }
    }
    /// Sender and buffer (topic and payloads) of the next event if it is a message; it stays the next.
    #[inline]
    pub fn front_message(&self) -> Option<(Pid, &[u8])> {
        self.events.front_message()
    }
    /// Drops the next event, which is a message.
    #[inline]
    pub fn skip_message(&mut self) {
        self.events.skip_message();
        self.received();
    }
    /// Whether events are left.
    #[inline]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }
    pub fn pid(&self) -> Pid {
        self.caller.control.pid()
    }
    pub fn control(&self) -> &Arc<Control> {
        &self.caller.control
    }
    pub fn node(&self) -> &Arc<Node> {
        &self.caller.node
    }
    pub fn caller(&self) -> &Caller {
        self.caller
    }
    pub fn frame(&self) -> Arc<Frame> {
        self.caller.frame()
    }
    /// True when the process should let others run. The slice begins with the first call, so that short steps never
    /// look at the clock: an engine calls this every few microseconds of work, or once at the start.
    pub fn slice_used(&mut self) -> bool {
        self.flush();
        self.looks += 1;
        let now = self.work_time();
        let end = *self.slice_end.get_or_insert(now + self.caller.control.slice());
        self.exhausted |= self.cpu_end.is_some_and(|end| now >= end);
        self.spent = now >= end || self.exhausted;
        self.spent
    }
    fn work_time(&self) -> Nanos {
        let clock = self.caller.node.clock();
        let now = clock.now();
        if clock.passes() { now } else { now + u64::from(self.looks) * LOOK }
    }
    /// Says that all that goes on in the process waits, or did when it began to handle the next event: what it computes
    /// from now on counts against a new budget. Returning [`crate::process::Step::Waiting`] says so too. A call has one
    /// budget to its end.
    #[inline]
    pub fn rest(&mut self) {
        if self.cpu_end.is_some() && !self.exhausted && !self.caller.control.is_call() {
            let now = self.work_time();
            self.rested = Some(now);
            self.cpu_end = Some(now + self.caller.control.cpu_limit());
        }
    }
    /// When it waited last, if it did and that matters.
    pub(crate) fn rested(&self) -> Option<Nanos> {
        self.rested
    }
    pub(crate) fn looks(&self) -> u32 {
        self.looks
    }
    /// When the process first looked at the clock.
    pub(crate) fn first_look(&self) -> Option<Nanos> {
        self.slice_end.map(|end| end.saturating_sub(self.caller.control.slice()))
    }
    /// Whether the process looked at the clock.
    pub(crate) fn is_long(&self) -> bool {
        self.slice_end.is_some()
    }
    /// Whether it was told that its slice is used up.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
    }
    /// True when the process is to end at its next safepoint: it was told to, or [`StepContext::slice_used`] has found
    /// that its CPU is used up. How it ends then is no matter.
    pub fn is_killed(&self) -> bool {
        self.exhausted || self.caller.control.state.is_killed()
    }
    /// Says that the process waits for completions, not only for messages; shown as its state.
    pub fn mark_blocked(&mut self) {
        self.pending = true;
    }
    pub(crate) fn is_blocked(&self) -> bool {
        self.pending
    }

    /// Asks for something. Permissions are checked here; `tag` must be unique among the requests in flight.
    pub fn call<R: Request>(&mut self, request: R, tag: Tag) -> Called<R::Reply> {
        self.flush();
        self.caller.node.dispatcher().call(self.caller, request, tag)
    }

    /// As [`StepContext::call`] where nobody can wait; `None`, and nothing was done, if the answer takes time.
    pub fn call_at_once<R: Request>(&mut self, request: R) -> Option<Result<R::Reply, Error>> {
        self.flush();
        self.caller.node.dispatcher().call_at_once(self.caller, request)
    }

    /// Completes `tag` with `()` at `deadline`, in nanoseconds of the node's clock. Errors: the host denies `time`.
    pub fn sleep_until(&mut self, deadline: Nanos, tag: Tag) -> Result<TimerKey, Error> {
        if self.caller.control.host.capabilities.is_restricted() {
            check_capability(self.caller, "time")?;
        }
        let target = TimerTarget::Process(Arc::downgrade(&self.caller.control), tag);
        Ok(self.caller.node.timers().arm(deadline, target))
    }
    /// True if the timer had not fired; its completion may be in the queue otherwise.
    pub fn cancel_timer(&mut self, key: TimerKey) -> bool {
        self.caller.node.timers().cancel(key)
    }

    /// Delivers what [`StepContext::send_next`] has collected. Everything here that can be noticed outside does so first;
    /// who takes another way into the world (by [`StepContext::node`] and the like) does so by itself.
    #[inline]
    pub fn flush(&mut self) {
        self.outbox.flush(self.caller.control.pid());
    }
    /// Sends a message; the hot path of everything. Order per sender and target is the order of calls.
    /// `shown` is the destination as the program wrote it, for the denial.
    ///
    /// Errors: PermissionDenied (by the gate, or by a wall between hosts), NotFound (`process not found`, `host not
    /// found`, `node not found`), InvalidState (`process closed`), Unavailable (`host is shutting down`),
    /// LimitExceeded (mailbox or message too large).
    pub fn send(&mut self, to: Pid, message: Message, shown: &dyn std::fmt::Display) -> Result<(), Error> {
        self.flush();
        may_send(self.caller, to, shown)?;
        let sent = self.caller.node.router().send_from(Some(&self.caller.control.host), to, message);
        sent.inspect_err(|e| count_denial(self.caller, e))
    }
    /// [`StepContext::send`] to a pid whose process was looked up before and had not ended.
    pub fn send_to(
        &mut self,
        to: Pid,
        process: &Arc<Control>,
        message: Message,
        shown: &dyn std::fmt::Display,
    ) -> Result<(), Error> {
        self.flush();
        check_known(self.caller, to, process, shown)?;
        self.caller.node.router().deliver(process, message)
    }
    /// [`StepContext::send_to`] that may deliver a message later in the step, together with others, as long as nobody can
    /// notice; not where mailboxes are limited. `fill` writes topic and payloads; its errors are passed on.
    #[inline]
    pub fn send_next(
        &mut self,
        to: Pid,
        process: &Arc<Control>,
        shown: &dyn std::fmt::Display,
        fill: impl FnOnce(&mut FlatWriter<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (caller, from) = (self.caller, self.caller.control.pid());
        if self.outbox.follows(process) {
            return self.outbox.add(from, process, fill, |len| {
                check_known(caller, to, process, shown)?;
                caller.node.router().check_delivery(process, len)
            });
        }
        self.flush();
        let mut body = Flat::new();
        body.append(fill)?;
        check_known(caller, to, process, shown)?;
        caller.node.router().deliver(process, Message::from_body(from, body))?;
        if !process.host.limits.has_mailbox() {
            self.outbox.sent_to(process);
        }
        Ok(())
    }
}

#[cold]
fn count_denial(caller: &Caller, error: &Error) {
    if *error.kind() == Kind::PERMISSION_DENIED {
        Denial::by_wall(caller, error).record();
    }
}

/// Whether a process may send to another one that was looked up before.
#[inline]
fn check_known(caller: &Caller, to: Pid, process: &Control, shown: &dyn std::fmt::Display) -> Result<(), Error> {
    may_send(caller, to, shown)?;
    caller.control.host.check_send(&process.host).inspect_err(|e| count_denial(caller, e))
}

#[inline]
fn may_send(caller: &Caller, to: Pid, shown: &dyn std::fmt::Display) -> Result<(), Error> {
    if caller.control.host.capabilities.is_restricted() {
        check_capability(caller, "process.send")?;
    }
    if !caller.control.sends_freely() && caller.node.may_refuse() {
        ask_to_send(caller, to, shown)?;
    }
    Ok(())
}

#[cold]
fn ask_to_send(caller: &Caller, to: Pid, shown: &dyn std::fmt::Display) -> Result<(), Error> {
    const ACTION: &str = "process.send";
    let (control, node) = (&caller.control, &caller.node);
    let frame = control.frame();
    if !judge(caller, &frame, ACTION, &to, None) {
        return Err(Error::permission_denied(format!("not allowed to send: {shown}")));
    }
    if node.policies().by_action(&frame.inherited, ACTION) == Some(true) {
        control.let_send_freely();
    }
    Ok(())
}
