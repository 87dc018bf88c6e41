//! What a guest's store holds: who it is, what has arrived for it, the requests
//! it waits for. Reached by host functions, which run inside a step.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use wasmtime::component::ResourceTable;
use wippy_runtime::dispatch::{Called, Request, StepContext};
use wippy_runtime::payload::Flat;
use wippy_runtime::process::{Completion, Control, Event, Exit, Reply, Tag};
use wippy_runtime::registry::EntryId;
use wippy_runtime::timers::TimerKey;
use wippy_runtime::{Error, Result};

use super::current::Current;
use super::mailbox::{Content, Mailbox};
use super::memory::Memory;
use crate::host::TableForm;
use crate::program::Program;
use crate::wasi::{Outgoing, WasiState};

/// Handles a guest may have at a time, whatever its host allows: held values, calls, streams.
const MAX_HANDLES: usize = 65_536;

/// Why a guest stopped that wants to.
pub enum Leave {
    Exit(Exit),
    Upgrade { entry: Option<EntryId>, args: Flat },
}

/// An armed timer; its tag ends when it fires.
#[derive(Clone, Copy)]
pub struct Timer {
    pub tag: Tag,
    key: TimerKey,
}

/// See the module comment.
pub struct GuestState {
    pub program: Arc<Program>,
    pub control: Arc<Control>,
    pub memory: Memory,
    pub table: ResourceTable,
    pub wasi: Option<WasiState>,
    pub http: Option<Box<Outgoing>>,
    pub mailbox: Mailbox,
    /// How tables reach the guest.
    pub tables: TableForm,
    /// The process that was written to last.
    pub destination: Option<Arc<Control>>,
    /// Set before a guest is stopped on its own wish.
    pub leave: Option<Leave>,
    /// It has waited before.
    pub settled: bool,
    current: Arc<Current>,
    next_tag: Tag,
    /// Requests whose end somebody wants to know.
    expected: Vec<Tag>,
    ended: Vec<Completion>,
}

impl GuestState {
    pub fn new(program: Arc<Program>, control: Arc<Control>, current: Arc<Current>) -> GuestState {
        let mut table = ResourceTable::new();
        table.set_max_capacity(match control.host.limits.handles {
            0 => MAX_HANDLES,
            limit => limit,
        });
        GuestState {
            memory: Memory::new(control.clone()),
            mailbox: Mailbox::new(&control),
            program,
            control,
            table,
            wasi: None,
            http: None,
            tables: TableForm::Flat,
            destination: None,
            leave: None,
            settled: false,
            current,
            next_tag: 0,
            expected: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Runs `f` with the step that runs the guest. Errors end the guest: there is no step, which is a bug.
    pub fn with_step<T>(&self, f: impl FnOnce(&mut StepContext<'_>) -> T) -> wasmtime::Result<T> {
        let done = self.current.with(f);
        done.ok_or_else(|| wasmtime::Error::new(Error::internal("a host function was called outside of a step")))
    }

    /// Asks, and waits for the answer.
    pub async fn request<R: Request>(&mut self, request: R) -> wasmtime::Result<Result<R::Reply>> {
        match self.start(request)? {
            Called::Ready(reply) => Ok(reply),
            Called::Pending(tag) => Ok(typed(self.completion(tag).await?)),
        }
    }
    /// Asks; the answer comes later under the tag.
    pub fn start<R: Request>(&mut self, request: R) -> wasmtime::Result<Called<R::Reply>> {
        let tag = self.new_tag();
        let called = self.with_step(|cx| cx.call(request, tag))?;
        if let Called::Pending(tag) = called {
            self.expected.push(tag);
        }
        Ok(called)
    }
    fn new_tag(&mut self) -> Tag {
        self.next_tag += 1;
        self.next_tag
    }
    /// A tag for something that is completed from elsewhere.
    pub fn expect_new(&mut self) -> Tag {
        let tag = self.new_tag();
        self.expected.push(tag);
        tag
    }
    /// Nobody wants to know about `tag` any more.
    pub fn forget(&mut self, tag: Tag) {
        self.expected.retain(|t| *t != tag);
        self.ended.retain(|c| c.tag != tag);
    }
    /// A timer. Errors, which end the guest: its host denies `time`.
    pub fn arm(&mut self, nanoseconds: u64) -> wasmtime::Result<Timer> {
        let tag = self.expect_new();
        let armed = self.with_step(|cx| {
            let at = cx.node().clock().now().saturating_add(nanoseconds);
            cx.sleep_until(at, tag)
        })?;
        armed.map(|key| Timer { tag, key }).map_err(wasmtime::Error::new)
    }
    pub fn disarm(&mut self, timer: Timer) -> wasmtime::Result<()> {
        self.forget(timer.tag);
        self.with_step(|cx| cx.cancel_timer(timer.key))?;
        Ok(())
    }

    /// Waits for the end of a request; what else arrives is kept.
    pub async fn completion(&mut self, tag: Tag) -> wasmtime::Result<Result<Reply>> {
        self.memory.rest();
        poll_fn(|_| match self.take_completion(tag) {
            Ok(Some(result)) => Poll::Ready(Ok(result)),
            Ok(None) => {
                let blocked = self.with_step(|cx| cx.mark_blocked());
                blocked.map_or_else(|e| Poll::Ready(Err(e)), |()| Poll::Pending)
            }
            Err(e) => Poll::Ready(Err(e)),
        })
        .await
    }
    fn take_completion(&mut self, tag: Tag) -> wasmtime::Result<Option<Result<Reply>>> {
        loop {
            if let Some(result) = self.ended(tag) {
                return Ok(Some(result));
            }
            match self.with_step(|cx| cx.next_event())? {
                Some(event) => self.take_in(event),
                None => return Ok(None),
            }
        }
    }
    /// The end of a request that was taken in.
    pub fn ended(&mut self, tag: Tag) -> Option<Result<Reply>> {
        let at = self.ended.iter().position(|c| c.tag == tag)?;
        self.expected.retain(|t| *t != tag);
        Some(self.ended.swap_remove(at).result)
    }
    /// Keeps what arrived.
    pub fn take_in(&mut self, event: Event) {
        match event {
            Event::Done(completion) if self.expected.contains(&completion.tag) => self.ended.push(completion),
            Event::Done(_) => {}
            _ if !self.program.is_actor() => {}
            Event::Message(message) => self.mailbox.keep(Content::Message(message)),
            Event::Notice(notice) => self.mailbox.keep(Content::Notice(notice)),
        }
    }
}

/// An answer as what its asker knows it to be.
pub fn typed<T: 'static>(reply: Result<Reply>) -> Result<T> {
    let reply = reply?.downcast::<T>();
    reply.map(|r| *r).map_err(|_| Error::internal("the answer has another type"))
}
