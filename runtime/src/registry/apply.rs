//! Changing the registry: apply, load at boot, switch to another version.
//!
//! All three end the same way: one [`Transition`] over a copy of the state,
//! then the history, then the swap that makes the result visible. Until the
//! swap every failure leaves the old state in place and is taken back with the
//! handlers. Calls block until done.

use std::sync::Arc;

use parking_lot::MutexGuard;

use super::changeset::{ChangeSet, OpKind, Operation, Scope};
use super::core::{Registry, Shared, Snapshot, Writer};
use super::delta::build_delta;
use super::entry::Entry;
use super::handler::{Effects, Expansion};
use super::order;
use super::state::State;
use super::transition::{OnFailure, Transition, quietly, together};
use super::version::{Path, Version};
use crate::error::{Error, Kind, Result};

/// Marks the thread as inside a change.
struct Inside<'a>(&'a Shared);

impl<'a> Inside<'a> {
    /// InvalidState if the thread is inside one already: a handler, observer or
    /// expander wants to change the registry and would wait for itself.
    fn enter(shared: &'a Shared) -> Result<Inside<'a>> {
        let me = std::thread::current().id();
        let mut inside = shared.changing.lock();
        if inside.contains(&me) {
            return Err(Error::invalid_state("the registry cannot be changed from inside an entry handler"));
        }
        inside.push(me);
        Ok(Inside(shared))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let me = std::thread::current().id();
        self.0.changing.lock().retain(|t| *t != me);
    }
}

fn internal(message: &str) -> impl Fn(Error) -> Error + '_ {
    move |cause| Error::internal(message).because(cause)
}

/// Expansion side effects of one change; taken back unless `keep` is called.
struct Pending(Option<Box<dyn Effects>>);

impl Pending {
    fn prepare(&mut self) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |e| e.prepare()).map_err(internal("failed to prepare effects"))
    }
    fn commit(&mut self) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |e| e.commit()).map_err(internal("failed to commit effects"))
    }
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(mut effects) = self.0.take() {
            quietly(|| effects.rollback());
        }
    }
}

impl Registry {
    /// Applies a change set: expands and orders it, shows it to the handlers,
    /// saves it as a new version (if anything in it is to be recorded) and
    /// installs the result. Gives the version that is then current.
    ///
    /// Errors leave the registry as it was: Internal `failed to apply changes`
    /// and the like with the cause; Conflict `registry changed during apply`
    /// (retryable) if another change got in while this one was being expanded;
    /// InvalidState from inside a handler.
    pub fn apply(&self, changes: ChangeSet) -> Result<Version> {
        let shared = &*self.0;
        let _inside = Inside::enter(shared)?;
        let _one_at_a_time = shared.applies.lock();
        let base = self.snapshot();
        let (changes, mut effects) = self.expand(changes, &base.state)?;
        let changes = order::sort(changes, &base.state);
        effects.prepare()?;

        let mut writer = shared.writer.lock();
        if self.snapshot().generation != base.generation {
            return Err(Error::conflict("registry changed during apply").retryable(true));
        }
        let participants = shared.participants.read().clone();
        let environment = shared.environment.read().clone();
        let mut transition = Transition::new(&shared.bus, &participants, &environment, &mut writer, &base);
        transition.run(&changes, OnFailure::Stop).map_err(internal("failed to apply changes"))?;
        let saved = effects.commit().and_then(|()| self.save(base.version, &transition.applied));
        let version = saved.map_err(|e| transition.undo(e))?;
        effects.keep();
        let (state, applied) = (transition.state, transition.applied);
        self.install(&writer, version, state, &applied);
        Ok(version)
    }

    /// Makes `baseline` (the entries of files, after the pipeline) overlaid with
    /// the recorded changes up to `target` the state, in one transition from
    /// what is current. Without a target: the head of the history, or the
    /// current version. Records nothing. Reports all failing entries together.
    pub fn load_state(&self, baseline: Vec<Entry>, target: Option<u64>) -> Result<Version> {
        let _inside = Inside::enter(&self.0)?;
        let writer = self.0.writer.lock();
        let mut wanted = unique(baseline)?;
        let target = match target {
            Some(id) => id,
            None => self.0.history.head()?.unwrap_or(self.current_version().id),
        };
        let mut version = Version::ROOT;
        if target != Version::ROOT.id {
            for id in self.0.history.lineage(target)? {
                self.0.history.changes(id)?.0.iter().for_each(|op| wanted.carry_out(op));
            }
            version = self.version(target)?;
        }
        let base = self.snapshot();
        let list = |s: &State| s.iter().cloned().collect::<Vec<_>>();
        let delta = ChangeSet(build_delta(&list(&base.state), &list(&wanted)));
        self.switch(writer, &base, delta, OnFailure::Collect, version)
    }

