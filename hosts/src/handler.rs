//! The owner of the kinds `process.host` and `terminal.host`.
//!
//! A host exists, unstarted, from the change that brings its entry until the
//! change that takes it away is complete; the supervisor starts and stops it.
//! What a transaction removes is kept until `commit`, so that taking the
//! removal back gives the same host again, with all that runs on it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use wippy_runtime::registry::{Entry, EntryHandler, EntryId};
use wippy_runtime::supervisor::Supervisor;
use wippy_runtime::{Error, Node, Result};

use crate::config::{HostConfig, HostKind};
use crate::host::Host;
use crate::terminal::Console;

/// See the module comment.
pub(crate) struct HostHandler {
    node: Weak<Node>,
    supervisor: Arc<Supervisor>,
    console: Arc<Console>,
    hosts: Mutex<Hosts>,
}

#[derive(Default)]
struct Hosts {
    by_id: HashMap<EntryId, Entered>,
    /// Taken away by the transaction that runs.
    removed: Vec<(EntryId, Entered)>,
}

#[derive(Clone)]
struct Entered {
    config: HostConfig,
    /// Always the same object, by which the supervisor knows that nothing has changed.
    host: Arc<Host>,
    hide_logs: Arc<AtomicBool>,
}

impl HostHandler {
    pub fn new(node: &Arc<Node>, supervisor: Arc<Supervisor>, console: Arc<Console>) -> HostHandler {
        HostHandler { node: Arc::downgrade(node), supervisor, console, hosts: Mutex::default() }
    }

    /// The host that this transaction has removed, if it was like `config`; else a new one.
    fn enter(&self, id: &EntryId, config: HostConfig) -> Result<Entered> {
        let removed = &mut self.hosts.lock().removed;
        let like = removed.iter().position(|(old, entered)| old == id && entered.config == config);
        let node = self.node.upgrade().ok_or_else(|| Error::unavailable("the node is gone"))?;
        if let Some(at) = like {
            let (_, entered) = removed.swap_remove(at);
            node.router().register_processes(entered.host.shared())?;
            return Ok(entered);
        }
        let host = Arc::new(Host::new(&node, id, &config)?);
        let hide_logs = Arc::new(AtomicBool::new(config.hide_logs));
        if config.kind == HostKind::Terminal {
            self.console.serve(host.shared(), hide_logs.clone());
        }
        Ok(Entered { config, host, hide_logs })
    }
}

impl EntryHandler for HostHandler {
    fn name(&self) -> &str {
        HostKind::PROCESS
    }
    fn kinds(&self) -> &[&str] {
        &[HostKind::PROCESS, HostKind::TERMINAL]
    }

    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        let entered = self.enter(&entry.id, HostConfig::decode(entry)?)?;
        let (service, lifecycle) = (entered.host.clone(), entered.config.lifecycle.clone());
        self.hosts.lock().by_id.insert(entry.id.clone(), entered);
        self.supervisor.register(entry.id.clone(), service, lifecycle);
        Ok(())
    }

    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        let config = HostConfig::decode(new)?;
        let entered = self.hosts.lock().by_id.get(&new.id).cloned();
        let mut entered = entered.ok_or_else(|| Error::internal(format!("host {} is not known", new.id)))?;
        let fixed = entered.config.fixed_changes(&config);
        if !fixed.is_empty() {
            let fixed = fixed.join(", ");
            return Err(new.error(format_args!("{fixed} cannot change while the host exists; delete and create it")));
        }
        entered.host.set_workers(config.workers)?;
        entered.hide_logs.store(config.hide_logs, Ordering::Relaxed);
        if entered.config.lifecycle != config.lifecycle {
            self.supervisor.update(new.id.clone(), config.lifecycle.clone());
        }
        entered.config = config;
        self.hosts.lock().by_id.insert(new.id.clone(), entered);
        Ok(())
    }

    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        let mut hosts = self.hosts.lock();
        if let Some(entered) = hosts.by_id.remove(&entry.id) {
            hosts.removed.push((entry.id.clone(), entered));
        }
        drop(hosts);
        self.supervisor.remove(entry.id.clone());
        Ok(())
    }

    fn commit(&self) -> Result<()> {
        let removed = std::mem::take(&mut self.hosts.lock().removed);
        removed.iter().for_each(|(_, entered)| entered.host.retire());
        Ok(())
    }
}
