//! All services together: which are wanted, in which order they start and stop. Pure: an [`Input`] goes in, effects
//! come out; time is part of the input.
//!
//! Every service is wanted or not, and the machine works towards that: a wanted service begins once all it needs is
//! running; one that must rest is stopped once nothing that uses it is active. So unrelated services never wait for
//! each other, and one that keeps failing holds up only those that need it. Stops that a registry change causes come
//! before the starts it causes (`leaving`, `held`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::needs::Needs;
use super::state::ServiceState;
use super::unit::{Cx, Outcome, Phase, RunId, Unit};
use super::{Report, Service};
use crate::clock::Nanos;
use crate::error::{Error, Result};
use crate::process::Inherited;
use crate::registry::{EntryId, Lifecycle, State};

/// Ids named in one message.
const SHOWN: usize = 10;

pub(super) enum Input {
    /// A transaction of the registry is complete.
    Installed {
        changes: Vec<(EntryId, Change)>,
        state: State,
        /// The entries it changed.
        touched: HashSet<EntryId>,
    },
    Start(EntryId),
    Stop(EntryId),
    Report(RunId, Report),
    Timer(RunId),
    /// Everything is to have stopped by then.
    Shutdown(Nanos),
}

/// What a transaction does to one service.
pub(super) enum Change {
    Put {
        service: Arc<dyn Service>,
        config: Config,
        /// A run of the replaced service is restarted; else it goes on.
        restart: bool,
    },
    /// The service stays.
    Configure(Config),
    Remove,
}

pub(super) struct Config {
    pub lifecycle: Lifecycle,
    pub on_behalf: Arc<Inherited>,
}

/// Services by what they depend on.
#[derive(Default)]
struct Dependants(HashMap<EntryId, BTreeSet<EntryId>>);

impl Dependants {
    fn add(&mut self, dependant: &EntryId, on: &BTreeSet<EntryId>) {
        for id in on {
            self.0.entry(id.clone()).or_default().insert(dependant.clone());
        }
    }
    fn remove(&mut self, dependant: &EntryId, on: &BTreeSet<EntryId>) {
        for id in on {
            if let Some(set) = self.0.get_mut(id) {
                set.remove(dependant);
                if set.is_empty() {
                    self.0.remove(id);
                }
            }
        }
    }
    fn of(&self, id: &EntryId) -> impl Iterator<Item = &EntryId> {
        self.0.get(id).into_iter().flatten()
    }
}

/// See the module comment.
#[derive(Default)]
pub(super) struct Machine {
    units: BTreeMap<EntryId, Unit>,
    /// The registry as of the last transaction.
    state: State,
    /// By [`Unit::needs`].
    needed_by: Dependants,
    /// Active ones, by [`Unit::uses`].
    used_by: Dependants,
    /// Services that may have something to do.
    agenda: BTreeSet<EntryId>,
    /// Running ones that must rest and wait for those that use them.
    to_stop: BTreeSet<EntryId>,
    stopping: usize,
    active: usize,
    /// Active ones that a transaction replaced or removed.
    leaving: BTreeSet<EntryId>,
    /// Those that wait until nothing is leaving.
    held: BTreeSet<EntryId>,
    /// Shutting down; the time by which that must be done.
    closing: Option<Nanos>,
}

impl Machine {
    pub fn handle(&mut self, input: Input, cx: &mut Cx<'_>) {
        match input {
            Input::Installed { changes, state, touched } => self.installed(changes, state, touched, cx),
            Input::Start(id) => self.start(id, cx),
            Input::Stop(id) => self.stop(&id, cx),
            Input::Report(run, report) => self.with(&run.service, cx, |u, cx| u.report(cx, run.number, report)),
            Input::Timer(timer) => self.with(&timer.service, cx, |u, cx| u.timer(cx, timer.number)),
            Input::Shutdown(by) => self.shutdown(by, cx),
        }
        self.work(cx);
    }

    // Reading.

