//! The world around the VMs of a node: its clock, its randomness, the log.

use std::sync::Arc;

use wippy_runtime::clock::Clock;
use wippy_runtime::entropy::Entropy;
use wippy_runtime::{Node, payload::Map, payload::Value};

use super::Engine;
use crate::state::{LogLevel, LogRecord, Measurement, State, Surroundings};

/// See the module comment. Holds parts of the node, never the node itself, which holds the programs.
pub struct NodeSurroundings {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl NodeSurroundings {
    pub fn new(node: &Node) -> NodeSurroundings {
        NodeSurroundings { clock: node.clock().clone(), entropy: node.entropy().clone() }
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
        let pid = state.extension::<Engine>().map(|e| e.pid().to_string()).unwrap_or_default();
        let (location, logger, message) = (r.location, r.logger, r.message);
        let fields = Fields(r.fields);
        match r.level {
            LogLevel::Debug => tracing::debug!(target: "lua", pid, location, logger, %fields, "{message}"),
            LogLevel::Info => tracing::info!(target: "lua", pid, location, logger, %fields, "{message}"),
            LogLevel::Warn => tracing::warn!(target: "lua", pid, location, logger, %fields, "{message}"),
            LogLevel::Error => tracing::error!(target: "lua", pid, location, logger, %fields, "{message}"),
        }
    }
    fn measure(&self, _: &str, _: Measurement, _: &[(String, String)]) -> bool {
        false
    }
}

/// Fields of a record as `key=value`, separated by spaces.
struct Fields<'a>(&'a Map);

impl std::fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, (key, value)) in self.0.iter().enumerate() {
            let gap = if i == 0 { "" } else { " " };
            match value {
                Value::Str(s) => write!(f, "{gap}{key}={s}")?,
                Value::Int(n) => write!(f, "{gap}{key}={n}")?,
                Value::Float(n) => write!(f, "{gap}{key}={n}")?,
                Value::Bool(b) => write!(f, "{gap}{key}={b}")?,
                other => write!(f, "{gap}{key}={other:?}")?,
            }
        }
        Ok(())
    }
}
