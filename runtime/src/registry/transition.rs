//! One transaction with the handlers: begin, operations, commit, and the way back.
//!
//! Works on a private copy of the state; whether the result is installed is
//! decided in `apply`. Handlers see entries with their placeholders replaced
//! (`forms`); the state, observers and the bus have them as written. Every step is announced on the bus (system `registry`).

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::changeset::{ChangeSet, OpKind, Operation};
use super::core::{Snapshot, Writer};
use super::entry::{Entry, EntryId};
use super::forms::{self, Forms};
use super::handler::EntryHandler;
use super::kinds::Participants;
use super::order::{self, Reference};
use super::state::State;
use crate::env::Environment;
use crate::error::{Error, Kind, Result};
use crate::events::Bus;
use crate::payload::{Map, Value};

/// Problems of one change that are collected before it is given up.
const MAX_PROBLEMS: usize = 100;

/// What to do when an operation fails for good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// Give up at once.
    Stop,
    /// Go on with entries that do not depend on the failed ones, to report all problems together.
    Collect,
}

/// A transition under way. `applied` holds the accepted operations with their originals.
pub(super) struct Transition<'a> {
    pub bus: &'a Bus,
    pub participants: &'a Participants,
    environment: &'a Environment,
    writer: &'a mut Writer,
    /// The forms before the transition, which undoing it brings back.
    before: Forms,
    undoing: bool,
    pub state: State,
    pub applied: Vec<Operation>,
    /// What is current, and stays so if the transition fails.
    base: &'a Snapshot,
    path: String,
}

impl<'a> Transition<'a> {
    pub fn new(
        bus: &'a Bus,
        participants: &'a Participants,
        environment: &'a Environment,
        writer: &'a mut Writer,
        base: &'a Snapshot,
    ) -> Self {
        let before = writer.forms.clone();
        let (state, applied, path) = (base.state.clone(), Vec::new(), String::new());
        Transition { bus, participants, environment, writer, before, undoing: false, state, applied, base, path }
    }

    /// Runs `changes` in their order. On an error everything accepted was taken
    /// back; if that failed too, the error says both.
    pub fn run(&mut self, changes: &ChangeSet, on_failure: OnFailure) -> Result<()> {
        self.check_kinds(changes)?;
        self.begin()?;
        self.participants.owners.iter().for_each(|o| quietly(|| o.handler.upcoming(changes.ops())));
        let done = self.operations(changes, on_failure).and_then(|()| self.commit());
        done.map_err(|error| {
            self.discard();
            self.undo(error)
        })
    }

    /// Takes back all accepted operations in a transaction of its own and gives
    /// `error`, extended if that failed. Best effort: it goes on after a failure.
    pub fn undo(&mut self, error: Error) -> Error {
        let accepted = std::mem::take(&mut self.applied);
        if accepted.is_empty() {
            return error;
        }
        self.undoing = true;
        let mut problems = Vec::new();
        problems.extend(self.begin().err());
        let mut inverses = Vec::new();
        for op in accepted.iter().rev() {
            match op.invert() {
                Ok(inverse) => inverses.push(inverse),
                Err(e) => problems.push(e),
            }
        }
        problems.extend(self.take_back(inverses));
        problems.extend(self.commit().err());
        self.participants.installed(self.base, &std::mem::take(&mut self.applied));
        if problems.is_empty() {
            return error;
        }
        let text: Vec<String> = problems.iter().map(Error::to_string).collect();
        tracing::error!(problems = text.join("; "), "rollback failed, handlers may be out of step with the registry");
        let message = format!("{error} (rollback failed: {})", text.join("; "));
        Error::new(error.kind().clone(), message).with_retryable(error.is_retryable())
    }

    /// Runs all operations, those that miss something again after the others, until a pass brings nothing new. Gives
    /// what failed for good.
    fn take_back(&mut self, mut pending: Vec<Operation>) -> Vec<Error> {
        let mut problems = Vec::new();
        loop {
            let before = pending.len();
            let mut deferred = Vec::new();
            for op in pending {
                match self.operation(&op) {
                    Ok(()) => {}
                    Err(error) if is_missing(&error) => deferred.push((op, error)),
                    Err(error) => problems.push(error),
                }
            }
            if deferred.is_empty() || deferred.len() == before {
                problems.extend(deferred.into_iter().map(|(_, error)| error));
                return problems;
            }
            pending = deferred.into_iter().map(|(op, _)| op).collect();
        }
    }