    /// NotFound `service not found`.
    pub fn state(&self, id: &EntryId) -> Result<ServiceState> {
        let unknown = || Error::not_found("service not found").detail("service", id.as_str());
        self.units.get(id).map(|unit| self.shown(unit)).ok_or_else(unknown)
    }
    /// Sorted by id.
    pub fn states(&self) -> Vec<ServiceState> {
        self.units.values().map(|unit| self.shown(unit)).collect()
    }
    fn shown(&self, unit: &Unit) -> ServiceState {
        let mut state = unit.state();
        if unit.wanted && unit.phase == Phase::Rest && state.details.is_none() {
            let unmet: Vec<&str> = self.unmet(unit).take(SHOWN).map(EntryId::as_str).collect();
            state.details = (!unmet.is_empty()).then(|| format!("waiting for {}", unmet.join(", ")));
        }
        state
    }
    fn unmet<'a>(&'a self, unit: &'a Unit) -> impl Iterator<Item = &'a EntryId> {
        unit.needs.services.iter().filter(|need| !self.units.get(*need).is_some_and(Unit::is_met))
    }

    /// The services that start by themselves and were not told to stop.
    pub fn roots(&self) -> Vec<EntryId> {
        let is_root = |u: &&Unit| u.lifecycle.auto_start && !u.told_to_stop && !u.removed;
        self.units.values().filter(is_root).map(|u| u.id.clone()).collect()
    }
    /// It runs or has done what it had to do.
    pub fn is_well(&self, id: &EntryId) -> bool {
        self.units.get(id).is_some_and(Unit::is_met)
    }
    /// Nothing is known that will still change without outside help: it runs, has ended, or cannot start.
    pub fn has_settled(&self, id: &EntryId) -> bool {
        self.settled(id, false)
    }
    /// As [`Machine::has_settled`], and an optional service that fails and tries again is left to itself.
    pub fn has_settled_enough(&self, id: &EntryId) -> bool {
        self.settled(id, self.units.get(id).is_some_and(|u| !u.lifecycle.startup_required))
    }
    fn settled(&self, id: &EntryId, failing_counts: bool) -> bool {
        let Some(unit) = self.units.get(id) else { return true };
        if unit.is_met() || unit.blocked.is_some() || (failing_counts && unit.is_failing()) {
            return true;
        }
        match unit.phase {
            Phase::Rest => !unit.wanted || self.waits_in_vain(unit, failing_counts),
            _ => false,
        }
    }
    /// Something it waits for is not coming; or is failing, if that counts.
    fn waits_in_vain(&self, unit: &Unit, failing_counts: bool) -> bool {
        let mut seen: HashSet<&EntryId> = HashSet::new();
        let mut open = vec![unit];
        while let Some(unit) = open.pop() {
            for need in self.unmet(unit).filter(|need| seen.insert(need)) {
                match self.units.get(need) {
                    None => return true,
                    Some(u) if u.blocked.is_some() || (failing_counts && u.is_failing()) => return true,
                    Some(u) if u.phase == Phase::Rest && !u.wanted => return true,
                    Some(u) if u.phase == Phase::Rest => open.push(u),
                    Some(_) => {}
                }
            }
        }
        false
    }
    /// Nothing is active.
    pub fn is_at_rest(&self) -> bool {
        self.active == 0
    }

    // Asked from outside.

    fn start(&mut self, id: EntryId, cx: &mut Cx<'_>) {
        match self.units.get(&id) {
            Some(_) if self.closing.is_some() => {}
            Some(unit) if !unit.removed => self.plan(BTreeSet::from([id]), true, cx),
            _ => tracing::warn!(service = %id, "cannot start: service not found"),
        }
    }

    /// Stops a service and all that depend on it.
    fn stop(&mut self, id: &EntryId, cx: &mut Cx<'_>) {
        if !self.units.contains_key(id) {
            return tracing::warn!(service = %id, "cannot stop: service not found");
        }
        let mut seen = HashSet::from([id.clone()]);
        let mut open = vec![id.clone()];
        while let Some(next) = open.pop() {
            let dependants = self.needed_by.of(&next).chain(self.used_by.of(&next));
            open.extend(dependants.filter(|d| seen.insert((*d).clone())).cloned());
            if next == *id || self.units.get(&next).is_some_and(|u| u.wanted || u.is_active()) {
                self.dismiss(&next, cx);
            }
        }
    }

    fn shutdown(&mut self, by: Nanos, cx: &mut Cx<'_>) {
        self.closing = Some(by);
        self.held.clear();
        let all: Vec<EntryId> = self.units.keys().cloned().collect();
        all.iter().for_each(|id| self.dismiss(id, cx));
    }

