//! The runtime looking at itself: memory, hosts, processes, the node, and the
//! few knobs a program may turn.
//!
//! `commands` is what processes may ask and under which permission, `facts` the
//! answers, `memory` what the operating system says about this program. A node
//! without a cluster answers for itself alone. Knobs of the original's Go
//! runtime that have no counterpart here keep the number they are given.

pub mod commands;
mod facts;
mod memory;

use std::sync::{Arc, Weak};

use self::facts::Facts;
use crate::boot::{App, Component, Setup};
use crate::error::Result;
use crate::events::Bus;
use crate::logging::Logging;
use crate::metrics::{self, Sample};
use crate::node::Node;
use crate::relay::Delivery;

/// Bytes of the memory limit when nobody sets one.
pub const DEFAULT_MEMORY_LIMIT: i64 = 1 << 30;

/// Introspection for processes, and the runtime's own metrics. Uses what of these is in the context by the time
/// components start: [`crate::boot::Shutdown`], [`crate::supervisor::Supervisor`], [`Logging`].
pub struct SystemComponent {
    facts: Arc<Facts>,
}

impl SystemComponent {
    /// `memory_limit`, in bytes, is what `system.memory.get_limit` shows at first.
    pub fn new(memory_limit: i64) -> SystemComponent {
        SystemComponent { facts: Arc::new(Facts::new(memory_limit)) }
    }
}

impl Default for SystemComponent {
    fn default() -> SystemComponent {
        SystemComponent::new(DEFAULT_MEMORY_LIMIT)
    }
}

impl Component for SystemComponent {
    fn name(&self) -> &'static str {
        "system"
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        let metrics = setup.node.metrics();
        let series = setup.config.get_int("metrics", "buffer.size", metrics::MAX_SERIES as i64);
        metrics.set_limit(series.max(0) as usize);
        let (node, bus) = (Arc::downgrade(setup.node), setup.bus.clone());
        metrics.gather_from(Box::new(move |all| gather(&node, &bus, all)));
        setup.commands(|c| commands::register(c, &self.facts));
        Ok(())
    }
    fn start(&self, app: &Arc<App>) -> Result<()> {
        self.facts.connect(&app.context);
        if let Some(logging) = app.context.get::<Logging>() {
            app.node.metrics().gather_from(Box::new(move |all| count_records(&logging, all)));
        }
        Ok(())
    }
}

fn count_records(logging: &Logging, all: &mut Vec<Sample>) {
    for (level, n) in ["debug", "info", "warn", "error"].into_iter().zip(logging.emissions()) {
        all.push(Sample::counter("runtime_log_emissions_total", &[("level", level)], n));
    }
}

/// What the parts of a node count anyway.
fn gather(node: &Weak<Node>, bus: &Bus, all: &mut Vec<Sample>) {
    let stats = bus.stats();
    all.push(Sample::gauge("eventbus_subscribers_active", &[], stats.subscribers));
    for (reason, n) in [("cap", stats.refused_full), ("closed", stats.refused_closed)] {
        all.push(Sample::counter("eventbus_subscribers_rejected_total", &[("reason", reason)], n));
    }
    all.push(Sample::counter("eventbus_events_dropped_total", &[], stats.dropped));
    let Some(node) = node.upgrade() else { return };
    all.push(Sample::counter("runtime_name_reregistrations_total", &[], node.names().registered_again()));
    node.denials.each(|by, what, n| {
        all.push(Sample::counter("wippy_denials_total", &[("action", what), ("by", by)], n));
    });
    let exceeded = node.cpu_limits_exceeded.load(std::sync::atomic::Ordering::Relaxed);
    all.push(Sample::counter("wippy_cpu_limits_exceeded_total", &[], exceeded));
    for (id, delivery) in node.router().hosts() {
        let Delivery::Processes(host) = delivery else { continue };
        let (stats, host_label) = (host.scheduler.stats(), [("host", &*id)]);
        all.push(Sample::gauge("wippy_host_processes", &host_label, host.live()));
        all.push(Sample::gauge("wippy_host_queued", &host_label, stats.queued));
        all.push(Sample::counter("wippy_host_steps_total", &host_label, stats.executed));
        all.push(Sample::counter("wippy_host_cpu_microseconds_total", &host_label, host.cpu() / 1000));
    }
}
