//! From files to a running system: configuration, lock file, entry files,
//! project creation. Reports every problem of the user's files at once.

pub mod config;
mod config_file;
pub mod config_keys;
mod problem;
mod source;

pub use config::{Config, ConfigRequest, Switches};
pub use config_file::DEFAULT_FILE as DEFAULT_CONFIG_FILE;
pub use problem::{Problem, Severity, nearest};
