//! Entries of kind `fs.directory`.
//!
//! A new or changed one counts at once, since others of the same change may need
//! it; a deleted one goes with the commit. What is open stays open.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use wippy_runtime::files::{Filesystems, reason};
use wippy_runtime::payload::Value;
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, EntryHandler, EntryId};
use wippy_runtime::{Error, Kind, Result};

use crate::directory::Directory;

const DIRECTORY: &str = "fs.directory";
const DEFAULT_MODE: &str = "0755";

/// Owns the kinds of this crate.
pub struct Entries {
    filesystems: Arc<Filesystems>,
    /// Deleted in this change; gone with its commit.
    deleted: Mutex<BTreeSet<EntryId>>,
}

impl Entries {
    pub fn new(filesystems: Arc<Filesystems>) -> Entries {
        Entries { filesystems, deleted: Mutex::default() }
    }

    fn put(&self, entry: &Entry) -> Result<()> {
        let fields = Fields::new(entry)?;
        let wrong = |field: &str, text: &str| Err(fields.error(field, text));
        let directory = fields.str_or("directory", "")?;
        if directory.is_empty() {
            return wrong("directory", "directory path is required");
        }
        let text = fields.str_or("mode", DEFAULT_MODE)?;
        let digits = text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let mode = match u32::from_str_radix(text, 8) {
            Ok(mode) if digits => mode & 0o777,
            _ => return wrong("mode", "invalid file mode format"),
        };
        let base = match fields.str_or("base", "module")? {
            "project" => None,
            "module" => self.module_root(entry),
            _ => return wrong("base", "invalid directory base"),
        };
        let create = fields.bool("auto_init", false)?;
        let path = base.unwrap_or_default().join(directory);
        let opened = Directory::open(&path, mode, create).map_err(|e| fields.error("directory", unusable(&path, &e)));
        let filesystem = opened.map_err(|e| e.with_kind(Kind::INTERNAL))?;
        fields.finish_and_log();
        self.filesystems.put(&entry.id, Arc::new(filesystem));
        self.deleted.lock().remove(&entry.id);
        Ok(())
    }

    /// The directory of the module that declares the entry; the application's own entries have none.
    fn module_root(&self, entry: &Entry) -> Option<PathBuf> {
        let module = entry.meta.get("module").and_then(Value::as_str)?;
        self.filesystems.module_root(module)
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    let why = format!("failed to open directory: {}: {}", path.display(), reason(error));
    Error::internal("failed to create filesystem").because(Error::internal(why))
}

impl EntryHandler for Entries {
    fn name(&self) -> &str {
        "fs"
    }
    fn kinds(&self) -> &[&str] {
        &[DIRECTORY]
    }
    fn create(&self, entry: &Arc<Entry>) -> Result<()> {
        self.put(entry)
    }
    fn update(&self, _: &Arc<Entry>, new: &Arc<Entry>) -> Result<()> {
        self.put(new)
    }
    fn delete(&self, entry: &Arc<Entry>) -> Result<()> {
        self.deleted.lock().insert(entry.id.clone());
        Ok(())
    }
    fn commit(&self) -> Result<()> {
        for id in std::mem::take(&mut *self.deleted.lock()) {
            self.filesystems.remove(&id);
        }
        Ok(())
    }
    fn discard(&self) {
        self.deleted.lock().clear();
    }
}
