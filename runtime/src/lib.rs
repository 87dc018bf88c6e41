//! The core of the wippy runtime: isolated processes and everything they
//! stand on. Knows no engine, no service and no network protocol.
//! `docs/ARCHITECTURE.md` is the map.
#![forbid(unsafe_code)]

pub mod boot;
pub mod clock;
pub mod contracts;
pub mod dispatch;
pub mod duration;
pub mod entropy;
pub mod env;
pub mod error;
pub mod events;
pub mod expression;
pub mod files;
pub mod functions;
pub mod io;
pub mod logging;
pub mod maps;
pub mod metrics;
pub mod node;
pub mod pattern;
pub mod payload;
pub mod placeholder;
pub mod process;
pub mod registry;
pub mod relay;
pub mod resources;
pub mod scheduler;
pub mod security;
pub mod size;
pub mod stores;
pub mod streams;
pub mod supervisor;
mod sync;
pub mod system;
pub mod terminal;
pub mod timers;
pub mod topology;
pub mod yaml;

pub use error::{Error, Kind, Result};
pub use node::{Node, SpawnRequest};