    /// No longer wants a service, for the time being.
    fn dismiss(&mut self, id: &EntryId, cx: &mut Cx<'_>) {
        self.with(id, cx, |unit, cx| {
            (unit.wanted, unit.told_to_stop, unit.outcome) = (false, true, Outcome::None);
            unit.block(cx, None);
            if !matches!(unit.phase, Phase::Starting | Phase::Running) {
                unit.stop(cx, Duration::ZERO);
            }
        });
        self.agenda.insert(id.clone());
    }

    // Transactions of the registry.

    fn installed(
        &mut self,
        changes: Vec<(EntryId, Change)>,
        state: State,
        mut touched: HashSet<EntryId>,
        cx: &mut Cx<'_>,
    ) {
        self.state = state;
        let (mut roots, mut leaving, mut kept) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for (id, change) in changes {
            touched.insert(id.clone());
            match change {
                Change::Put { service, config, restart } => {
                    let replaced = self.put(&id, service, config, restart, &mut roots);
                    leaving.extend(replaced.then_some(id));
                }
                Change::Configure(config) => {
                    self.configure(&id, config, &mut roots);
                    kept.push(id);
                }
                Change::Remove => {
                    self.remove(&id, cx);
                    leaving.insert(id);
                }
            }
        }
        let moved = self.find_needs(&touched);
        kept.iter().for_each(|id| self.adopt_needs(id));
        let restarted = self.leave(leaving);
        moved.iter().for_each(|id| self.adopt_needs(id));
        if self.closing.is_some() {
            return;
        }
        self.plan(roots, true, cx);
        let is_wanted = |id: &&EntryId| self.units.get(id).is_some_and(|u| u.wanted);
        let again: BTreeSet<EntryId> = moved.iter().filter(is_wanted).cloned().chain(restarted).collect();
        self.plan(again, false, cx);
        let blocked = self.units.values().filter(|u| u.blocked.is_some()).map(|u| u.id.clone()).collect();
        self.plan(blocked, false, cx);
    }

    /// Registers a service. True if a run of the one it replaces must be restarted.
    fn put(
        &mut self,
        id: &EntryId,
        service: Arc<dyn Service>,
        config: Config,
        restart: bool,
        roots: &mut BTreeSet<EntryId>,
    ) -> bool {
        let auto_start = config.lifecycle.auto_start;
        let Some(unit) = self.units.get_mut(id) else {
            self.units.insert(id.clone(), Unit::new(id.clone(), service, config.lifecycle, config.on_behalf));
            roots.extend(auto_start.then(|| id.clone()));
            return false;
        };
        let came_back = std::mem::take(&mut unit.removed);
        let restart = came_back || (restart && !Arc::ptr_eq(&unit.service, &service));
        unit.service = service;
        if !restart {
            self.configure(id, config, roots);
            return false;
        }
        unit.configure(config.lifecycle, config.on_behalf);
        if unit.wanted || auto_start {
            roots.insert(id.clone());
        }
        unit.is_active()
    }

    /// A new configuration is another chance for what has failed, but what has finished is not started again, and
    /// neither is what was told to stop.
    fn configure(&mut self, id: &EntryId, config: Config, roots: &mut BTreeSet<EntryId>) {
        let Some(unit) = self.units.get_mut(id) else {
            return tracing::warn!(service = %id, "update of a service that is not registered");
        };
        unit.configure(config.lifecycle, config.on_behalf);
        let waits = unit.wanted && !unit.is_active();
        let begins = unit.lifecycle.auto_start && (unit.is_new() || unit.outcome == Outcome::GaveUp);
        if waits || (begins && !unit.told_to_stop) {
            roots.insert(id.clone());
        }
    }

    /// Unregisters a service; it is forgotten when it has no run any more.
    fn remove(&mut self, id: &EntryId, cx: &mut Cx<'_>) {
        let Some(unit) = self.units.get_mut(id) else { return };
        (unit.removed, unit.wanted, unit.blocked) = (true, false, None);
        if !unit.is_active() {
            self.with(id, cx, |unit, cx| unit.stop(cx, Duration::ZERO));
        }
        self.agenda.insert(id.clone());
    }

