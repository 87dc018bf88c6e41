//! Entries of kind `store.memory`: supervised, and usable as soon as they are
//! there. A changed entry keeps its values; the values go when the store stops.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wippy_runtime::clock::Clock;
use wippy_runtime::payload::Value;
use wippy_runtime::process::Inherited;
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, EntryHandler, EntryId, Lifecycle};
use wippy_runtime::resources::Resources;
use wippy_runtime::stores::Store;
use wippy_runtime::supervisor::{Reporter, Service, Supervisor};
use wippy_runtime::timers::{TimerKey, TimerTarget, Timers};
use wippy_runtime::{Result, duration};

use crate::memory::MemoryStore;

const MEMORY: &str = "store.memory";
const DEFAULT_SIZE: i64 = 10_000;
const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);

/// Owns the kinds of this crate.
pub struct Entries {
    pub resources: Arc<Resources>,
    pub clock: Arc<dyn Clock>,
    pub timers: Arc<Timers>,
    pub supervisor: Arc<Supervisor>,
    pub state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    stores: HashMap<EntryId, Arc<StoreService>>,
    /// Deleted in this change; gone with its commit.
    deleted: Vec<EntryId>,
}

/// A store as a service: open from the beginning, swept while it runs.
struct StoreService {
    store: Arc<MemoryStore>,
    timers: Arc<Timers>,
    sweeps: Mutex<Sweeps>,
}

struct Sweeps {
    every: Duration,
    /// While the service runs.
    next: Option<TimerKey>,
}

impl StoreService {
    /// Arms the next sweep in place of the one that was to come. Only while the service runs, or as it `begins`.
    fn arm(self: &Arc<Self>, begins: bool) {
        let mut sweeps = self.sweeps.lock();
        if sweeps.next.is_none() && !begins {
            return;
        }
        let service: Weak<StoreService> = Arc::downgrade(self);
        let sweep = move || {
            if let Some(service) = service.upgrade() {
                service.store.sweep();
                service.arm(false);
            }
        };
        let next = self.timers.arm_after(sweeps.every, TimerTarget::Call(Box::new(sweep)));
        if let Some(old) = sweeps.next.replace(next) {
            self.timers.cancel(old);
        }
    }
}

/// What the supervisor holds.
struct Supervised(Arc<StoreService>);

impl Service for Supervised {
    fn start(&self, _: Arc<Inherited>, report: Reporter) {
        self.0.store.set_open(true);
        self.0.arm(true);
        report.running();
    }
    fn stop(&self, report: Reporter, _: Duration) {
        if let Some(next) = self.0.sweeps.lock().next.take() {
            self.0.timers.cancel(next);
        }
        self.0.store.set_open(false);
        report.ended(Ok(()));
    }
}

struct Config {
    max_size: usize,
    interval: Duration,
    lifecycle: Lifecycle,
}

fn decode(entry: &Entry) -> Result<Config> {
    let empty = Entry { data: Value::Map(Default::default()), ..entry.clone() };
    let fields = Fields::new(if entry.data.is_nil() { &empty } else { entry })?;
    let max_size = match fields.int("max_size", 0)? {
        0 => DEFAULT_SIZE,
        n if n < 0 => return Err(fields.error("max_size", "max size must be non-negative")),
        n => n,
    };
    let interval = match fields.opt_str("cleanup_interval")?.filter(|text| !text.is_empty()) {
        None => 0,
        Some(text) => duration::parse(text).map_err(|e| fields.error("cleanup_interval", e))?,
    };
    let interval = match u64::try_from(interval) {
        Ok(0) => DEFAULT_INTERVAL,
        Ok(n) => Duration::from_nanos(n),
        Err(_) => return Err(fields.error("cleanup_interval", "cleanup interval must be non-negative")),
    };
    let lifecycle = Lifecycle::decode(&fields)?;
    fields.finish_and_log();
    Ok(Config { max_size: usize::try_from(max_size).unwrap_or(usize::MAX), interval, lifecycle })
}

impl EntryHandler for Entries {
    fn name(&self) -> &str {
        MEMORY
    }
    fn kinds(&self) -> &[&str] {
        &[MEMORY]
    }
    /// All fields have defaults.
    fn needs_data(&self) -> bool {
        false
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        let Config { max_size, interval, lifecycle } = decode(entry)?;
        let mut state = self.state.lock();
        state.deleted.retain(|id| *id != entry.id);
        let new = || {
            Arc::new(StoreService {
                store: Arc::new(MemoryStore::new(self.clock.clone(), max_size)),
                timers: self.timers.clone(),
                sweeps: Mutex::new(Sweeps { every: interval, next: None }),
            })
        };
        // One that was deleted in this change is still there, with its values.
        let service = state.stores.entry(entry.id.clone()).or_insert_with(new).clone();
        drop(state);
        service.store.set_max_size(max_size);
        service.sweeps.lock().every = interval;
        self.resources.put::<dyn Store>(&entry.id, MEMORY, service.store.clone());
        self.supervisor.register(entry.id.clone(), Arc::new(Supervised(service)), lifecycle);
        Ok(())
    }
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        let Config { max_size, interval, lifecycle } = decode(new)?;
        let service = self.state.lock().stores.get(&new.id).cloned();
        if let Some(service) = service {
            service.store.set_max_size(max_size);
            service.sweeps.lock().every = interval;
            service.arm(false);
        }
        self.supervisor.update(new.id.clone(), lifecycle);
        Ok(())
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.state.lock().deleted.push(entry.id.clone());
        self.supervisor.remove(entry.id.clone());
        Ok(())
    }
    fn commit(&self) -> Result<()> {
        let mut state = self.state.lock();
        for id in std::mem::take(&mut state.deleted) {
            self.resources.remove(&id);
            if let Some(service) = state.stores.remove(&id) {
                service.store.set_open(false);
            }
        }
        Ok(())
    }
    fn discard(&self) {
        self.state.lock().deleted.clear();
    }
}
