//! Processes as functions: an entry of kind `process.*` that names a default
//! host is callable by its id. A call starts a process of it there and answers
//! with what the process returned.
//!
//! Bindings change when the change of the registry is accepted as a whole, so
//! one that is taken back never shows.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::{Callable, CancelCall, Done, FunctionCall, call_options};
use crate::error::Error;
use crate::node::{Node, SpawnRequest};
use crate::payload::{Map, Value};
use crate::process::Exit;
use crate::registry::{Entry, EntryId, Observer, OpKind, Operation};
use crate::relay::{Name, Pid};

/// Calls one entry's processes.
struct ProcessFunction {
    id: EntryId,
    kind: String,
    host: String,
    options: Arc<Map>,
}

impl ProcessFunction {
    /// `None`: the entry names no host.
    fn of(entry: &Entry) -> Option<ProcessFunction> {
        let options = call_options(entry);
        let named = [options.get("default_host"), entry.meta.get("default_host")];
        let host = named.into_iter().flatten().filter_map(Value::as_str).find(|h| !h.is_empty())?;
        Some(ProcessFunction { id: entry.id.clone(), kind: entry.kind.clone(), host: host.to_owned(), options })
    }
}

impl Callable for ProcessFunction {
    fn call(&self, call: FunctionCall, done: Done) -> CancelCall {
        let done = Arc::new(Mutex::new(Some(done)));
        let take = |done: &Mutex<Option<Done>>| done.lock().take();
        let waits = done.clone();
        let on_exit = move |exit: &Exit| {
            if let Some(done) = take(&waits) {
                done(exit.clone().into_result());
            }
        };
        if let (Some(from), Some(to)) = (&call.host, Name::known(&self.host))
            && let Err(denied) = from.check_reach(to)
        {
            if let Some(done) = take(&done) {
                done(Err(denied));
            }
            return Box::new(|| {});
        }
        let request = SpawnRequest {
            args: call.args,
            inherited: call.inherited,
            on_exit: Some(Box::new(on_exit)),
            ..SpawnRequest::new(self.id.clone(), self.host.as_str())
        };
        match call.node.spawn(request) {
            Ok(pid) => {
                let (node, caller) = (Arc::downgrade(&call.node), call.caller);
                Box::new(move || {
                    if let Some(done) = take(&done) {
                        give_up(&node, caller, pid, done);
                    }
                })
            }
            Err(e) => {
                if let Some(done) = take(&done) {
                    let failed = Error::internal("failed to start process").detail("cause", e.to_string());
                    done(Err(failed.because(e)));
                }
                Box::new(|| {})
            }
        }
    }
    fn options(&self) -> Arc<Map> {
        self.options.clone()
    }
    fn kind(&self) -> &str {
        &self.kind
    }
}

/// Asks the process to finish; its caller does not wait for that.
fn give_up(node: &Weak<Node>, caller: Option<Pid>, process: Pid, done: Done) {
    if let Some(node) = node.upgrade()
        && let Err(error) = node.cancel(caller.unwrap_or(Pid::none()), process, "caller context canceled")
    {
        tracing::debug!(pid = %process, %error, "process of a cancelled call has ended already");
    }
    done(Err(Error::canceled("context canceled")));
}

/// Keeps the bindings in step with the registry.
pub(super) struct ProcessFunctions {
    node: Arc<Node>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the change that is going on makes of entries; `None`: not callable.
    wanted: HashMap<EntryId, Option<ProcessFunction>>,
    bound: HashMap<EntryId, Arc<dyn Callable>>,
}

impl ProcessFunctions {
    pub fn new(node: Arc<Node>) -> ProcessFunctions {
        ProcessFunctions { node, state: Mutex::default() }
    }
}

impl Observer for ProcessFunctions {
    fn kinds(&self) -> &[&str] {
        &["process.**"]
    }
    fn begin(&self) {
        self.state.lock().wanted.clear();
    }
    fn changed(&self, op: &Operation) {
        let function = match op.kind {
            OpKind::Delete => None,
            _ => ProcessFunction::of(&op.entry),
        };
        self.state.lock().wanted.insert(op.id().clone(), function);
    }
    fn commit(&self) {
        let functions = self.node.functions();
        let state = &mut *self.state.lock();
        for (id, function) in state.wanted.drain() {
            match function {
                Some(function) => {
                    let function: Arc<dyn Callable> = Arc::new(function);
                    functions.register(id.text(), function.clone());
                    state.bound.insert(id, function);
                }
                None => {
                    // The id may be that of another function by now.
                    if let Some(function) = state.bound.remove(&id) {
                        functions.remove_if(id.as_str(), &function);
                    }
                }
            }
        }
    }
    fn discard(&self) {
        self.state.lock().wanted.clear();
    }
}
