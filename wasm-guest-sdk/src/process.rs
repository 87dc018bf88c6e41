//! Other processes, and this one: spawn, send, watch, end, options, upgrade.
#![allow(unsafe_code)]

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::abi::{Answer, List, RawField, RawFirstMessage, RawPayload, flat_outcome, imports, returned};
use crate::mailbox::{Incoming, Receive};
use crate::message::{self, Message};
use crate::payload::{Args, Payload};
use crate::pid::Target;
use crate::{Error, Pid, Result};

/// Puts a message with one payload into the mailbox of `to`.
/// Errors: Invalid for topics with `@`; NotFound `process not found`; InvalidState `process closed`; PermissionDenied.
pub fn send(to: impl Target, topic: &str, payload: &(impl Serialize + ?Sized)) -> Result<()> {
    send_payloads(&to, topic, &[Payload::new(payload)?])
}

/// A message with several payloads, or none: a tuple.
pub fn send_all(to: impl Target, topic: &str, payloads: impl Args) -> Result<()> {
    send_payloads(&to, topic, &payloads.payloads()?)
}

/// A variant of an enum as a message: its name is the topic, its content the payloads; see [`Message`].
///
/// ```no_run
/// # use wippy_guest::{Result, tell};
/// #[derive(serde::Serialize)]
/// enum Request {
///     Put { key: String, value: i64 },
/// }
///
/// fn remember(store: wippy_guest::Pid) -> Result<()> {
///     tell(store, &Request::Put { key: "answer".into(), value: 42 })
/// }
/// ```
pub fn tell(to: impl Target, message: &(impl Serialize + ?Sized)) -> Result<()> {
    let (topic, payloads) = message::parts(message)?;
    send_payloads(&to, topic, &payloads)
}

/// Passes a message on as it is.
pub fn forward(to: impl Target, message: &Message) -> Result<()> {
    send_payloads(&to, &message.topic, &message.payloads)
}

/// [`tell`], and then the answer: the next message with the topic `reply`. Everything else stays in the mailbox. Where an
/// answer may come too late, give each question a number, and make it part of the topic.
/// Errors: those of sending; Timeout `no answer within 5s`; Invalid for an answer that is no `R`.
pub fn ask<R: DeserializeOwned>(
    to: impl Target,
    message: &(impl Serialize + ?Sized),
    reply: &str,
    timeout: Duration,
) -> Result<R> {
    tell(to, message)?;
    match Receive::nothing().topic(reply).timeout(timeout).next::<Message>() {
        Incoming::Message(answer, _) => answer.payload(),
        _ => Err(Error::timeout(alloc::format!("no answer within {timeout:?}")).retryable(true)),
    }
}

fn send_payloads(to: &impl Target, topic: &str, payloads: &[Payload]) -> Result<()> {
    let (kind, a, b, sequence) = to.flat();
    // The usual case without an allocation.
    let (one, many);
    let raw: &[RawPayload] = match payloads {
        [payload] => {
            one = RawPayload::of(payload);
            core::slice::from_ref(&one)
        }
        _ => {
            many = RawPayload::all(payloads);
            &many
        }
    };
    // SAFETY: topic and payloads live over the call; the runtime writes the answer.
    unsafe {
        returned(|ret| {
            imports::send(kind, a, b, sequence, topic.as_ptr(), topic.len(), raw.as_ptr(), raw.len(), ret);
        })
        .take()
    }
}