    /// All unknown kinds at once, before anything happens.
    fn check_kinds(&self, changes: &ChangeSet) -> Result<()> {
        let mut accepted: HashSet<&str> = HashSet::new();
        let mut problems = Vec::new();
        for op in changes.ops().iter().filter(|op| op.kind != OpKind::Delete) {
            let kind = op.entry.kind.as_str();
            if accepted.contains(kind) {
                continue;
            }
            if self.participants.is_internal(kind) || self.participants.owner(kind).is_some() {
                accepted.insert(kind);
            } else if problems.len() < MAX_PROBLEMS {
                problems.push(self.participants.unknown(&op.entry));
            }
        }
        together(problems)
    }

    fn begin(&mut self) -> Result<()> {
        self.writer.transactions += 1;
        self.path = format!("registry.tx/{}", self.writer.transactions);
        let begun = self.ask_all("registry.begin", |h| h.begin());
        match begun {
            Ok(()) => self.participants.watchers.iter().for_each(|w| quietly(|| w.observer.begin())),
            Err(_) => self.discard(),
        }
        begun
    }

    fn commit(&mut self) -> Result<()> {
        self.ask_all("registry.commit", |h| h.commit())?;
        self.participants.watchers.iter().for_each(|w| quietly(|| w.observer.commit()));
        Ok(())
    }

    fn discard(&mut self) {
        let path = format!("{}/registry.discard", self.path);
        self.bus.publish_with("registry", "registry.discard", &path, || Value::Nil);
        self.participants.owners.iter().for_each(|o| quietly(|| o.handler.discard()));
        self.participants.watchers.iter().for_each(|w| quietly(|| w.observer.discard()));
    }

    /// Asks every handler to take a step of the transaction; the first refusal ends it.
    fn ask_all(&self, kind: &str, step: impl Fn(&dyn EntryHandler) -> Result<()>) -> Result<()> {
        let path = format!("{}/{kind}", self.path);
        self.bus.publish_with("registry", kind, &path, || Value::Nil);
        for (n, owner) in self.participants.owners.iter().enumerate() {
            let reply = format!("{path}/registry.tx.{}", n + 1);
            match guarded(&*owner.handler, || step(&*owner.handler)) {
                Ok(()) => self.bus.publish_with("registry", "registry.accept", &reply, || Value::Nil),
                Err(error) => {
                    self.bus.publish_with("registry", "registry.reject", &reply, || error.clone().into());
                    return Err(Error::invalid(format!("transaction rejected for {kind}")).because(error));
                }
            }
        }
        Ok(())
    }

    /// Runs the operations; those that miss something are tried again after the
    /// others, until a pass brings nothing new.
    fn operations(&mut self, changes: &ChangeSet, on_failure: OnFailure) -> Result<()> {
        let mut pending: Vec<&Operation> = changes.ops().iter().collect();
        let mut problems = Vec::new();
        let mut failed: HashSet<EntryId> = HashSet::new();
        loop {
            let before = pending.len();
            let mut deferred: Vec<(&Operation, Error)> = Vec::new();
            for op in pending {
                if !failed.is_empty() && depends_on(&op.entry, &failed) {
                    failed.insert(op.id().clone());
                    continue;
                }
                match self.operation(op) {
                    Ok(()) => {}
                    Err(error) if is_missing(&error) => deferred.push((op, error)),
                    Err(error) if on_failure == OnFailure::Stop => return Err(error),
                    Err(error) => {
                        failed.insert(op.id().clone());
                        problems.push(error);
                        if problems.len() >= MAX_PROBLEMS {
                            return together(problems);
                        }
                    }
                }
            }
            if deferred.len() == before || deferred.is_empty() {
                deferred.retain(|(op, _)| !depends_on(&op.entry, &failed));
                problems.extend(unresolved(deferred));
                return together(problems);
            }
            pending = deferred.into_iter().map(|(op, _)| op).collect();
        }
    }

    /// One operation: the state's checks, the handler, the observers.
    fn operation(&mut self, op: &Operation) -> Result<()> {
        let op = self.state.complete(op).map_err(|e| Error::invalid("invalid operation").because(e))?;
        if !self.participants.is_internal(&op.entry.kind) {
            self.dispatch(&op)?;
        }
        for observer in self.participants.watchers_of(&op.entry.kind) {
            quietly(|| observer.changed(&op));
        }
        self.state.carry_out(&op);
        self.applied.push(op);
        Ok(())
    }

