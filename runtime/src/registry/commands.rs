//! How processes read and change the registry.
//!
//! Reading the current state, or a snapshot somebody holds, is answered at
//! once; what reads a history on disk or changes the registry runs on the
//! blocking pool, so it holds up no process but the asker. Changes wait in one
//! line and take one thread, however many there are. Entries the asker may not
//! read are left out of lists; asking for one of them is an error.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;

use super::changeset::ChangeSet;
use super::core::{Registry, Snapshot};
use super::entry::{Entry, EntryId};
use super::version::Version;
use crate::boot::{Component, Setup};
use crate::dispatch::{Caller, Completer, DispatcherBuilder, Gate, Permissions, Request};
use crate::error::{Error, Kind, Result};
use crate::io::Io;
use crate::payload::Map;

/// Changes that wait for their turn at most.
const MAX_WAITING: usize = 1000;

/// What the lists ask for each entry.
const READABLE: (&str, &str) = ("registry.get", "each entry id; others are left out");

macro_rules! request {
    ($request:ty, $name:literal $($permission:expr)? => $reply:ty) => {
        request!($request, $name $($permission)?, "registry" => $reply, |_, _| Ok(()));
    };
    ($request:ty, $name:literal $($permission:expr)?, $capability:literal => $reply:ty, $authorize:expr) => {
        impl Request for $request {
            const NAME: &'static str = $name;
            const CAPABILITY: &'static str = $capability;
            const PERMISSIONS: Permissions = Some(&[$($permission)?]);
            type Reply = $reply;
            fn authorize(&self, gate: &Gate<'_>) -> Result<()> {
                let authorize: fn(&$request, &Gate<'_>) -> Result<()> = $authorize;
                authorize(self, gate)
            }
        }
    };
}

/// One entry.
pub struct Get {
    pub id: EntryId,
    /// Where to look; `None`: in the current state.
    pub within: Option<Arc<Snapshot>>,
}
request!(Get, "registry.get" ("registry.get", "entry id"), "registry" => Arc<Entry>, |r, gate| {
    let denied = || Error::permission_denied(format!("not allowed to access entry: {}", r.id));
    gate.require("registry.get", r.id.as_str(), denied)
});

/// The entries that meet all criteria ([`Registry::find`]), by (namespace, name).
pub struct Find {
    pub filter: Map,
    /// Where to look; `None`: in the current state.
    pub within: Option<Arc<Snapshot>>,
}
request!(Find, "registry.find" READABLE => Vec<Arc<Entry>>);

/// All entries of a snapshot, by (namespace, name).
pub struct List {
    pub within: Arc<Snapshot>,
    /// `None`: of all namespaces.
    pub namespace: Option<String>,
}
request!(List, "registry.list" READABLE => Vec<Arc<Entry>>);

/// The current state.
pub struct Current;
request!(Current, "registry.snapshot" => Arc<Snapshot>);

/// What recorded changes alone make ([`Registry::snapshot_at`]).
pub struct SnapshotAt(pub u64);
request!(SnapshotAt, "registry.snapshot_at" => Arc<Snapshot>);

/// All versions by ascending id. Internal if there is no history.
pub struct Versions;
request!(Versions, "registry.versions" => Vec<Version>);

/// The version with an id.
pub struct FindVersion(pub u64);
request!(FindVersion, "registry.version" => Version);

/// The version that one was made from.
pub struct Previous(pub Version);
request!(Previous, "registry.previous" => Option<Version>);

/// The version that was made from one last.
pub struct Next(pub Version);
request!(Next, "registry.next" => Option<Version>);

/// Changes the registry ([`Registry::apply`]). Reply: the version that is then current. It is carried out even if the
/// asker ends meanwhile.
pub struct Apply(pub ChangeSet);
request!(Apply, "registry.apply" ("registry.apply", ""), "registry.apply" => Version, |_, gate| {
    let denied = || Error::permission_denied("not allowed to apply registry changes");
    gate.require("registry.apply", "", denied)
});

/// Goes to the version with an id ([`Registry::apply_version`]).
pub struct ApplyVersion(pub u64);
request!(ApplyVersion, "registry.apply_version" ("registry.apply_version", ""), "registry.apply" => Version, |_, gate| {
    let denied = || Error::permission_denied("registry version change is not allowed");
    gate.require("registry.apply_version", "", denied)
});

/// Leaves out what the caller may not read.
fn readable<'a>(caller: &Caller, entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<Arc<Entry>> {
    if !caller.node.may_refuse() {
        return entries.cloned().collect();
    }
    let gate = Gate::new(caller);
    entries.filter(|e| gate.allows("registry.get", e.id.as_str())).cloned().collect()
}

/// A failed change as the asker sees it. Whether to try again, and the list of problems, are those of the cause.
fn failed(message: &str) -> impl Fn(Error) -> Error + '_ {
    move |cause| {
        let retryable = cause.is_retryable() == Some(true);
        let details = cause.details().cloned();
        Error::internal(message).because(cause).retryable(retryable).with_details(details)
    }
}

