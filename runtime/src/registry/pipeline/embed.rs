//! Stage `embed` (packs only): turns `fs.directory` entries into `fs.embed`
//! entries and collects the files of their directories.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::{EntrySet, Files, IdPatterns, Stage};
use crate::boot::Problem;
use crate::boot::root::Root;
use crate::boot::walk;
use crate::error::{Error, Result};
use crate::payload::{Map, Value};
use crate::registry::Entry;

/// How many bytes one filesystem may have.
pub const MAX_BYTES: usize = 1 << 30;

/// See the module comment.
#[derive(Clone, Debug, Default)]
pub struct Embed {
    /// By id or name; empty means every `fs.directory`.
    pub patterns: IdPatterns,
    /// What relative directories of the application's own entries are relative to.
    pub base: PathBuf,
    /// The same for the entries of modules, by module.
    pub module_roots: IndexMap<String, PathBuf>,
}

impl Embed {
    fn directory(&self, entry: &Entry) -> Option<PathBuf> {
        let text = entry.field("directory").and_then(Value::as_str)?;
        let module = entry.meta.get("module").and_then(Value::as_str);
        let own = entry.field("base").and_then(Value::as_str) == Some("project");
        let root = module.filter(|_| !own).and_then(|m| self.module_roots.get(m));
        Some(root.unwrap_or(&self.base).join(text))
    }
}

impl Stage for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn run(&self, set: &mut EntrySet) -> Result<()> {
        let wanted = |e: &Entry| e.kind == "fs.directory" && (self.patterns.is_empty() || self.patterns.matches(&e.id));
        for entry in set.entries.iter_mut().filter(|e| wanted(e)) {
            let Some(dir) = self.directory(entry) else { continue };
            if !dir.is_dir() {
                let origin = entry.origin.clone().unwrap_or_default();
                let message = format!("directory {} does not exist; it is not embedded", dir.display());
                let mut p = Problem::warning(origin.file, message).entry(entry.id.clone()).field("directory");
                p.line = origin.line;
                set.problems.push(p);
                continue;
            }
            let files = collect(&dir).map_err(|e| entry.field_error("directory", e))?;
            entry.kind = "fs.embed".into();
            entry.data = Value::Map(Map::new());
            set.filesystems.insert(entry.id.clone(), files);
        }
        Ok(())
    }
}

/// Every file below `dir`; links that lead outside are an error.
fn collect(dir: &Path) -> Result<Files> {
    let fail = |path: &Path, e: &dyn std::fmt::Display| Error::invalid(format!("cannot embed {}: {e}", path.display()));
    let root = Root::open(dir).map_err(|e| fail(dir, &e))?;
    let mut files = Files::new();
    let mut total = 0;
    for path in walk::files(dir, &|_| true, &|_| true).map_err(|(path, e)| fail(&path, &e))? {
        let Some(name) = path.to_str() else { return Err(fail(&path, &"its name is not UTF-8")) };
        let name = name.replace(std::path::MAIN_SEPARATOR, "/");
        let bytes = root.read(&path).map_err(|e| fail(&path, &e))?;
        total += bytes.len();
        if total > MAX_BYTES {
            return Err(fail(dir, &format_args!("it holds more than {} MiB", MAX_BYTES >> 20)));
        }
        files.insert(name, bytes);
    }
    Ok(files)
}
