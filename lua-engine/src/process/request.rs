//! Asking the world: how a native function issues a command and, if the
//! answer takes time, suspends its coroutine until it is there.
//!
//! The function that continues with the answer is a plain `fn`: nothing of
//! Rust can live across the wait. What it needs stays on the Lua stack, where
//! arguments and values pushed before the request are found as before.

use wippy_runtime::Error;
use wippy_runtime::dispatch::{Called, Request};
use wippy_runtime::process::Tag;

use super::engine::{InProcess, Wait};
use super::source::{Handler, SourceId};
use crate::native::{Call, Continuation, Native, Raise, Ret};

/// Continues a native function with the answer to its request.
pub type Then<R> = fn(&mut Call<'_>, Result<<R as Request>::Reply, Error>) -> Result<Ret, Raise>;

struct Answer<R>(std::marker::PhantomData<R>);

impl<R: Request> Native for Answer<R> {
    const NAME: &'static str = R::NAME;
    fn call(call: &mut Call<'_>) -> Result<Ret, Raise> {
        // SAFETY: the number is the `Then<R>` that `request`, with the same `R`, yielded with.
        let then: Then<R> = unsafe { std::mem::transmute::<usize, Then<R>>(call.context() as usize) };
        let reply = call.engine()?.take_reply();
        then(call, typed::<R>(reply))
    }
}

/// The reply in its type. A wrong type is a bug of the handler and becomes an error.
pub fn typed<R: Request>(reply: Result<wippy_runtime::process::Reply, Error>) -> Result<R::Reply, Error> {
    let reply = reply?.downcast::<R::Reply>();
    reply.map(|r| *r).map_err(|_| Error::internal(format!("{} was answered with another type", R::NAME)))
}

impl Call<'_> {
    /// Issues `request` and goes on with `then` when it is answered: at once, or after the coroutine was suspended.
    /// To be returned by the native function: `return call.request(Spawn { .. }, |call, reply| ..)`.
    ///
    /// Raises outside a step, and where the coroutine cannot yield but the answer takes time.
    pub fn request<R: Request>(&mut self, request: R, then: Then<R>) -> Result<Ret, Raise> {
        let engine = self.engine()?;
        if !engine.is_running() {
            return Err(Raise::text(format!("{}: no scheduler attached", self.name())));
        }
        let tag = engine.next_tag();
        match self.with_step(|cx| cx.call(request, tag))? {
            Called::Ready(result) => then(self, result),
            Called::Pending(tag) => {
                if let Err(raise) = engine.check_can_block(self) {
                    cancel(self, tag);
                    return Err(raise);
                }
                engine.block(self, Wait::Request);
                Ok(Ret::YieldThen(0, Continuation::of::<Answer<R>>(), then as usize as isize))
            }
        }
    }
    /// Issues `request` without waiting: `handler` gets the answer in a later step, even if it is there already.
    /// Gives the source, which [`super::Engine::end_source`] cancels.
    pub fn start<R: Request>(&mut self, request: R, handler: Handler) -> Result<SourceId, Raise> {
        let engine = self.engine()?;
        if !engine.is_running() {
            return Err(Raise::text(format!("{}: no scheduler attached", self.name())));
        }
        let id = engine.add_source(handler)?;
        if let Called::Ready(result) = self.with_step(|cx| cx.call(request, id.tag()))? {
            let result = result.map(|r| Box::new(r) as wippy_runtime::process::Reply);
            if let Some(control) = engine.control() {
                control.complete(wippy_runtime::process::Completion { tag: id.tag(), result });
            }
        }
        Ok(id)
    }
}

fn cancel(call: &Call<'_>, tag: Tag) {
    if let Some(cancel) = call.engine().ok().and_then(|e| e.control()).and_then(|c| c.take_cancel(tag)) {
        cancel();
    }
}
