//! Where processes and functions run: process hosts, the terminal host,
//! supervised processes, function pools, process groups. Knows which limits
//! and capabilities a host has, and no engine.
#![forbid(unsafe_code)]

mod component;
mod config;
mod control;
mod drain;
mod groups;
mod handler;
mod host;
pub mod pools;
mod service;
pub mod terminal;

pub use component::HostsComponent;
pub use config::{HostConfig, HostKind};
pub use control::{CONTROL_HOST, ControlComponent};
pub use groups::GroupsComponent;
pub use host::Host;

use std::sync::Arc;

use wippy_runtime::boot::Component;
use wippy_runtime::terminal::Terminal;

/// The components of this crate; `terminal` is what processes on terminal hosts use.
pub fn components(terminal: Arc<Terminal>) -> Vec<Arc<dyn Component>> {
    vec![Arc::new(ControlComponent), Arc::new(GroupsComponent), Arc::new(HostsComponent::new(terminal))]
}
