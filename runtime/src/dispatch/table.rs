//! The table of handlers, built at boot and then frozen.

use std::any::{Any, TypeId};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use super::{Called, Caller, Gate, Permissions, Request};
use crate::error::Error;
use crate::io::Io;
use crate::maps::FastMap;
use crate::process::{CancelSlot, Completion, Control, Tag};
use crate::security::Denial;

type SyncHandler<R> = Box<dyn Fn(&Caller, R) -> Result<<R as Request>::Reply, Error> + Send + Sync>;
type QuickHandler<R> = Box<dyn Fn(&Caller, &R) -> Option<Result<<R as Request>::Reply, Error>> + Send + Sync>;
type DeferredHandler<R> = Box<dyn Fn(&Caller, R, Completer<<R as Request>::Reply>) + Send + Sync>;

enum Handler<R: Request> {
    Sync(SyncHandler<R>),
    Deferred(DeferredHandler<R>),
    /// Tries the first, and leaves what it does not answer to the second.
    Either(QuickHandler<R>, DeferredHandler<R>),
    /// As `Either`, but only for callers that can wait.
    Shortcut(QuickHandler<R>, DeferredHandler<R>),
}

/// What documentation and tests see of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandInfo {
    pub name: &'static str,
    pub capability: &'static str,
    pub permissions: Permissions,
}

/// Completes one request, from any thread. Dropped unused it completes the request with an error.
pub struct Completer<T: Any + Send> {
    control: Option<Arc<Control>>,
    tag: Tag,
    reply: PhantomData<fn(T)>,
}

impl<T: Any + Send> Completer<T> {
    fn new(control: Arc<Control>, tag: Tag) -> Completer<T> {
        Completer { control: Some(control), tag, reply: PhantomData }
    }
    /// Books the request as cancellable, before its work is started.
    pub fn cancellable(&self) -> CancelSlot {
        self.control.as_ref().map(|c| c.cancellable(self.tag)).unwrap_or_default()
    }
    /// Completes with what `work` gives. It begins on this thread, so that requests to one thing keep their order, and
    /// must not block; it is dropped when the asker ends.
    pub fn begin(self, io: &Io, work: impl Future<Output = Result<T, Error>> + Send + 'static) {
        let slot = self.cancellable();
        if let Some(task) = io.spawn_eager(async move { self.complete(work.await) }) {
            slot.set(Box::new(move || task.abort()));
        }
    }
    pub fn complete(mut self, result: Result<T, Error>) {
        self.finish(result);
    }
    fn finish(&mut self, result: Result<T, Error>) {
        if let Some(control) = self.control.take() {
            drop(control.take_cancel(self.tag));
            control.complete(Completion { tag: self.tag, result: result.map(|r| Box::new(r) as _) });
        }
    }
}

impl<T: Any + Send> Drop for Completer<T> {
    fn drop(&mut self) {
        self.finish(Err(Error::internal("request was abandoned by its handler")));
    }
}

/// Collects handlers at boot. Registering a command twice is a programming error and panics.
#[derive(Default)]
pub struct DispatcherBuilder {
    handlers: FastMap<TypeId, (CommandInfo, Box<dyn Any + Send + Sync>)>,
}

