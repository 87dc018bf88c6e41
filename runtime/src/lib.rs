//! The core of the wippy runtime: isolated processes and everything they
//! stand on. Knows no engine, no service and no network protocol.
//! `docs/ARCHITECTURE.md` is the map.
#![forbid(unsafe_code)]

pub mod duration;
pub mod error;
pub mod events;
pub mod pattern;
pub mod payload;
pub mod registry;

pub use error::{Error, Kind, Result};