/// A process to start, begun with [`spawn`].
#[derive(Debug)]
#[must_use = "nothing starts before `start`"]
pub struct Spawn<'a> {
    entry: &'a str,
    host: &'a str,
    args: Result<Vec<Payload>>,
    monitored: bool,
    linked: bool,
    name: Option<&'a str>,
    context: Vec<(&'a str, Payload)>,
    options: Vec<(&'a str, Payload)>,
    messages: Vec<(String, Vec<Payload>)>,
    problem: Option<Error>,
}

/// Begins to start the process `entry` on `host`.
///
/// ```no_run
/// # use wippy_guest::{Result, spawn};
/// fn begin() -> Result<()> {
///     let worker = spawn("app:worker", "app:processes").args((7, "fast")).monitored().start()?;
///     wippy_guest::send(worker, "job", &42)
/// }
/// ```
pub fn spawn<'a>(entry: &'a str, host: &'a str) -> Spawn<'a> {
    Spawn {
        entry,
        host,
        args: Ok(Vec::new()),
        monitored: false,
        linked: false,
        name: None,
        context: Vec::new(),
        options: Vec::new(),
        messages: Vec::new(),
        problem: None,
    }
}

impl<'a> Spawn<'a> {
    /// Arguments: a tuple.
    pub fn args(mut self, args: impl Args) -> Self {
        self.args = args.payloads();
        self
    }
    /// This process gets an [`Event::Exit`](crate::Event::Exit) when the new one ends.
    pub fn monitored(mut self) -> Self {
        self.monitored = true;
        self
    }
    /// A failure of either ends the other too, or is an [`Event::LinkDown`](crate::Event::LinkDown) with
    /// [`Options::trap_links`].
    pub fn linked(mut self) -> Self {
        self.linked = true;
        self
    }
    /// A local name. If a process has it already, nothing starts: the first messages go to that one, whose pid is the
    /// answer.
    pub fn name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }
    /// A value laid over the inherited context. Needs the permission `process.context`.
    pub fn context(mut self, key: &'a str, value: &impl Serialize) -> Self {
        keep(&mut self.context, &mut self.problem, key, value);
        self
    }
    /// A start option, such as `network`. Needs the permission `process.context`.
    pub fn option(mut self, key: &'a str, value: &impl Serialize) -> Self {
        keep(&mut self.options, &mut self.problem, key, value);
        self
    }
    /// A variant of an enum as a message that is delivered before any that is sent to the returned pid.
    pub fn message(mut self, message: &impl Serialize) -> Self {
        match message::parts(message) {
            Ok((topic, payloads)) => self.messages.push((topic.into(), payloads)),
            Err(error) => self.problem = Some(error),
        }
        self
    }
    /// Starts the process.
    /// Errors: NotFound `host not found`, `factory not found`; Unavailable `host is not running`,
    /// `host is shutting down`; LimitExceeded; PermissionDenied; what prevents the code from starting; Invalid for
    /// arguments that cannot be encoded.
    pub fn start(self) -> Result<Pid> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        self.start_with(self.args.as_ref().map_err(Error::clone)?)
    }

    fn start_with(&self, args: &[Payload]) -> Result<Pid> {
        let args = RawPayload::all(args);
        let (context, options) = (fields(&self.context), fields(&self.options));
        let payloads: Vec<Vec<RawPayload>> = self.messages.iter().map(|(_, p)| RawPayload::all(p)).collect();
        let first = self.messages.iter().zip(&payloads);
        let messages: Vec<RawFirstMessage> = first
            .map(|((topic, _), payloads)| RawFirstMessage { topic: List::text(topic), payloads: List::of(payloads) })
            .collect();
        let relation = i32::from(self.monitored) | i32::from(self.linked) << 1;
        let (named, name) = (i32::from(self.name.is_some()), self.name.unwrap_or_default());
        // SAFETY: everything lowered lives over the call; the runtime writes the answer.
        unsafe {
            returned(|ret| {
                imports::spawn(
                    self.entry.as_ptr(),
                    self.entry.len(),
                    self.host.as_ptr(),
                    self.host.len(),
                    args.as_ptr(),
                    args.len(),
                    relation,
                    named,
                    name.as_ptr(),
                    name.len(),
                    context.as_ptr(),
                    context.len(),
                    options.as_ptr(),
                    options.len(),
                    messages.as_ptr(),
                    messages.len(),
                    ret,
                );
            })
            .take()
        }
    }
}

/// A monitored process with arguments that are ready.
pub(crate) fn spawn_payloads(entry: &str, host: &str, args: &[Payload]) -> Result<Pid> {
    spawn(entry, host).monitored().start_with(args)
}

/// Adds a named value, or notes why it cannot be encoded.
pub(crate) fn keep<'a>(
    fields: &mut Vec<(&'a str, Payload)>,
    problem: &mut Option<Error>,
    key: &'a str,
    value: &impl Serialize,
) {
    match Payload::new(value) {
        Ok(payload) => fields.push((key, payload)),
        Err(error) => *problem = Some(error.context(key)),
    }
}

pub(crate) fn fields(fields: &[(&str, Payload)]) -> Vec<RawField> {
    fields.iter().map(|(name, value)| RawField { name: List::text(name), value: RawPayload::of(value) }).collect()
}

/// Runs the process `entry` on `host` to its end and gives what it returned. It is not related to this one.
/// Errors: those of its start, and its own.
pub fn exec<R: DeserializeOwned>(entry: &str, host: &str, args: impl Args) -> Result<R> {
    let args = args.payloads()?;
    let args = RawPayload::all(&args);
    // SAFETY: everything lowered lives over the call; the runtime writes the answer and hands it over.
    let payload = unsafe {
        returned(|ret| {
            let (args, count) = (args.as_ptr(), args.len());
            imports::exec(entry.as_ptr(), entry.len(), host.as_ptr(), host.len(), args, count, ret);
        })
        .take()?
        .take()
    };
    payload.decode()
}

