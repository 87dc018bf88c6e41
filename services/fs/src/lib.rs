//! Filesystem entries, and the `fs` module that works on the files in them.
//!
//! The table of filesystems is the runtime's (`wippy_runtime::files`); here is
//! what is in it: `entries` makes entries of kind `fs.directory` real,
//! `directory` is the tree on disk that no path leads out of, `open` a file that
//! a process holds. `commands` and `module` let programs work on them. Having a
//! filesystem is the permission for everything in it.
#![forbid(unsafe_code)]

mod commands;
mod directory;
mod entries;
mod module;
mod open;

use std::sync::Arc;

use wippy_lua::modules::Catalogue;
use wippy_runtime::Result;
use wippy_runtime::boot::{Component, Setup};

pub use commands::{GetFilesystem, register};
pub use directory::Directory;
pub use module::{FileObject, FsObject, MODULE, ScannerObject};

/// The component `fs`.
pub fn component() -> Arc<dyn Component> {
    Arc::new(FsComponent)
}

struct FsComponent;

impl Component for FsComponent {
    fn name(&self) -> &'static str {
        "fs"
    }
    fn requires(&self) -> &'static [&'static str] {
        &["lua"]
    }
    fn load(&self, setup: &Setup<'_>) -> Result<()> {
        setup.handler(Arc::new(entries::Entries::new(setup.node.filesystems().clone())));
        setup.commands(register);
        setup.context.need::<Catalogue>()?.offer(&MODULE)
    }
}
