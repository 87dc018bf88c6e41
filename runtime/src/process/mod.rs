//! Processes: the trait that engines implement, what reaches a process
//! (events), what it is (control block), and how it ends.
//!
//! The scheduler owns a process and is its only caller; a process talks to the
//! world only through its [`StepContext`]. See `state.rs` for the states.

pub mod commands;
mod control;
mod cpu;
mod event;
mod exit;
mod frame;
mod held;
mod own;
mod parcel;
mod queue;
mod state;
mod table;
mod walls;

pub use control::{
    CancelSlot, Control, ExitHook, Exits, HostShared, HostState, Limits, PidSet, Reclaim, Relations, StartHook,
};
pub use cpu::Ledger;
pub use event::{Completion, Event, Message, Notice, NoticeKind, Reply, Tag, topic};
pub use exit::Exit;
pub use frame::{Actor, Frame, Inherited};
pub use held::HeldId;
pub use own::OwnLimits;
pub(crate) use parcel::HEAD as PARCEL_HEAD;
pub use parcel::Parcel;
pub use queue::{Batch, EventQueue, Full};
pub use state::{Parked, State, StateWord, Wake};
pub use table::ProcessTable;
pub use walls::Walls;

use std::sync::Arc;

use crate::dispatch::StepContext;
use crate::error::Error;
use crate::payload::Flat;
use crate::registry::EntryId;

/// What to run: an entry, one of its methods, and the arguments.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub entry: EntryId,
    /// Empty: the entry's own choice.
    pub method: Arc<str>,
    /// The arguments, one value after the other.
    pub args: Flat,
}

/// A request to replace the running code in place.
#[derive(Debug)]
pub struct Upgrade {
    /// `None`: the current entry, as the registry has it now.
    pub entry: Option<EntryId>,
    pub args: Flat,
    /// Messages and notices that the old code took but did not deliver, in order; the new code gets them first.
    pub retained: Vec<Event>,
}

/// What a step ended with.
#[derive(Debug)]
pub enum Step {
    /// Wants to go on; goes to the back of the queue.
    Yielded,
    /// Waits for an event.
    Waiting,
    /// Wants to be replaced; pid, mailbox and relations stay.
    Upgrade(Box<Upgrade>),
    /// Has ended.
    Done(Exit),
}

/// A schedulable state machine. The scheduler owns it and is the only caller.
/// A panic in any of these is caught and is this process's exit, nobody else's.
pub trait Process: Send {
    /// Prepares a run; runs in the spawner's thread, so its error is the spawn's error. Must not block.
    /// Pooled processes are initialised again for each call.
    fn init(&mut self, call: &Invocation, control: &Arc<Control>) -> Result<(), Error>;
    /// Runs until the process has to wait, its slice is used up, or it ends. Never blocks the thread.
    fn step(&mut self, cx: &mut StepContext<'_>) -> Step;
    /// Answers a call of a function without a run: on the caller's thread, in the moment that a step may take, and as if
    /// nothing had been called before. `host` is the caller's, whose limits hold. `None`: that is not possible now, and
    /// nothing can tell that it was tried.
    fn call_at_once(&mut self, _args: &Flat, _host: &HostShared) -> Option<Result<Flat, Error>> {
        None
    }
    /// Limits of its own, below those of its host. Asked before [`Process::init`].
    fn limits(&self) -> OwnLimits {
        OwnLimits::default()
    }
    /// Releases what the run holds. Called once after the end, and before a replacement takes over.
    fn close(&mut self);
}

/// Makes processes of one entry. Shared by all threads.
pub trait Factory: Send + Sync {
    /// A process that has not been initialised. Errors: the code cannot be loaded.
    fn create(&self) -> Result<Box<dyn Process>, Error>;
    /// A process that has done all it can before its first run, so that a failure shows now. Runs code of the program.
    /// Errors: those of [`Process::init`] that do not depend on the call.
    fn create_loaded(&self) -> Result<Box<dyn Process>, Error> {
        self.create()
    }
    /// The method to run when the caller names none.
    fn method(&self) -> Arc<str>;
    /// Whether its processes may answer calls by [`Process::call_at_once`]; does not change.
    fn answers_at_once(&self) -> bool {
        false
    }
    /// A short name of the engine, shown in the pids of function calls: `lua`, `wasm`.
    fn engine(&self) -> &'static str;
}