    /// What the handler is to see of the operation's entry.
    fn form(&self, op: &Operation) -> Result<Arc<Entry>> {
        if op.kind == OpKind::Delete {
            return Ok(self.writer.forms.shown(&op.entry));
        }
        match self.before.find(&op.entry) {
            Some(form) if self.undoing => Ok(form),
            _ => forms::expand(&op.entry, self.environment),
        }
    }

    fn dispatch(&mut self, op: &Operation) -> Result<()> {
        let entry = &op.entry;
        let path = entry.id.as_str();
        self.bus.publish_with("registry", op.kind.as_str(), path, || entry_value(entry));
        let handler = self.participants.owner(&entry.kind).ok_or_else(|| self.participants.unknown(entry))?;
        let outcome = if op.kind != OpKind::Delete && entry.data.is_nil() && handler.needs_data() {
            Err(entry.error("configuration data is required"))
        } else {
            self.form(op).and_then(|form| {
                guarded(&**handler, || match (op.kind, &op.original) {
                    (OpKind::Update, Some(old)) => handler.update(&self.writer.forms.shown(old), &form),
                    (OpKind::Delete, _) => handler.delete(&form),
                    _ => handler.create(&form),
                })?;
                Ok(form)
            })
        };
        match outcome {
            Ok(form) => {
                match op.kind {
                    OpKind::Delete => self.writer.forms.forget(&entry.id),
                    _ => self.writer.forms.keep(entry, form),
                }
                self.bus.publish_with("registry", "entry.accept", path, || Value::Nil);
                Ok(())
            }
            Err(error) => {
                self.bus.publish_with("registry", "entry.reject", path, || error.clone().into());
                Err(Error::invalid(format!("operation failed for entry {path}")).because(error))
            }
        }
    }
}

/// Calls a handler; a panic becomes an error that shows nothing of its text.
fn guarded(handler: &dyn EntryHandler, call: impl FnOnce() -> Result<()>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        tracing::error!(handler = handler.name(), panic = panic_text(&*panic), "registry handler panicked");
        Err(Error::internal(format!("the handler {} failed unexpectedly", handler.name())))
    })
}

/// Calls something that has no say; a panic is logged.
pub(super) fn quietly(call: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
        tracing::error!(panic = panic_text(&*panic), "registry observer panicked");
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

fn is_missing(error: &Error) -> bool {
    error.chain().any(|e| *e.kind() == Kind::NOT_FOUND)
}

fn depends_on(entry: &Entry, failed: &HashSet<EntryId>) -> bool {
    !failed.is_empty()
        && order::references(entry).iter().any(|r| matches!(r, Reference::Entry(id) if failed.contains(id)))
}

/// The error for operations that still miss something after the last pass.
fn unresolved(deferred: Vec<(&Operation, Error)>) -> Option<Error> {
    if deferred.is_empty() {
        return None;
    }
    let ids: Vec<&str> = deferred.iter().map(|(op, _)| op.id().as_str()).collect();
    let message = format!("unresolved dependencies after retry: {}", ids.join(", "));
    let reasons = deferred.into_iter().map(|(_, error)| error).collect();
    Some(match together(reasons) {
        Err(cause) => Error::not_found(message).because(cause),
        Ok(()) => Error::not_found(message),
    })
}

/// One error that says all of `problems`; the only one as it is.
pub(super) fn together(mut problems: Vec<Error>) -> Result<()> {
    if problems.len() <= 1 {
        return problems.pop().map_or(Ok(()), Err);
    }
    let lines: Vec<String> = problems.iter().map(Error::to_string).collect();
    let message = format!("{} problems:\n  {}", lines.len(), lines.join("\n  "));
    let list: Value = lines.into_iter().collect();
    Err(Error::new(problems[0].kind().clone(), message).retryable(false).detail("problems", list))
}

/// An entry as event data: `{id, kind, meta, data}`.
pub(super) fn entry_value(entry: &Arc<Entry>) -> Value {
    Value::Map(Map::from([
        ("id".to_owned(), entry.id.as_str().into()),
        ("kind".to_owned(), entry.kind.as_str().into()),
        ("meta".to_owned(), entry.meta.clone().into()),
        ("data".to_owned(), entry.data.clone()),
    ]))
}