    /// Goes to another version: undoes and redoes recorded changes through the
    /// common ancestor, as one transition, and makes it the head. Records no
    /// version. NotFound `version not found in history`; Unavailable without a
    /// history; otherwise errors as of [`Registry::apply`].
    pub fn apply_version(&self, target: u64) -> Result<Version> {
        let _inside = Inside::enter(&self.0)?;
        let base = self.snapshot();
        if base.version.id == target {
            return Ok(base.version);
        }
        let history = &self.0.history;
        let path = Path::between(&history.lineage(base.version.id)?, &history.lineage(target)?);
        let mut sets = Vec::new();
        for id in &path.back {
            sets.push(history.changes(*id)?.invert()?);
        }
        for id in &path.forward {
            sets.push(history.changes(*id)?);
        }
        let merged = fitted(ChangeSet::merge(sets), &base.state);
        let (changes, mut effects) = self.expand(merged, &base.state)?;
        effects.prepare()?;

        let writer = self.0.writer.lock();
        if self.snapshot().generation != base.generation {
            return Err(Error::conflict("registry changed during apply").retryable(true));
        }
        let version = self.version(target)?;
        self.switch_with(writer, &base, changes, OnFailure::Stop, version, |registry| {
            effects.commit()?;
            registry.0.history.set_head(target).map_err(internal("failed to set head"))
        })?;
        effects.keep();
        Ok(version)
    }

    fn switch(
        &self,
        writer: MutexGuard<'_, Writer>,
        base: &Snapshot,
        changes: ChangeSet,
        on_failure: OnFailure,
        version: Version,
    ) -> Result<Version> {
        self.switch_with(writer, base, changes, on_failure, version, |_| Ok(()))
    }

    /// Runs `changes`, then `last`, then installs the result as `version`.
    fn switch_with(
        &self,
        mut writer: MutexGuard<'_, Writer>,
        base: &Snapshot,
        changes: ChangeSet,
        on_failure: OnFailure,
        version: Version,
        last: impl FnOnce(&Registry) -> Result<()>,
    ) -> Result<Version> {
        let changes = order::sort(changes, &base.state);
        let participants = self.0.participants.read().clone();
        let environment = self.0.environment.read().clone();
        let mut transition = Transition::new(&self.0.bus, &participants, &environment, &mut writer, base);
        transition.run(&changes, on_failure).map_err(internal("failed to apply changes"))?;
        last(self).map_err(|e| transition.undo(e))?;
        let (state, applied) = (transition.state, transition.applied);
        self.install(&writer, version, state, &applied);
        Ok(version)
    }

    fn expand(&self, changes: ChangeSet, state: &State) -> Result<(ChangeSet, Pending)> {
        let Some(expander) = self.0.expander.read().clone() else { return Ok((changes, Pending(None))) };
        let expansion = expander.expand(changes, state).map_err(internal("failed to expand changeset"))?;
        let Expansion { changes, effects } = expansion;
        Ok((changes, Pending(effects)))
    }

    /// Records what is to be recorded; gives the version that is then current.
    fn save(&self, current: Version, applied: &[Operation]) -> Result<Version> {
        let recorded: Vec<Operation> = applied.iter().filter(|op| op.scope == Scope::History).cloned().collect();
        if recorded.is_empty() {
            return Ok(current);
        }
        let save = || {
            let id = self.0.history.highest()?.max(current.id) + 1;
            let version = Version { id, parent: Some(current.id) };
            self.0.history.save(version, &ChangeSet(recorded))?;
            Ok(version)
        };
        save().map_err(internal("failed to save new version"))
    }

    fn install(&self, _writer: &Writer, version: Version, state: State, changes: &[Operation]) {
        let generation = self.snapshot().generation + 1;
        let snapshot = Arc::new(Snapshot { version, state, generation });
        *self.0.current.write() = snapshot.clone();
        let participants = self.0.participants.read().clone();
        participants.installed(&snapshot, changes);
    }
}

/// The entries as a state; all ids that occur twice are reported together.
fn unique(entries: Vec<Entry>) -> Result<State> {
    let mut state = State::new();
    let mut problems = Vec::new();
    for entry in entries {
        if let Some(first) = state.get(&entry.id) {
            let place = match &first.origin {
                Some(o) if o.line > 0 => format!(" (first at {}:{})", o.file, o.line),
                Some(o) => format!(" (first in {})", o.file),
                None => String::new(),
            };
            problems.push(entry.error(format_args!("this id is taken already{place}")).with_kind(Kind::CONFLICT));
            continue;
        }
        state.put(Arc::new(entry));
    }
    together(problems)?;
    Ok(state)
}

/// Recorded changes made to fit the present state, which files may have changed
/// since: what exists is updated, what is gone is created, deletes of nothing vanish.
fn fitted(changes: ChangeSet, state: &State) -> ChangeSet {
    let mut out = Vec::new();
    let mut state = state.clone();
    for op in changes.0 {
        let old = state.get(op.id()).cloned();
        state.carry_out(&op);
        match (op.kind, old) {
            (OpKind::Delete, None) => {}
            (OpKind::Delete, Some(_)) => out.push(op),
            (_, None) => out.push(Operation { kind: OpKind::Create, ..op }),
            (_, Some(old)) if old.kind == op.entry.kind => out.push(Operation { kind: OpKind::Update, ..op }),
            (_, Some(old)) => {
                out.push(Operation { scope: op.scope, ..Operation::new(OpKind::Delete, old) });
                out.push(Operation { kind: OpKind::Create, ..op });
            }
        }
    }
    ChangeSet(out)
}
