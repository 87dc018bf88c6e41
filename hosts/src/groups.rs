//! Scopes of process groups: entries of kind `pg.scope`, supervised.
//!
//! A scope is there as long as its entry, known to the router under its id so
//! that nothing else takes it; its groups exist while the service runs. The
//! fields about other nodes are checked and wait for a runtime with several.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use wippy_runtime::boot::{Component, Setup};
use wippy_runtime::payload::Value;
use wippy_runtime::process::Inherited;
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, EntryHandler, EntryId, Lifecycle};
use wippy_runtime::relay::{Delivery, Name};
use wippy_runtime::supervisor::{Reporter, Service, Supervisor};
use wippy_runtime::topology::groups::{LocalScope, ScopeConfig, Scopes, register};
use wippy_runtime::{Error, Node, Result, duration};

/// The component `groups`. Sets the [`Scopes`].
pub struct GroupsComponent;

impl Component for GroupsComponent {
    fn name(&self) -> &'static str {
        "groups"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["supervisor"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        let scopes = Arc::new(Scopes::default());
        setup.context.set(scopes.clone())?;
        setup.commands(|c| register(c, scopes.clone(), setup.registry.clone()));
        let supervisor = setup.context.need::<Supervisor>()?;
        let node = Arc::downgrade(setup.node);
        setup.handler(Arc::new(ScopeEntries { node, scopes, supervisor, state: Mutex::default() }));
        Ok(())
    }
}

struct ScopeEntries {
    /// Weak: the node's command table reaches the registry, which holds this.
    node: Weak<Node>,
    scopes: Arc<Scopes>,
    supervisor: Arc<Supervisor>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    scopes: HashMap<EntryId, Arc<GroupService>>,
    /// Deleted in this change; gone with its commit.
    deleted: Vec<EntryId>,
}

/// One scope as a service.
struct GroupService(Arc<LocalScope>);

impl Service for GroupService {
    fn start(&self, _: Arc<Inherited>, report: Reporter) {
        self.0.start();
        report.running();
    }
    fn stop(&self, report: Reporter, _: Duration) {
        self.0.stop();
        report.ended(Ok(()));
    }
}

impl EntryHandler for ScopeEntries {
    fn name(&self) -> &str {
        "pg.scope"
    }
    fn kinds(&self) -> &[&str] {
        &["pg.scope"]
    }
    /// All fields have defaults.
    fn needs_data(&self) -> bool {
        false
    }

    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        let (config, lifecycle) = decode(entry)?;
        let node = self.node.upgrade().ok_or_else(|| Error::unavailable("the node is gone"))?;
        node.router().register(Name::new(entry.id.as_str())?, Delivery::Calls)?;
        let mut state = self.state.lock();
        state.deleted.retain(|id| *id != entry.id);
        let new = || Arc::new(GroupService(LocalScope::new(entry.id.clone(), ScopeConfig::default())));
        // One that was deleted in this change is still there, with its groups.
        let service = state.scopes.entry(entry.id.clone()).or_insert_with(new).clone();
        drop(state);
        service.0.configure(config);
        self.scopes.add(service.0.clone());
        self.supervisor.register(entry.id.clone(), service, lifecycle);
        Ok(())
    }
    /// The groups live on; limits count for what comes.
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        let (config, lifecycle) = decode(new)?;
        if let Some(service) = self.state.lock().scopes.get(&new.id) {
            service.0.configure(config);
        }
        self.supervisor.update(new.id.clone(), lifecycle);
        Ok(())
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.state.lock().deleted.push(entry.id.clone());
        if let (Some(node), Some(name)) = (self.node.upgrade(), Name::known(entry.id.as_str())) {
            node.router().unregister(name);
        }
        self.supervisor.remove(entry.id.clone());
        Ok(())
    }

    fn commit(&self) -> Result<()> {
        let mut state = self.state.lock();
        for id in std::mem::take(&mut state.deleted) {
            state.scopes.remove(&id);
            self.scopes.remove(&id);
        }
        Ok(())
    }
    fn discard(&self) {
        self.state.lock().deleted.clear();
    }
}

/// Largest buffer of a monitor, in events.
const MAX_BUFFER: i64 = 1 << 20;

