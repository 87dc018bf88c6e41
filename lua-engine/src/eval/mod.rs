//! Evaluation of Lua source that is no entry: the module `eval_runner` and
//! what runs behind it.
//!
//! An evaluation is a run of its own, on the caller's host or on one that the
//! caller names, with the caller's entry, actor and scope in its frame unless
//! others are given, and only the modules it selects. It has no mailbox that
//! anybody could know. Its code is source text, never bytecode. What it costs
//! is bounded by the limits of its host and by limits of its own.
//!
//! `request` what is asked and which permissions that needs · `compile` source
//! to a plan, with a bounded cache · `run` the evaluation as a process ·
//! `module` the Lua side.

mod compile;
mod module;
mod request;
mod run;

pub use compile::Evaluator;
pub use module::MODULE;
pub use request::{Compile, Evaluate, Selection, Where};

use std::sync::Arc;

use wippy_runtime::dispatch::{Completer, DispatcherBuilder};
use wippy_runtime::payload::Flat;

/// Adds the handlers. Compiling takes time, so it is done beside the schedulers.
pub fn register(commands: &mut DispatcherBuilder, evaluator: Arc<Evaluator>) {
    let compiler = evaluator.clone();
    commands.blocking(move |caller, r: Compile| compiler.check(&caller.control.host, &r));
    commands.deferred(move |caller, r: Evaluate, done: Completer<Flat>| {
        let (caller, evaluator) = (caller.clone(), evaluator.clone());
        caller.node.clone().io().spawn_blocking(move || run::start(&evaluator, &caller, r, done));
    });
}