    /// Finds the needs of all services that `touched` may concern; gives those whose needs are others now.
    fn find_needs(&mut self, touched: &HashSet<EntryId>) -> Vec<EntryId> {
        let mut found = Vec::new();
        let is_service = |id: &EntryId| self.units.get(id).is_some_and(|u| !u.removed);
        for unit in self.units.values().filter(|u| !u.removed) {
            if touched.contains(&unit.id) || unit.needs.may_change(touched) {
                let needs = Needs::find(&unit.id, &unit.lifecycle.requires, &self.state, &is_service);
                found.push((unit.id.clone(), needs));
            }
        }
        let mut moved = Vec::new();
        for (id, needs) in found {
            let Some(unit) = self.units.get_mut(&id) else { continue };
            if unit.needs.services != needs.services || unit.needs.missing != needs.missing {
                self.needed_by.remove(&id, &unit.needs.services);
                self.needed_by.add(&id, &needs.services);
                moved.push(id);
            }
            unit.needs = needs;
        }
        moved
    }

    /// The run of a service goes on under its present needs, if it is one of the present service.
    fn adopt_needs(&mut self, id: &EntryId) {
        let Some(unit) = self.units.get_mut(id) else { return };
        if unit.is_active() && !unit.restart && unit.runs_current() {
            self.used_by.remove(id, &unit.uses);
            unit.uses.clone_from(&unit.needs.services);
            self.used_by.add(id, &unit.uses);
        }
    }

    /// Makes services end that have an active run, and before them all that use them. Gives those that are to begin
    /// again.
    fn leave(&mut self, ids: BTreeSet<EntryId>) -> Vec<EntryId> {
        let (mut restarted, mut seen) = (Vec::new(), ids.clone());
        let mut open: Vec<EntryId> = ids.into_iter().collect();
        while let Some(id) = open.pop() {
            open.extend(self.used_by.of(&id).filter(|user| seen.insert((*user).clone())).cloned());
            let Some(unit) = self.units.get_mut(&id).filter(|u| u.is_active()) else { continue };
            unit.restart = true;
            restarted.extend(unit.wanted.then(|| id.clone()));
            self.leaving.insert(id.clone());
            self.agenda.insert(id);
        }
        restarted
    }

    // Starting.

    /// Wants `roots` and everything they need to run. A cycle among what would have to start blocks all of it. Roots
    /// get a clean slate if they are asked for `anew`.
    fn plan(&mut self, roots: BTreeSet<EntryId>, anew: bool, cx: &mut Cx<'_>) {
        let mut batch = BTreeSet::new();
        let mut open: Vec<EntryId> = roots.iter().cloned().collect();
        while let Some(id) = open.pop() {
            let Some(unit) = self.units.get(&id).filter(|u| !u.removed) else { continue };
            let is_root = roots.contains(&id);
            let goes_on = match unit.phase {
                Phase::Starting | Phase::Running => !unit.must_rest(),
                Phase::Backoff => !is_root,
                Phase::Rest => !is_root && unit.is_met(),
                Phase::Stopping { .. } | Phase::Lingering => false,
            };
            if !goes_on && batch.insert(id) && unit.needs.missing.is_empty() {
                open.extend(unit.needs.services.iter().cloned());
            }
        }
        let cycle = self.cycle(&batch);
        for id in batch {
            let reason = match (&cycle, self.units.get(&id)) {
                (Some(cycle), _) => Some(cycle.clone()),
                (None, Some(unit)) if !unit.needs.missing.is_empty() => Some(missing(unit)),
                _ => None,
            };
            self.with(&id, cx, |unit, cx| {
                if !unit.wanted || (anew && roots.contains(&unit.id)) {
                    unit.want(cx);
                }
                unit.block(cx, reason);
            });
            if !self.leaving.is_empty() {
                self.held.insert(id.clone());
            }
            self.agenda.insert(id);
        }
    }