impl DispatcherBuilder {
    fn insert<R: Request>(&mut self, handler: Handler<R>) {
        let info = CommandInfo { name: R::NAME, capability: R::CAPABILITY, permissions: R::PERMISSIONS };
        let old = self.handlers.insert(TypeId::of::<R>(), (info, Box::new(handler)));
        assert!(old.is_none(), "command {} is registered twice", R::NAME);
    }
    /// A handler that answers at once; it runs inside the asker's step and must be quick.
    pub fn sync<R: Request>(&mut self, f: impl Fn(&Caller, R) -> Result<R::Reply, Error> + Send + Sync + 'static) {
        self.insert(Handler::Sync(Box::new(f)));
    }
    /// A handler that answers later through the completer; starting it must be quick.
    pub fn deferred<R: Request>(&mut self, f: impl Fn(&Caller, R, Completer<R::Reply>) + Send + Sync + 'static) {
        self.insert(Handler::Deferred(Box::new(f)));
    }
    /// A handler that is a future, run on the node's IO runtime and dropped when the asker ends.
    pub fn future<R: Request, F>(&mut self, f: impl Fn(Caller, R) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<R::Reply, Error>> + Send + 'static,
    {
        self.deferred(move |caller: &Caller, req: R, done| {
            let future: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(f(caller.clone(), req));
            let slot = done.cancellable();
            if let Some(task) = caller.node.io().spawn(async move { done.complete(future.await) }) {
                slot.set(Box::new(move || task.abort()));
            }
        });
    }
    /// A handler that blocks; run on the node's bounded blocking pool.
    pub fn blocking<R: Request>(&mut self, f: impl Fn(&Caller, R) -> Result<R::Reply, Error> + Send + Sync + 'static) {
        self.insert(Handler::Deferred(on_pool(f)));
    }
    /// A handler that answers at once with `quick` if that gives an answer, inside the asker's step; else `slow` does,
    /// as a [`DispatcherBuilder::blocking`] one.
    pub fn quick_or_blocking<R: Request>(
        &mut self,
        quick: impl Fn(&Caller, &R) -> Option<Result<R::Reply, Error>> + Send + Sync + 'static,
        slow: impl Fn(&Caller, R) -> Result<R::Reply, Error> + Send + Sync + 'static,
    ) {
        self.insert(Handler::Either(Box::new(quick), on_pool(slow)));
    }
    /// A handler that as a rule answers later, and at once where `quick` gives an answer, inside the asker's step. Who
    /// cannot wait is refused in any case, so that it does not depend on the moment.
    pub fn quick_or_deferred<R: Request>(
        &mut self,
        quick: impl Fn(&Caller, &R) -> Option<Result<R::Reply, Error>> + Send + Sync + 'static,
        slow: impl Fn(&Caller, R, Completer<R::Reply>) + Send + Sync + 'static,
    ) {
        self.insert(Handler::Shortcut(Box::new(quick), Box::new(slow)));
    }
    pub fn freeze(self) -> Dispatcher {
        Dispatcher { handlers: self.handlers }
    }
}

/// Runs `f` on the blocking pool of the asker's node.
fn on_pool<R: Request>(
    f: impl Fn(&Caller, R) -> Result<R::Reply, Error> + Send + Sync + 'static,
) -> DeferredHandler<R> {
    let f = Arc::new(f);
    Box::new(move |caller: &Caller, request: R, done: Completer<R::Reply>| {
        let (f, caller) = (f.clone(), caller.clone());
        caller.node.clone().io().spawn_blocking(move || done.complete(f(&caller, request)));
    })
}

/// The frozen table.
#[derive(Default)]
pub struct Dispatcher {
    handlers: FastMap<TypeId, (CommandInfo, Box<dyn Any + Send + Sync>)>,
}

impl Dispatcher {
    /// All commands, by name.
    pub fn commands(&self) -> Vec<CommandInfo> {
        let mut all: Vec<CommandInfo> = self.handlers.values().map(|h| h.0).collect();
        all.sort_by_key(|c| c.name);
        all
    }

    /// Asks the gate, then the handler. `tag` names the request if it does not answer at once.
    pub fn call<R: Request>(&self, caller: &Caller, request: R, tag: Tag) -> Called<R::Reply> {
        let handler = match self.admit(caller, &request) {
            Ok(handler) => handler,
            Err(e) => return Called::Ready(Err(e)),
        };
        let deferred = match handler {
            Handler::Sync(f) => return Called::Ready(f(caller, request)),
            Handler::Deferred(f) => f,
            Handler::Either(quick, slow) | Handler::Shortcut(quick, slow) => match quick(caller, &request) {
                Some(answer) => return Called::Ready(answer),
                None => slow,
            },
        };
        deferred(caller, request, Completer::new(caller.control.clone(), tag));
        Called::Pending(tag)
    }

    /// As [`Dispatcher::call`] for a caller that cannot wait; `None`, and nothing was done, if the answer takes time.
    pub fn call_at_once<R: Request>(&self, caller: &Caller, request: R) -> Option<Result<R::Reply, Error>> {
        match self.admit(caller, &request) {
            Ok(Handler::Sync(f)) => Some(f(caller, request)),
            Ok(Handler::Deferred(_) | Handler::Shortcut(..)) => None,
            Ok(Handler::Either(quick, _)) => quick(caller, &request),
            Err(e) => Some(Err(e)),
        }
    }

    /// The handler of a request that may be made.
    fn admit<R: Request>(&self, caller: &Caller, request: &R) -> Result<&Handler<R>, Error> {
        let Some((info, handler)) = self.handlers.get(&TypeId::of::<R>()) else {
            return Err(Error::not_found("unknown command").detail("command_id", R::NAME));
        };
        check_capability(caller, info.capability)?;
        request.authorize(&Gate::of::<R>(caller))?;
        handler.downcast_ref().ok_or_else(|| Error::internal("handler has another type"))
    }
}

/// Whether the caller's host grants `capability`.
pub(super) fn check_capability(caller: &Caller, capability: &str) -> Result<(), Error> {
    let host = &caller.control.host;
    if host.capabilities.allows(capability) { Ok(()) } else { Err(denied(caller, capability)) }
}

/// Whether the caller's host lets entries of `kind` be called.
pub(crate) fn check_kind(caller: &Caller, kind: &str) -> Result<(), Error> {
    let host = &caller.control.host;
    if host.capabilities.allows_kind(kind) { Ok(()) } else { Err(denied(caller, kind)) }
}

#[cold]
fn denied(caller: &Caller, capability: &str) -> Error {
    Denial::by_host(caller, capability).record();
    let (host, entry) = (caller.control.host.id.as_str(), caller.frame().entry.clone());
    Error::permission_denied(format!("capability \"{capability}\" is denied by host {host} (entry {entry})"))
}