macro_rules! relations {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(to: impl Target) -> Result<()> {
                let (kind, a, b, sequence) = to.flat();
                // SAFETY: a name lives over the call; the runtime writes the answer.
                unsafe { returned(|ret: *mut Answer<()>| imports::$name(kind, a, b, sequence, ret)).take() }
            }
        )*
    };
}

relations! {
    /// Ends a process of this node at once. Nothing of its code runs any more.
    terminate;
    /// Watches a process: one [`Event::Exit`](crate::Event::Exit) when it ends.
    /// Errors: Internal `pid not registered` for one that does not live, `already monitoring pid`.
    monitor;
    /// Ends a watch. Without one: success.
    unmonitor;
    /// Ties two processes together in both directions. Error: Internal `pid not registered`.
    link;
    /// Unties them. Without a link: success.
    unlink;
}

/// Asks a process to finish: it gets an [`Event::Cancel`](crate::Event::Cancel) and decides itself.
pub fn cancel(to: impl Target, reason: &str) -> Result<()> {
    let (kind, a, b, sequence) = to.flat();
    // SAFETY: the texts live over the call; the runtime writes the answer.
    unsafe { returned(|ret| imports::cancel(kind, a, b, sequence, reason.as_ptr(), reason.len(), ret)).take() }
}

/// The id of the registry entry that runs, `namespace:name`.
pub fn entry_id() -> String {
    // SAFETY: the runtime writes the text and hands it over.
    unsafe { returned(|ret| imports::entry_id(ret)).take_text() }
}

/// A value that whoever started this process, or called this function, gave it in its context. `None`: no such key.
/// Errors: Invalid for one that is no `T`.
pub fn context_value<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    // SAFETY: the runtime writes the payload and hands it over.
    let found = unsafe {
        let found = returned(|ret| imports::context_value(key.as_ptr(), key.len(), ret));
        found.get().map(|raw: RawPayload| raw.take())
    };
    found.map(|payload| payload.decode()).transpose()
}

/// What a process says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A linked process that fails is an [`Event::LinkDown`](crate::Event::LinkDown) instead of the end of this one.
    pub trap_links: bool,
    /// Changes of this process's entry are [`Event::Outdated`](crate::Event::Outdated).
    pub upgradable: bool,
    /// Tables arrive as [`Payload::Held`], for processes that pass messages on and do not look into them.
    pub hold_tables: bool,
}

const HELD: u8 = 3;

impl Options {
    /// Those of this process, as they are now.
    pub fn get() -> Options {
        // SAFETY: the runtime writes the options.
        let raw = unsafe { returned(|ret| imports::get_options(ret)) };
        Options { trap_links: raw.trap_links != 0, upgradable: raw.upgradable != 0, hold_tables: raw.tables == HELD }
    }
    /// Makes them those of this process, at once.
    pub fn set(self) {
        let tables = if self.hold_tables { HELD.into() } else { 0 };
        // SAFETY: a call with plain numbers.
        unsafe { imports::set_options(self.trap_links.into(), self.upgradable.into(), tables) }
    }
}

/// Replaces the code of this process and does not come back. `entry` may be a process in any language; `None` is the
/// current one, as it is in the registry now. Pid, mailbox, monitors, links and names stay; what the new code needs to know
/// is in `args`. If it cannot start, the process ends with that error.
/// Errors: Invalid for arguments that cannot be encoded, which is the only way to return.
pub fn upgrade(entry: Option<&str>, args: impl Args) -> Result<core::convert::Infallible> {
    let args = args.payloads()?;
    let args = RawPayload::all(&args);
    let (given, id) = (i32::from(entry.is_some()), entry.unwrap_or_default());
    // SAFETY: everything lowered lives over the call, which does not return.
    unsafe { imports::upgrade(given, id.as_ptr(), id.len(), args.as_ptr(), args.len()) };
    unreachable!("upgrade does not return")
}

/// Ends the process with this outcome, from anywhere, and does not come back.
pub fn exit(outcome: Result<Payload>) -> ! {
    let (side, a, wide, [b, c, d, e, f, g, h, i, j]) = flat_outcome(outcome.as_ref());
    // SAFETY: what the numbers point to lives over the call, which does not return.
    unsafe { imports::exit(side, a, wide, b, c, d, e, f, g, h, i, j) };
    unreachable!("exit does not return")
}
