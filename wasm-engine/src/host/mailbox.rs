//! Receiving: one wait over inbox, events, topics, calls and a deadline.

use std::future::poll_fn;
use std::task::Poll;

use wasmtime::component::Resource;
use wippy_runtime::process::{Event, Notice, NoticeKind};
use wippy_runtime::{Error, Kind};

use super::bindings::wippy::process::mailbox::{
    self, Cancellation, Change, Ended, Event as GuestEvent, Incoming, Lost, Sources,
};
use super::bindings::wippy::process::types::Error as GuestError;
use super::functions::PendingCall;
use super::payload::{self, error_to};
use super::types::pid_to;
use crate::process::{Content, GuestState, Timer, Wanted, typed};

/// Topics and calls that one `receive` waits for at most: all that waits is compared with each.
const MAX_WANTED: usize = 1_000;
/// Topics that a process keeps out of its inbox at most, and bytes of a name.
const MAX_TOPICS: usize = 1_000;
const MAX_TOPIC: usize = 1_024;

impl mailbox::Host for GuestState {
    async fn receive(
        &mut self,
        want: Sources,
        topics: Vec<String>,
        calls: Vec<Resource<PendingCall>>,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Incoming> {
        if topics.len() + calls.len() > MAX_WANTED {
            let text = format!("a process may wait for {MAX_WANTED} topics and calls at a time");
            return Err(wasmtime::Error::new(Error::limit_exceeded(text)));
        }
        let wanted =
            Wanted { inbox: want.contains(Sources::INBOX), events: want.contains(Sources::EVENTS), topics: &topics };
        if let Some(found) = self.look(&wanted, &calls)? {
            return Ok(found);
        }
        let timer = match timeout {
            Some(0) => return Ok(Incoming::Timeout),
            Some(nanoseconds) => Some(self.arm(nanoseconds)?),
            None if !wanted.inbox && !wanted.events && topics.is_empty() && calls.is_empty() => {
                return Err(wasmtime::Error::new(Error::new(Kind::INTERNAL, "deadlock: nothing to wait for")));
            }
            None => None,
        };
        self.memory.rest();
        if !self.settled {
            self.settled = true;
            self.program.settle();
        }
        // It has just looked; what comes from now on wakes it.
        let mut looked = true;
        let found = poll_fn(|_| match looked {
            true => {
                looked = false;
                Poll::Pending
            }
            false => match self.look_or_time_out(&wanted, &calls, timer) {
                Ok(Some(found)) => Poll::Ready(Ok(found)),
                Ok(None) => Poll::Pending,
                Err(e) => Poll::Ready(Err(e)),
            },
        })
        .await?;
        if let Some(timer) = timer {
            self.disarm(timer)?;
        }
        Ok(found)
    }

    fn listen(&mut self, topic: String) -> wasmtime::Result<Result<(), GuestError>> {
        let control = self.control.clone();
        let done = match topic.as_bytes().first().copied() {
            None => Err(Error::invalid("topic cannot be empty")),
            Some(b'@') => Err(Error::invalid("cannot listen to @ topics")),
            Some(_) if topic.len() > MAX_TOPIC => {
                Err(Error::limit_exceeded(format!("the name of a topic may have {MAX_TOPIC} bytes")))
            }
            Some(_) if !self.mailbox.listen(&control, topic, MAX_TOPICS) => {
                Err(Error::limit_exceeded(format!("a process may listen to {MAX_TOPICS} topics")))
            }
            Some(_) => Ok(()),
        };
        Ok(done.map_err(|e| error_to(&e)))
    }
    fn unlisten(&mut self, topic: String) -> wasmtime::Result<bool> {
        Ok(self.mailbox.unlisten(&topic))
    }
}

impl GuestState {
    fn look_or_time_out(
        &mut self,
        wanted: &Wanted<'_>,
        calls: &[Resource<PendingCall>],
        timer: Option<Timer>,
    ) -> wasmtime::Result<Option<Incoming>> {
        if let Some(found) = self.look(wanted, calls)? {
            return Ok(Some(found));
        }
        let over = timer.is_some_and(|timer| self.ended(timer.tag).is_some());
        Ok(over.then_some(Incoming::Timeout))
    }

    /// The first that is wanted of what has arrived.
    fn look(&mut self, wanted: &Wanted<'_>, calls: &[Resource<PendingCall>]) -> wasmtime::Result<Option<Incoming>> {
        if let Some(place) = self.ended_call(calls)? {
            return Ok(Some(Incoming::Call(place)));
        }
        let found = match self.mailbox.take(wanted) {
            Some(content) => Some(content),
            None => loop {
                // Whoever takes the next thing that arrived is done with the one before.
                let arrived = self.with_step(|cx| {
                    if cx.has_events() {
                        cx.rest();
                    }
                    cx.next_event()
                })?;
                match arrived {
                    None => break None,
                    Some(Event::Done(completion)) => {
                        self.take_in(Event::Done(completion));
                        if let Some(place) = self.ended_call(calls)? {
                            return Ok(Some(Incoming::Call(place)));
                        }
                    }
                    Some(Event::Message(message)) => {
                        let content = Content::Message(message);
                        if self.mailbox.matches(&content, wanted) {
                            break Some(content);
                        }
                        self.mailbox.keep(content);
                    }
                    Some(Event::Notice(notice)) => {
                        let content = Content::Notice(notice);
                        if self.mailbox.matches(&content, wanted) {
                            break Some(content);
                        }
                        self.mailbox.keep(content);
                    }
                }
            },
        };
        if self.control.host.limits.has_mailbox() {
            let (messages, bytes) = self.mailbox.unread();
            self.control.report_unread(messages, bytes);
        }
        Ok(found.map(|content| self.incoming(content)))
    }

    /// The place of the first call that has ended.
    fn ended_call(&mut self, calls: &[Resource<PendingCall>]) -> wasmtime::Result<Option<u32>> {
        for (place, call) in calls.iter().enumerate() {
            let running = self.table.get(call)?.running();
            let ended = match running {
                None => true,
                Some(tag) => match self.ended(tag) {
                    Some(result) => {
                        self.table.get_mut(call)?.end(typed(result));
                        true
                    }
                    None => false,
                },
            };
            if ended {
                return Ok(u32::try_from(place).ok());
            }
        }
        Ok(None)
    }

    fn incoming(&mut self, content: Content) -> Incoming {
        match content {
            Content::Message(message) => {
                let (topic, mut reader) = message.open();
                let topic = String::from_utf8(topic.to_vec())
                    .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
                let payloads = payload::read_all(&mut self.table, &mut reader, self.tables);
                let sender = (!message.from.is_none()).then(|| pid_to(message.from));
                Incoming::Message(mailbox::Message { topic, sender, payloads })
            }
            Content::Notice(notice) => Incoming::Event(self.event(*notice)),
        }
    }

    fn event(&mut self, notice: Notice) -> GuestEvent {
        let (from, at) = (notice.from, notice.at);
        match notice.kind {
            NoticeKind::Exit(exit) => {
                let outcome = payload::read_exit(&mut self.table, &exit, self.tables);
                GuestEvent::Exit(Ended { who: pid_to(from), at, outcome })
            }
            NoticeKind::LinkDown(error) => {
                GuestEvent::LinkDown(Lost { who: pid_to(from), at, reason: error_to(&error) })
            }
            NoticeKind::Cancel { reason } => {
                let by = (!from.is_none()).then(|| pid_to(from));
                GuestEvent::Cancel(Cancellation { by, at, reason })
            }
            NoticeKind::Outdated { sources } => GuestEvent::Outdated(Change { at, sources }),
        }
    }
}