/// Programs see a missing history as Internal.
fn without_history(error: Error) -> Error {
    if *error.kind() == Kind::UNAVAILABLE { error.with_kind(Kind::INTERNAL) } else { error }
}

/// Carries out one change, or passes on why it may not.
type Job = Box<dyn FnOnce(Result<()>) + Send>;

/// Changes in the order they were asked for, on one thread of the pool while there are any.
#[derive(Default)]
struct Line(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    served: bool,
}

impl Line {
    /// Runs `job` in its turn; refuses it at once, LimitExceeded and retryable, if too many wait.
    fn join(self: &Arc<Self>, io: &Io, job: Job) {
        let mut waiting = self.0.lock();
        if waiting.jobs.len() >= MAX_WAITING {
            drop(waiting);
            let full = Error::limit_exceeded(format!("{MAX_WAITING} registry changes are waiting"));
            return job(Err(full.retryable(true)));
        }
        waiting.jobs.push_back(job);
        if !std::mem::replace(&mut waiting.served, true) {
            drop(waiting);
            let line = self.clone();
            io.spawn_blocking(move || line.serve());
        }
    }

    fn serve(&self) {
        loop {
            let job = {
                let mut waiting = self.0.lock();
                let job = waiting.jobs.pop_front();
                waiting.served = job.is_some();
                job
            };
            let Some(job) = job else { return };
            // Dropping its completer has told the asker.
            if catch_unwind(AssertUnwindSafe(|| job(Ok(())))).is_err() {
                tracing::error!("a registry change panicked");
            }
        }
    }
}

/// Registers a command that changes the registry.
fn change<R: Request<Reply = Version>>(
    commands: &mut DispatcherBuilder,
    line: &Arc<Line>,
    f: impl Fn(R) -> Result<Version> + Send + Sync + 'static,
) {
    let (line, f) = (line.clone(), Arc::new(f));
    commands.deferred(move |caller: &Caller, request: R, done: Completer<Version>| {
        let f = f.clone();
        let job = move |admitted: Result<()>| done.complete(admitted.and_then(|()| f(request)));
        line.join(caller.node.io(), Box::new(job));
    });
}

/// Registers the commands.
pub fn register(commands: &mut DispatcherBuilder, registry: &Registry) {
    reads(commands, registry);
    history(commands, registry);
    let line = Arc::new(Line::default());
    let r = registry.clone();
    change(commands, &line, move |Apply(changes)| match changes.is_empty() {
        true => Err(Error::invalid("no changes to apply")),
        false => r.apply(changes).map_err(failed("apply changes")),
    });
    let r = registry.clone();
    change(commands, &line, move |ApplyVersion(id)| r.apply_version(id).map_err(failed("apply version")));
}

fn reads(commands: &mut DispatcherBuilder, registry: &Registry) {
    let r = registry.clone();
    commands.sync(move |_, Get { id, within }| {
        let found = within.unwrap_or_else(|| r.snapshot()).state.get(&id).cloned();
        found.ok_or_else(|| Error::not_found(format!("entry not found: {id}")))
    });
    let r = registry.clone();
    commands.sync(move |caller, Find { filter, within }| {
        let found = match within {
            Some(snapshot) => r.find_in(&snapshot, &filter),
            None => r.find(&filter),
        };
        Ok(readable(caller, found.iter()))
    });
    commands.sync(move |caller, List { within, namespace }| {
        Ok(match &namespace {
            Some(ns) => readable(caller, within.state.namespace(ns)),
            None => readable(caller, within.state.iter()),
        })
    });
    let r = registry.clone();
    commands.sync(move |_, Current| Ok(r.snapshot()));
}

/// What asks the history: off the workers if that may wait for a disk.
fn history(commands: &mut DispatcherBuilder, registry: &Registry) {
    fn add<R: Request>(commands: &mut DispatcherBuilder, registry: &Registry, f: fn(&Registry, R) -> Result<R::Reply>) {
        let r = registry.clone();
        let f = move |_: &Caller, request: R| f(&r, request).map_err(without_history);
        match registry.history().blocks() {
            true => commands.blocking(f),
            false => commands.sync(f),
        }
    }
    add(commands, registry, |r, SnapshotAt(id)| r.snapshot_at(id).map(Arc::new));
    add(commands, registry, |r, Versions| r.versions());
    add(commands, registry, |r, FindVersion(id)| r.version(id));
    add(commands, registry, |r, Previous(version)| r.previous(version));
    add(commands, registry, |r, Next(version)| r.next(version));
}

/// The registry for processes.
pub struct RegistryCommands;

impl Component for RegistryCommands {
    fn name(&self) -> &'static str {
        "registry-commands"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.commands(|c| register(c, setup.registry));
        Ok(())
    }
}
