//! Receiving: one wait for messages, events, calls and a deadline at once.
#![allow(unsafe_code)]

use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::time::Duration;

use crate::abi::{self, EventBody, List, RawIncoming, RawMessage, imports, returned};
use crate::functions::Pending;
use crate::message::{FromMessage, Message};
use crate::payload::Payload;
use crate::time::Instant;
use crate::{Error, Pid, Result};

/// What came first.
#[derive(Debug)]
pub enum Incoming<M = Message> {
    /// A message, and who sent it.
    Message(M, Option<Pid>),
    Event(Event),
    /// A call has ended: its place in the order of [`Receive::call`], from 0.
    Call(usize),
    /// The deadline has passed.
    Timeout,
    /// A message that is no `M`, and why.
    Other(Message, Error),
}

/// What the runtime says.
#[derive(Debug)]
pub enum Event {
    Exit(Ended),
    LinkDown(Lost),
    Cancel(Cancellation),
    Outdated(Change),
}

/// A watched process has ended.
#[derive(Debug)]
pub struct Ended {
    pub who: Pid,
    /// Unix seconds, as in all events.
    pub at: i64,
    /// What it returned, or why it failed.
    pub outcome: Result<Payload>,
}

/// A linked process has failed, or the node of a linked or watched one is lost.
#[derive(Debug)]
pub struct Lost {
    pub who: Pid,
    pub at: i64,
    pub reason: Error,
}

/// Somebody asks the process to finish.
#[derive(Debug)]
pub struct Cancellation {
    pub by: Option<Pid>,
    pub at: i64,
    /// Empty if none was given.
    pub reason: String,
}

/// The code of the process has changed in the registry.
#[derive(Debug)]
pub struct Change {
    pub at: i64,
    /// Ids of the entries that changed.
    pub sources: Vec<String>,
}

/// Waits for a message of type `M` or an event, as long as it takes.
///
/// ```no_run
/// use serde::Deserialize;
/// use wippy_guest::{Event, Incoming, Result, receive};
///
/// #[derive(Deserialize)]
/// #[serde(rename_all = "snake_case")]
/// enum Request {
///     Add(i64),
///     Reset,
/// }
///
/// fn serve() -> Result<()> {
///     let mut sum = 0;
///     loop {
///         match receive::<Request>() {
///             Incoming::Message(Request::Add(n), from) => {
///                 sum += n;
///                 wippy_guest::send(from, "sum", &sum)?;
///             }
///             Incoming::Message(Request::Reset, _) => sum = 0,
///             Incoming::Event(Event::Cancel(_)) => return Ok(()),
///             _ => {}
///         }
///     }
/// }
/// ```
pub fn receive<M: FromMessage>() -> Incoming<M> {
    Receive::new().next()
}

/// As [`receive`], but [`Incoming::Timeout`] if nothing comes within `timeout`.
pub fn receive_timeout<M: FromMessage>(timeout: Duration) -> Incoming<M> {
    Receive::new().timeout(timeout).next()
}

/// What to wait for. [`Receive::new`] is the inbox and the events, [`Receive::nothing`] nothing yet.
#[derive(Clone, Debug)]
pub struct Receive<'a> {
    inbox: bool,
    events: bool,
    topics: Vec<&'a str>,
    calls: Vec<u32>,
    until: Until,
    /// The calls are alive as long as this.
    borrowed: PhantomData<&'a ()>,
}

#[derive(Clone, Copy, Debug)]
enum Until {
    Ever,
    After(Duration),
    At(Instant),
}

impl Default for Receive<'_> {
    fn default() -> Self {
        Receive::new()
    }
}

