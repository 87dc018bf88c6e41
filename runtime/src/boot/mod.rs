//! From files to a running system: configuration, lock file, entry files,
//! project creation. Reports every problem of the user's files at once.

pub mod config;
mod config_file;
pub mod config_keys;
mod entry_file;
pub mod loader;
pub mod lock;
mod problem;
mod project;
pub mod root;
pub mod source;
pub(crate) mod walk;

pub use config::{Config, ConfigRequest, Switches};
pub use config_file::DEFAULT_FILE as DEFAULT_CONFIG_FILE;
pub use loader::{LoadReport, LoadRequest, load, load_directory};
pub use lock::Lock;
pub use problem::{Problem, Severity, nearest};
pub use project::{Initialised, init_project};