fn decode(entry: &Entry) -> Result<(ScopeConfig, Lifecycle)> {
    let empty = Arc::new(Entry { data: Value::Map(Default::default()), ..entry.clone() });
    let fields = Fields::new(if entry.data.is_nil() { &empty } else { entry })?;
    let negative = |key: &str| fields.error(key, format_args!("pg: {} must be non-negative", key.replace('_', " ")));
    let count = |key: &str, default: i64| match fields.int(key, 0)? {
        0 => Ok(default),
        n if n < 0 => Err(negative(key)),
        n => Ok(n),
    };
    let time = |key: &str, default: Duration| match nanoseconds(&fields, key)? {
        0 => Ok(default),
        n => u64::try_from(n).map(Duration::from_nanos).map_err(|_| negative(key)),
    };
    let buffer = count("monitor_buffer", 64)?;
    if buffer > MAX_BUFFER {
        return Err(fields.error("monitor_buffer", format_args!("must be at most {MAX_BUFFER}, got {buffer}")));
    }
    let config = ScopeConfig {
        max_groups: count("max_groups", 0)? as usize,
        max_members_per_group: count("max_members_per_group", 0)? as usize,
        monitor_buffer: buffer as usize,
        broadcast_timeout: time("broadcast_timeout", Duration::from_secs(5))?,
    };
    // Groups have no queue of actions: each is done at once.
    if count("action_queue_max_size", 1024)? < count("action_queue_size", 256)? {
        let text = "pg: action queue max size must be >= action queue size";
        return Err(fields.error("action_queue_max_size", text));
    }
    count("circuit_breaker_failures", 3)?;
    count("max_retries", 3)?;
    let of_other_nodes = [
        "protocol_timeout",
        "anti_entropy_interval",
        "circuit_breaker_reset_time",
        "retry_base_delay",
        "retry_max_delay",
    ];
    for key in of_other_nodes {
        time(key, Duration::ZERO)?;
    }
    let lifecycle = Lifecycle::decode(&fields)?;
    fields.finish_and_log();
    Ok((config, lifecycle))
}

/// A duration text, or whole nanoseconds; 0 if missing or empty.
fn nanoseconds(fields: &Fields<'_>, key: &str) -> Result<i64> {
    match fields.value(key) {
        None => Ok(0),
        Some(Value::Str(text)) if text.is_empty() => Ok(0),
        Some(Value::Str(text)) => duration::parse(text).map_err(|e| fields.error(key, e)),
        Some(other) => other.as_int().ok_or_else(|| {
            let got = other.type_name();
            fields.error(key, format_args!("expected duration such as 5s, or nanoseconds, got {got}"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wippy_runtime::yaml::{Typing, parse};

    fn decoded(data: &str) -> Result<ScopeConfig, String> {
        let data = parse(data).unwrap().root.map_or(Value::Nil, |root| root.into_value(Typing::Exact).unwrap());
        let id = EntryId::parse("app:groups");
        let entry = Entry { id, kind: "pg.scope".into(), meta: Default::default(), data, origin: None };
        decode(&entry).map(|(config, _)| config).map_err(|e| e.to_string())
    }

    #[test]
    fn zero_and_absent_mean_the_default() {
        let default = ScopeConfig::default();
        let limited = ScopeConfig { max_groups: 3, max_members_per_group: 4, monitor_buffer: 5, ..default.clone() };
        let seconds = |n| ScopeConfig { broadcast_timeout: Duration::from_secs(n), ..ScopeConfig::default() };
        let zeros = "monitor_buffer: 0\nmax_groups: 0\nbroadcast_timeout: 0\naction_queue_size: 0\nmax_retries: 0";
        let cases = [
            ("", default.clone()),
            ("lifecycle: {auto_start: true}", default.clone()),
            (zeros, default),
            ("max_groups: 3\nmax_members_per_group: 4\nmonitor_buffer: 5", limited),
            ("broadcast_timeout: 7s\nanti_entropy_interval: \"\"", seconds(7)),
            ("broadcast_timeout: 8000000000\nretry_base_delay: 100ms", seconds(8)),
        ];
        for (data, want) in cases {
            assert_eq!(decoded(data), Ok(want), "{data}");
        }
    }

    #[test]
    fn refusals() {
        let cases = [
            ("action_queue_size: -1", "pg: action queue size must be non-negative"),
            ("action_queue_max_size: -1", "pg: action queue max size must be non-negative"),
            ("action_queue_size: 2000", "pg: action queue max size must be >= action queue size"),
            ("monitor_buffer: -1", "pg: monitor buffer must be non-negative"),
            ("monitor_buffer: 2000000", "must be at most 1048576, got 2000000"),
            ("max_groups: -1", "pg: max groups must be non-negative"),
            ("max_members_per_group: -3", "pg: max members per group must be non-negative"),
            ("circuit_breaker_failures: -1", "pg: circuit breaker failures must be non-negative"),
            ("max_retries: -1", "pg: max retries must be non-negative"),
            ("anti_entropy_interval: -1s", "pg: anti entropy interval must be non-negative"),
            ("anti_entropy_interval: -5", "pg: anti entropy interval must be non-negative"),
            ("protocol_timeout: 5 s", "unknown unit"),
            ("protocol_timeout: [5]", "expected duration such as 5s, or nanoseconds, got list"),
            ("max_groups: many", "expected integer, got string"),
            ("- a", "expected data to be a map, got list"),
            ("lifecycle: {auto_start: 1}", "field lifecycle.auto_start: expected boolean, got integer"),
        ];
        for (data, want) in cases {
            let error = decoded(data).unwrap_err();
            assert!(error.contains(want), "{data}: {error}");
        }
    }
}
