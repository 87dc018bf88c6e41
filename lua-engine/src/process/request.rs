//! Asking the world: how a native function issues a command and, if the
//! answer takes time, suspends its coroutine until it is there.
//!
//! The function that continues with the answer is a plain `fn`: nothing of
//! Rust can live across the wait. What it needs stays on the Lua stack, where
//! arguments and values pushed before the request are found as before.

use wippy_runtime::Error;
use wippy_runtime::dispatch::{Called, Caller, Request};
use wippy_runtime::payload::Flat;
use wippy_runtime::process::{Completion, Reply};

use super::engine::{Engine, InProcess, Wait};
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
    /// Where nobody can wait (in a chunk, in a callback that cannot yield) it raises if the answer takes time; then
    /// nothing was done.
    pub fn request<R: Request>(&mut self, request: R, then: Then<R>) -> Result<Ret, Raise> {
        let engine = self.engine()?;
        if let Err(cannot_wait) = engine.check_can_block(self) {
            return match self.at_once(request)? {
                Some(result) => then(self, result),
                None => Err(cannot_wait),
            };
        }
        let tag = engine.next_tag();
        match self.with_step(|cx| cx.call(request, tag))? {
            Called::Ready(result) => then(self, result),
            Called::Pending(_) => {
                engine.block(self, Wait::Request);
                Ok(Ret::YieldThen(0, Continuation::of::<Answer<R>>(), then as usize as isize))
            }
        }
    }
    /// The answer to a request that does not take time; `None`, and nothing was done, if it does. Works in a chunk too.
    fn at_once<R: Request>(&mut self, request: R) -> Result<Option<Result<R::Reply, Error>>, Raise> {
        let engine = self.engine()?;
        if engine.is_running() {
            return self.with_step(|cx| cx.call_at_once(request));
        }
        let (Some(control), Some(node)) = (engine.control(), self.state().surroundings().node()) else {
            return Err(Raise::text(format!("{}: no scheduler attached", self.name())));
        };
        let caller = Caller { control, node };
        Ok(caller.node.dispatcher().call_at_once(&caller, request))
    }
    /// Issues `request` without waiting: `handler` gets the answer in a later step, even if it is there already.
    /// Gives the source, which [`super::Engine::end_source`] cancels.
    pub fn start<R: Request>(&mut self, request: R, handler: Handler) -> Result<SourceId, Raise> {
        let (id, refused) = self.issue(request, handler)?;
        if let Some(error) = refused {
            complete(self, id, Err(error))?;
        }
        Ok(id)
    }
    /// As [`Call::start`], but a request that is refused at once, for want of a permission, gives its error here.
    pub fn try_start<R: Request>(&mut self, request: R, handler: Handler) -> Result<Result<SourceId, Error>, Raise> {
        let (id, refused) = self.issue(request, handler)?;
        match refused {
            None => Ok(Ok(id)),
            Some(error) => {
                self.engine()?.end_source(self, id);
                Ok(Err(error))
            }
        }
    }
    /// Issues a request whose handler answers at once.
    pub fn ask<R: Request>(&mut self, request: R) -> Result<Result<R::Reply, Error>, Raise> {
        let answer = self.at_once(request)?;
        Ok(answer.unwrap_or_else(|| Err(Error::internal(format!("{} takes time to answer", R::NAME)))))
    }
    /// Pushes the value of a reply that is at most one (nil for none), or `nil, err`.
    pub fn answer(&self, reply: Result<Flat, Error>) -> Result<Ret, Raise> {
        match reply {
            Ok(value) if value.is_empty() => self.push_nil(),
            Ok(value) => self.decode_one(&mut value.reader())?,
            Err(e) => return self.fail(e),
        }
        Ok(Ret::ONE)
    }
    fn running_engine(&self) -> Result<&Engine, Raise> {
        let engine = self.engine()?;
        match engine.is_running() {
            true => Ok(engine),
            false => Err(Raise::text(format!("{}: no scheduler attached", self.name()))),
        }
    }
    /// Begins a source for the answer to `request`; an error that is there at once is given instead of delivered.
    fn issue<R: Request>(&mut self, request: R, handler: Handler) -> Result<(SourceId, Option<Error>), Raise> {
        let id = self.running_engine()?.add_source(handler)?;
        match self.with_step(|cx| cx.call(request, id.tag()))? {
            Called::Pending(_) => Ok((id, None)),
            Called::Ready(Err(error)) => Ok((id, Some(error))),
            Called::Ready(Ok(reply)) => {
                complete(self, id, Ok(Box::new(reply)))?;
                Ok((id, None))
            }
        }
    }
}

/// Lets the handler of a source run in the next step.
fn complete(call: &Call<'_>, id: SourceId, result: Result<Reply, Error>) -> Result<(), Raise> {
    if let Some(control) = call.engine()?.control() {
        control.complete(Completion { tag: id.tag(), result });
    }
    Ok(())
}
