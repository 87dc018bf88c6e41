//! What a guest's store holds: who it is, what has arrived for it, the requests
//! it waits for. Reached by host functions, which run inside a step.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use wasmtime::component::ResourceTable;
use wippy_runtime::dispatch::{Called, Request, StepContext};
use wippy_runtime::process::{Completion, Control, Event, Reply, Tag};
use wippy_runtime::{Error, Result};

use super::current::Current;
use super::memory::Memory;
use crate::program::Program;
use crate::wasi::WasiState;

/// See the module comment.
pub struct GuestState {
    pub program: Arc<Program>,
    pub control: Arc<Control>,
    pub memory: Memory,
    pub table: ResourceTable,
    pub wasi: Option<WasiState>,
    current: Arc<Current>,
    next_tag: Tag,
    /// Requests whose end somebody wants to know.
    expected: Vec<Tag>,
    ended: Vec<Completion>,
}

impl GuestState {
    pub fn new(program: Arc<Program>, control: Arc<Control>, current: Arc<Current>) -> GuestState {
        GuestState {
            memory: Memory::new(control.clone(), program.memory_limit()),
            program,
            control,
            table: ResourceTable::new(),
            wasi: None,
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
        self.next_tag += 1;
        let tag = self.next_tag;
        let called = self.with_step(|cx| cx.call(request, tag))?;
        if let Called::Pending(tag) = called {
            self.expected.push(tag);
        }
        Ok(called)
    }
    /// Waits for the end of a request.
    pub async fn completion(&mut self, tag: Tag) -> wasmtime::Result<Result<Reply>> {
        poll_fn(|_| match self.take_completion(tag) {
            Ok(Some(result)) => Poll::Ready(Ok(result)),
            Ok(None) => Poll::Pending,
            Err(e) => Poll::Ready(Err(e)),
        })
        .await
    }
    /// The end of a request, if it has come.
    pub fn take_completion(&mut self, tag: Tag) -> wasmtime::Result<Option<Result<Reply>>> {
        loop {
            if let Some(at) = self.ended.iter().position(|c| c.tag == tag) {
                self.expected.retain(|t| *t != tag);
                return Ok(Some(self.ended.swap_remove(at).result));
            }
            match self.with_step(|cx| cx.next_event())? {
                Some(event) => self.take_in(event),
                None => return Ok(None),
            }
        }
    }
    /// Keeps what arrived.
    pub fn take_in(&mut self, event: Event) {
        match event {
            Event::Done(completion) if self.expected.contains(&completion.tag) => self.ended.push(completion),
            Event::Done(_) | Event::Message(_) | Event::Notice(_) => {}
        }
    }
}

/// An answer as what its asker knows it to be.
pub fn typed<T: 'static>(reply: Result<Reply>) -> Result<T> {
    let reply = reply?.downcast::<T>();
    reply.map(|r| *r).map_err(|_| Error::internal("the answer has another type"))
}
