//! Keeps services running: what to start first, what to do when one fails.

mod service;

pub use service::{Report, Reporter, Service};
