//! What reaches a process: messages, completions of its requests, notices.

use std::any::Any;

use crate::error::Error;
use crate::payload::{Flat, FlatReader};
use crate::process::Exit;
use crate::relay::Pid;

/// Names one request of a process. Chosen by the process, unique while the request is in flight.
pub type Tag = u64;

/// The answer to a request; the asker knows the type.
pub type Reply = Box<dyn Any + Send>;

/// Topics of the runtime.
pub mod topic {
    pub const INBOX: &str = "@pid/inbox";
    pub const EVENTS: &str = "@pid/events";
}

/// A message: who sent it, and one buffer with the topic (a text) and then the payloads.
#[derive(Clone, Debug)]
pub struct Message {
    pub from: Pid,
    body: Flat,
}

/// First byte of a text of up to 255 bytes.
const SHORT: u8 = crate::payload::Tag::Str8 as u8;

impl Message {
    /// `payloads` are encoded values.
    pub fn new(from: Pid, topic: &str, payloads: &[u8]) -> Message {
        Message::build(from, topic.as_bytes(), |w| w.raw(payloads))
    }
    /// Encodes the payloads straight into the message.
    pub fn build(from: Pid, topic: &[u8], fill: impl FnOnce(&mut crate::payload::FlatWriter<'_>)) -> Message {
        let body = Flat::build(|w| {
            w.str(topic);
            fill(w);
        });
        Message { from, body }
    }
    /// A message whose buffer starts with the topic already.
    pub fn from_body(from: Pid, body: Flat) -> Message {
        Message { from, body }
    }
    /// The whole buffer: the topic and then the payloads.
    pub fn as_bytes(&self) -> &[u8] {
        self.body.as_bytes()
    }
    /// The topic and a reader of the payloads. A damaged topic reads as empty.
    #[inline]
    pub fn open(&self) -> (&[u8], FlatReader<'_>) {
        Message::open_bytes(self.body.as_bytes())
    }
    /// [`Message::open`] for the buffer of a message.
    #[inline]
    pub fn open_bytes(bytes: &[u8]) -> (&[u8], FlatReader<'_>) {
        // A short topic, as nearly all are.
        if let [SHORT, n, rest @ ..] = bytes
            && let Some((topic, payloads)) = rest.split_at_checked(usize::from(*n))
        {
            return (topic, FlatReader::new(payloads));
        }
        let mut r = FlatReader::new(bytes);
        let topic = r.tag().and_then(|tag| r.text(tag)).unwrap_or_default();
        (topic, r)
    }
    #[inline]
    pub fn topic(&self) -> &[u8] {
        self.open().0
    }
    /// Size of topic and payloads in bytes, as counted by limits.
    pub fn len(&self) -> usize {
        self.body.len()
    }
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }
}

/// What the runtime tells a process on its events topic.
#[derive(Clone, Debug)]
pub struct Notice {
    pub kind: NoticeKind,
    /// The ended process, or who asked for the cancellation.
    pub from: Pid,
    /// Unix seconds.
    pub at: i64,
}

#[derive(Clone, Debug)]
pub enum NoticeKind {
    /// A monitored process ended.
    Exit(Exit),
    /// A linked process failed, or its node was lost.
    LinkDown(Error),
    /// Someone asks the process to finish.
    Cancel { reason: String },
    /// The code of an upgradable process changed: ids of the changed entries.
    Outdated { sources: Vec<String> },
}

impl NoticeKind {
    /// The `kind` text of the event record.
    pub fn as_str(&self) -> &'static str {
        match self {
            NoticeKind::Exit(_) => "pid.exit",
            NoticeKind::LinkDown(_) => "pid.link.down",
            NoticeKind::Cancel { .. } => "pid.cancel",
            NoticeKind::Outdated { .. } => "pid.outdated",
        }
    }
}

/// The end of a request.
pub struct Completion {
    pub tag: Tag,
    pub result: Result<Reply, Error>,
}

/// One thing that waits in a process's queue. Order of arrival is kept.
pub enum Event {
    Message(Message),
    Done(Completion),
    Notice(Box<Notice>),
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Event::Message(m) => m.fmt(f),
            Event::Done(c) => write!(f, "Done({})", c.tag),
            Event::Notice(n) => n.fmt(f),
        }
    }
}
