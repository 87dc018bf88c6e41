//! From files to a running system: configuration, lock file, entry files,
//! project creation, and the application put together from components.
//! Reports every problem of the user's files at once.

mod app;
mod component;
pub mod config;
mod config_file;
pub mod config_keys;
mod context;
mod entry_file;
pub mod loader;
pub mod lock;
mod problem;
mod project;
pub mod root;
mod shutdown;
pub mod source;
pub(crate) mod walk;

pub use app::App;
pub use component::{Component, Setup, levels};
pub use config::{Config, ConfigRequest, Switches};
pub use config_file::DEFAULT_FILE as DEFAULT_CONFIG_FILE;
pub use context::AppContext;
pub use loader::{LoadReport, LoadRequest, load, load_directory};
pub use lock::Lock;
pub use problem::{Problem, Severity, nearest};
pub use project::{Initialised, init_project};
pub use shutdown::Shutdown;