impl<'a> Receive<'a> {
    /// Messages of every topic that is not listened to, and events.
    pub fn new() -> Receive<'a> {
        Receive { inbox: true, events: true, ..Receive::nothing() }
    }
    pub fn nothing() -> Receive<'a> {
        let (topics, calls) = (Vec::new(), Vec::new());
        Receive { inbox: false, events: false, topics, calls, until: Until::Ever, borrowed: PhantomData }
    }
    pub fn inbox(mut self, wanted: bool) -> Self {
        self.inbox = wanted;
        self
    }
    pub fn events(mut self, wanted: bool) -> Self {
        self.events = wanted;
        self
    }
    /// Messages of this topic, listened to or not; all others stay in the mailbox.
    pub fn topic(mut self, topic: &'a str) -> Self {
        self.topics.push(topic);
        self
    }
    /// The end of this call.
    pub fn call<R>(mut self, call: &'a Pending<R>) -> Self {
        self.calls.push(call.handle());
        self
    }
    /// Each wait takes at most so long; zero takes what is there.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.until = Until::After(timeout);
        self
    }
    /// The wait ends at that moment, however many waits there are until then.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.until = Until::At(deadline);
        self
    }
    /// Waits; suspends this process and nothing else. What has arrived longest ago comes first, and a call that has ended
    /// before that.
    pub fn next<M: FromMessage>(&self) -> Incoming<M> {
        let topics: Vec<List<u8>> = self.topics.iter().map(|topic| List::text(topic)).collect();
        let limit = match self.until {
            Until::Ever => None,
            Until::After(timeout) => Some(timeout),
            Until::At(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
        };
        let timeout = limit.map_or(0, |limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
        let want = i32::from(self.inbox) | i32::from(self.events) << 1;
        let (limited, calls) = (i32::from(limit.is_some()), &self.calls);
        // SAFETY: the lists live over the call, and the runtime writes what arrived and hands it over.
        let raw = unsafe {
            returned(|ret| {
                let (topics, n) = (topics.as_ptr(), topics.len());
                imports::receive(want, topics, n, calls.as_ptr(), calls.len(), limited, timeout, ret);
            })
        };
        // SAFETY: taken once.
        unsafe { incoming(raw) }
    }
}

/// # Safety
/// Written by the runtime and taken once.
unsafe fn incoming<M: FromMessage>(raw: RawIncoming) -> Incoming<M> {
    // SAFETY: the tag says what was written.
    unsafe {
        match raw.tag {
            0 => {
                let RawMessage { topic, sender, payloads } = raw.body.message;
                let (topic, sender) = (topic.take_text(), sender.get());
                M::incoming(Message { topic, sender, payloads: abi::RawPayload::take_all(payloads) })
            }
            1 => Incoming::Event(event(raw.body.event)),
            2 => Incoming::Call(raw.body.call as usize),
            _ => Incoming::Timeout,
        }
    }
}

/// # Safety
/// Written by the runtime and taken once.
unsafe fn event(raw: abi::Case<EventBody>) -> Event {
    // SAFETY: the tag says what was written.
    unsafe {
        match raw.tag {
            0 => {
                let exit = raw.body.exit;
                let outcome = exit.outcome.take().map(|value| value.take());
                Event::Exit(Ended { who: exit.who, at: exit.at, outcome })
            }
            1 => {
                let lost = raw.body.link_down;
                Event::LinkDown(Lost { who: lost.who, at: lost.at, reason: lost.reason.take() })
            }
            2 => {
                let cancel = raw.body.cancel;
                Event::Cancel(Cancellation { by: cancel.by.get(), at: cancel.at, reason: cancel.reason.take_text() })
            }
            _ => {
                let change = raw.body.outdated;
                let sources = change.sources.take().into_iter().map(|text| text.take_text()).collect();
                Event::Outdated(Change { at: change.at, sources })
            }
        }
    }
}

/// Keeps the messages of a topic out of the inbox: only a [`Receive::topic`] gets them.
/// Errors: Invalid `topic cannot be empty`, `cannot listen to @ topics`.
pub fn listen(topic: &str) -> Result<()> {
    // SAFETY: the runtime writes the answer.
    unsafe { returned(|ret| imports::listen(topic.as_ptr(), topic.len(), ret)).take() }
}

/// Undoes [`listen`]: messages of the topic that wait belong to the inbox again. Whether it was listened to.
pub fn unlisten(topic: &str) -> bool {
    // SAFETY: a call with a text that lives over it.
    unsafe { imports::unlisten(topic.as_ptr(), topic.len()) != 0 }
}