    /// The error if members of `batch` need each other in a circle.
    fn cycle(&self, batch: &BTreeSet<EntryId>) -> Option<Error> {
        let inner = |id: &EntryId| self.units[id].needs.services.iter().filter(|n| batch.contains(*n));
        let mut open: HashMap<&EntryId, usize> = batch.iter().map(|id| (id, inner(id).count())).collect();
        let mut free: Vec<&EntryId> = batch.iter().filter(|id| open[id] == 0).collect();
        while let Some(id) = free.pop() {
            open.remove(id);
            for dependant in self.needed_by.of(id) {
                if let Some(count) = open.get_mut(dependant) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(dependant);
                    }
                }
            }
        }
        // Each that is left needs another one that is left, so a walk comes around.
        let mut at = batch.iter().find(|id| open.contains_key(id))?;
        let mut path = vec![at];
        loop {
            at = inner(at).find(|n| open.contains_key(n))?;
            if let Some(first) = path.iter().position(|id| *id == at) {
                let circle: Vec<&str> = path[first..].iter().chain([&at]).take(SHOWN + 1).map(|i| i.as_str()).collect();
                return Some(Error::invalid(format!("service dependency cycle: {}", circle.join(" -> "))));
            }
            path.push(at);
        }
    }

    // Getting there.

    /// Works through the agenda. A circle of services that use each other is broken where it is found.
    fn work(&mut self, cx: &mut Cx<'_>) {
        loop {
            while let Some(id) = self.agenda.pop_first() {
                self.settle(&id, cx);
            }
            if self.stopping > 0 {
                return;
            }
            let Some(id) = self.to_stop.pop_first() else { return };
            self.end(&id, cx);
        }
    }

    /// Does what one service has to do now.
    fn settle(&mut self, id: &EntryId, cx: &mut Cx<'_>) {
        self.to_stop.remove(id);
        let Some(unit) = self.units.get_mut(id) else { return };
        match unit.phase {
            Phase::Starting | Phase::Running if unit.must_rest() => {
                if self.used_by.of(id).next().is_some() {
                    self.to_stop.insert(id.clone());
                } else {
                    self.end(id, cx);
                }
            }
            Phase::Rest if unit.removed => {
                if let Some(unit) = self.units.remove(id) {
                    self.needed_by.remove(id, &unit.needs.services);
                }
            }
            Phase::Rest => {
                unit.restart = false;
                let unit = &self.units[id];
                let may = unit.wanted && unit.blocked.is_none() && self.closing.is_none();
                let held = !self.leaving.is_empty() && self.held.contains(id);
                if may && !held && self.unmet(unit).next().is_none() {
                    self.with(id, cx, |unit, cx| unit.begin(cx));
                }
            }
            _ => {}
        }
    }

    /// Asks the run of a service to end.
    fn end(&mut self, id: &EntryId, cx: &mut Cx<'_>) {
        let left = self.closing.map(|by| Duration::from_nanos(by.saturating_sub(cx.now)));
        self.with(id, cx, |unit, cx| {
            let within = unit.lifecycle.stop_timeout;
            unit.stop(cx, left.map_or(within, |left| within.min(left)));
        });
    }

    /// Changes a service and keeps the books about it.
    fn with(&mut self, id: &EntryId, cx: &mut Cx<'_>, change: impl FnOnce(&mut Unit, &mut Cx<'_>)) {
        let Some(unit) = self.units.get_mut(id) else { return };
        let is_stopping = |unit: &Unit| matches!(unit.phase, Phase::Stopping { .. });
        let (phase, was_active, was_met, was_stopping) =
            (unit.phase, unit.is_active(), unit.is_met(), is_stopping(unit));
        change(unit, cx);
        if unit.phase != phase {
            self.agenda.insert(id.clone());
        }
        if !was_met && unit.is_met() {
            self.agenda.extend(self.needed_by.of(id).cloned());
        }
        match (was_stopping, is_stopping(unit)) {
            (false, true) => self.stopping += 1,
            (true, false) => self.stopping -= 1,
            _ => {}
        }
        match (was_active, unit.is_active()) {
            (false, true) => {
                self.active += 1;
                self.used_by.add(id, &unit.uses);
            }
            (true, false) => {
                self.active -= 1;
                self.used_by.remove(id, &unit.uses);
                self.agenda.extend(unit.uses.iter().cloned());
                self.to_stop.remove(id);
                if self.leaving.remove(id) && self.leaving.is_empty() {
                    self.agenda.append(&mut self.held);
                }
            }
            _ => {}
        }
    }
}

fn missing(unit: &Unit) -> Error {
    let ids: Vec<&str> = unit.needs.missing.iter().take(SHOWN).map(EntryId::as_str).collect();
    let (id, ids) = (&unit.id, ids.join(", "));
    Error::invalid(format!("service startup blocked by missing dependencies: {id} requires {ids}"))
}
