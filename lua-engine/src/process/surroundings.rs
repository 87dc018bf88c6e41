//! The world around the VMs of a node: its clock, its randomness, the log, its metrics.

use std::sync::{Arc, Weak};

use wippy_runtime::Node;
use wippy_runtime::clock::Clock;
use wippy_runtime::entropy::Entropy;
use wippy_runtime::logging::PROGRAM;
use wippy_runtime::metrics::Metrics;
use wippy_runtime::payload::Value;

use crate::state::{LogLevel, LogRecord, Measurement, State, Surroundings};

/// See the module comment. Does not keep the node alive, which holds the programs.
pub struct NodeSurroundings {
    node: Weak<Node>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    metrics: Arc<Metrics>,
}

impl NodeSurroundings {
    pub fn new(node: &Arc<Node>) -> NodeSurroundings {
        NodeSurroundings {
            node: Arc::downgrade(node),
            clock: node.clock().clone(),
            entropy: node.entropy().clone(),
            metrics: node.metrics().clone(),
        }
    }
}

impl Surroundings for NodeSurroundings {
    fn unix_nanos(&self) -> i64 {
        self.clock.wall()
    }
    fn uptime_nanos(&self) -> u64 {
        self.clock.now()
    }
    fn random(&self, out: &mut [u8]) {
        self.entropy.fill(out);
    }
    fn log(&self, state: &State, r: LogRecord<'_>) {
        let pid = state.engine().map(|e| e.pid().to_string()).unwrap_or_default();
        let (location, logger, message) = (r.location, r.logger, r.message);
        // One JSON object: see `wippy_runtime::logging::PROGRAM`.
        let fields = serde_json::to_string(&Value::Map(r.fields.clone())).unwrap_or_default();
        match r.level {
            LogLevel::Debug => tracing::debug!(target: PROGRAM, pid, location, logger, fields, "{message}"),
            LogLevel::Info => tracing::info!(target: PROGRAM, pid, location, logger, fields, "{message}"),
            LogLevel::Warn => tracing::warn!(target: PROGRAM, pid, location, logger, fields, "{message}"),
            LogLevel::Error => tracing::error!(target: PROGRAM, pid, location, logger, fields, "{message}"),
        }
    }
    fn measure(&self, name: &str, change: Measurement, labels: &[(String, String)]) -> bool {
        self.metrics.record(name, change, labels);
        true
    }
    fn node(&self) -> Option<Arc<Node>> {
        self.node.upgrade()
    }
}
