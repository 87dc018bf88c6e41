//! Lua processes: one VM each, run by the runtime's scheduler.
//!
//! # For whoever writes a module that waits
//! * Inside a native function `call.engine()?` gives the [`Engine`] and
//!   `call.with_step(|cx| ..)?` the step context ([`InProcess`]).
//! * **Ask and wait**: `return call.request(MyRequest { .. }, |call, reply| ..)`.
//!   The function after the request runs when the answer is there, at once or
//!   after the coroutine was suspended. Arguments and everything pushed before
//!   are on the stack as they were; it returns the results like any native
//!   function, and may itself make another request.
//! * **Ask what is answered at once**: `call.ask(MyRequest { .. })` for commands
//!   with a synchronous handler.
//! * **Start and hear later**: `call.start(MyRequest { .. }, handler)` gives a
//!   [`SourceId`]; the handler runs at the start of a later step with the
//!   answer; `call.try_start` gives a denial at once instead.
//!   [`Engine::add_source`] without a request gives a tag to complete
//!   from elsewhere (`Control::complete`); [`Engine::end_source`] cancels.
//! * **Channels**: `stack.push_object(Channel::new(n))` makes one;
//!   [`Engine::offer`] gives it the value on top (false: neither receiver nor
//!   room), [`Engine::close_channel`] closes it. A handler that needs its
//!   channel later keeps an [`ObjectRef`] to it.
//! * **Streams of messages**: send them to the process under a topic of their
//!   own (`events@N`) and bind it with [`Engine::subscribe`]; end it with
//!   [`Engine::finish_subscription`] (drains first) or [`Engine::unsubscribe`].
//! * A waiting call raises where Lua cannot yield; [`Engine::check_can_block`]
//!   says so before anything is started. A request that is answered at once
//!   works there too, and while a chunk is loaded.
//!
//! # Rooms
//! `engine` who waits for what · `instance` the process trait · `channel` ·
//! `coroutine` · `mailbox` subscriptions · `message` what is received ·
//! `request` asking and waiting · `source` hearing later · `timer` · `module`
//! and `spawner` the `process` module.

pub mod channel;
pub mod coroutine;
mod engine;
mod instance;
mod line;
mod mailbox;
mod message;
pub mod module;
mod request;
mod source;
mod spawner;
mod surroundings;
pub mod timer;

pub use channel::Channel;
pub use engine::{Engine, InProcess, MAX_COROUTINES};
pub(crate) use instance::IMPORT_FAILED;
pub use instance::LuaProcess;
pub use mailbox::Form;
pub(crate) use message::push_pid;
pub(crate) use module::encode_args;
pub use request::{Then, typed};
pub use source::{After, Handler, ObjectRef, SourceId};
pub use surroundings::NodeSurroundings;

/// The shapes of records that processes get: events and what `select` gives.
pub(crate) fn shapes() -> impl Iterator<Item = &'static crate::native::Shape> {
    message::SHAPES.into_iter().chain([&channel::SELECTED])
}
