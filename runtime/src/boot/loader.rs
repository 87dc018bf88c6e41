//! Loads the entries of a project: its own source directory, replaced modules,
//! installed modules, in this order. Every problem of every file ends up in the
//! report; what to do about them is the caller's decision. Knows the directories
//! of the lock file, not what kinds of entries mean.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::entry_file;
use super::lock::{Lock, Replacement};
use super::problem::{Problem, Severity};
use super::root::Root;
use super::source::{ReadError, read_text};
use super::walk::{self, Skip};
use crate::error::{Error, Result};
use crate::payload::Value;
use crate::registry::pipeline::Disable;
use crate::registry::{Entry, EntryId};
use crate::yaml::{self, Typing};

/// What [`load`] needs to know.
pub struct LoadRequest<'a> {
    pub lock: &'a Lock,
    /// Replacements of the configuration (`workspace.replacements`), stronger than the lock file's.
    pub replacements: Vec<Replacement>,
    /// The environment, for the `SKIP_*` variables.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// What [`load`] found.
#[derive(Debug, Default)]
pub struct LoadReport {
    /// In load order; of two with one id only the later.
    pub entries: Vec<Entry>,
    pub problems: Vec<Problem>,
    /// Source root of each module by its name: the base of its relative resources.
    pub module_roots: IndexMap<String, PathBuf>,
    /// How many entry files were read.
    pub files: usize,
}

impl LoadReport {
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
    /// How many problems of the given severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|p| p.severity == severity).count()
    }
}

/// Loads all entries. Blocks on files. Never fails as a whole: a directory that
/// cannot be read is a problem of severity error like any other.
pub fn load(request: &LoadRequest<'_>) -> LoadReport {
    let lock = request.lock;
    let mut report = LoadReport::default();
    let mut all: IndexMap<EntryId, Entry> = IndexMap::new();
    let mut skip = Skip::from_env(request.env);
    skip.path = Some(lock.modules_path());
    let entries = load_dir(&lock.src_path(), &skip, "source directory", &mut report);
    add(&mut all, entries, &mut report.problems);
    skip.path = None;

    let mut replacements: IndexMap<&str, PathBuf> = IndexMap::new();
    for r in lock.replacements.iter().chain(&request.replacements) {
        replacements.insert(&r.from, lock.path(&r.to));
    }
    for (module, to) in &replacements {
        let nested = to.join("src");
        let dir = if nested.is_dir() { nested } else { to.clone() };
        let entries = load_module(module, None, &dir, to, &skip, &mut report);
        add(&mut all, entries, &mut report.problems);
    }
    for module in lock.modules.iter().filter(|m| !replacements.contains_key(m.name.as_str())) {
        match installed(lock, &module.name, &module.version) {
            Ok(dir) => {
                let entries = load_module(&module.name, Some(&module.version), &dir, &dir, &skip, &mut report);
                add(&mut all, entries, &mut report.problems);
            }
            Err(problem) => report.problems.push(*problem),
        }
    }
    report.entries = all.into_values().collect();
    report
}

/// Loads the entries of one directory without a lock file: a project that has none.
pub fn load_directory(dir: &Path, env: &dyn Fn(&str) -> Option<String>) -> LoadReport {
    let mut lock = Lock::new("");
    lock.src_dir = dir.to_string_lossy().into_owned();
    load(&LoadRequest { lock: &lock, replacements: Vec::new(), env })
}

/// The path as a user would type it.
pub(super) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

fn load_dir(dir: &Path, skip: &Skip, what: &str, report: &mut LoadReport) -> Vec<Entry> {
    let here = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        Problem::error("", format!("cannot read {what} {}: {error}", shown(path)))
    };
    let root = match Root::open(dir) {
        Ok(root) => root,
        Err(e) => {
            let p = unreadable(here, &e);
            let missing = e.kind() == std::io::ErrorKind::NotFound;
            report.problems.push(if missing {
                p.help("create it, or name another directory in wippy.lock")
            } else {
                p
            });
            return Vec::new();
        }
    };
    let files = match walk::entry_files(here, skip) {
        Ok(files) => files,
        Err((path, e)) => {
            report.problems.push(unreadable(&path, &e));
            return Vec::new();
        }
    };
    report.files += files.len();
    let mut entries = Vec::new();
    for file in files {
        let name = shown(&dir.join(&file));
        entries.append(&mut entry_file::read(&root, &file, &name, &mut report.problems));
    }
    entries
}

fn load_module(
    module: &str,
    version: Option<&str>,
    dir: &Path,
    root: &Path,
    skip: &Skip,
    report: &mut LoadReport,
) -> Vec<Entry> {
    report.module_roots.insert(module.to_owned(), root.to_owned());
    let mut entries = load_dir(dir, skip, &format!("module {module} in"), report);
    match excludes(root) {
        Ok(excludes) => entries.retain(|e| !excludes.matches(e)),
        Err(problem) => report.problems.push(*problem),
    }
    for entry in &mut entries {
        entry.meta.insert("module".into(), Value::Str(module.to_owned()));
        if let Some(version) = version {
            entry.meta.insert("module_version".into(), Value::Str(version.to_owned()));
        }
    }
    entries
}

/// The directory of an installed module.
fn installed(lock: &Lock, name: &str, version: &str) -> Result<PathBuf, Box<Problem>> {
    let vendor = lock.vendor_path();
    let dir = vendor.join(name);
    if dir.is_dir() {
        return Ok(dir);
    }
    let pack = vendor.join(format!("{name}-{version}.wapp"));
    if pack.is_file() {
        let message = format!("module {name} is installed as a pack, which cannot be read yet: {}", shown(&pack));
        return Err(Problem::error("", message).help("unpack it, or name a directory under `replacements`").into());
    }
    let versioned = [format!("{name}@{version}"), format!("{name}-{version}"), format!("{name}/{version}")];
    if let Some(dir) = versioned.iter().map(|v| vendor.join(v)).find(|d| d.is_dir()) {
        return Ok(dir);
    }
    let message = format!("module {name} {version} is not installed: {} does not exist", shown(&dir));
    Err(Problem::error("", message)
        .help("install it, or name a local directory under `replacements` in wippy.lock")
        .into())
}

fn add(all: &mut IndexMap<EntryId, Entry>, entries: Vec<Entry>, problems: &mut Vec<Problem>) {
    for entry in entries {
        if let Some(first) = all.shift_remove(&entry.id) {
            let place = |e: &Entry| e.origin.as_ref().map(|o| format!("{}:{}", o.file, o.line)).unwrap_or_default();
            let message = format!(
                "duplicate entries detected (will use last definition): the first is {} of kind {}",
                place(&first),
                first.kind
            );
            let origin = entry.origin.clone().unwrap_or_default();
            let mut p = Problem::warning(origin.file, message).entry(entry.id.clone());
            p.line = origin.line;
            problems.push(p.help("rename or remove one of them"));
        }
        all.insert(entry.id.clone(), entry);
    }
}

/// What a module's own `wippy.yaml` keeps out of applications.
fn excludes(root: &Path) -> Result<Disable, Box<Problem>> {
    let path = root.join("wippy.yaml");
    let name = shown(&path);
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(ReadError::Missing) => return Ok(Disable::default()),
        Err(e) => return Err(Problem::error(name, format!("failed to read file: {e}")).into()),
    };
    let document = yaml::parse(&text).map_err(|e| Problem::syntax(name.clone(), &text, &e))?;
    let Some(root) = document.root else { return Ok(Disable::default()) };
    let value = root.into_value(Typing::Exact).map_err(|e| Problem::syntax(name.clone(), &text, &e))?;
    let texts = |v: Option<&Value>| -> Vec<String> {
        match v {
            Some(Value::Str(s)) => vec![s.clone()],
            Some(Value::List(items)) => items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    };
    // Patterns without a colon are about files of the package, not about entries.
    let ids: Vec<_> = texts(value.get("exclude")).into_iter().filter(|p| p.contains(':')).collect();
    let mut excludes = Disable::new(&[], &ids).map_err(|e| Problem::error(name, e.to_string()))?;
    let meta = value.get("exclude_meta").and_then(Value::as_map);
    excludes.meta = meta.into_iter().flatten().map(|(field, values)| (field.clone(), texts(Some(values)))).collect();
    Ok(excludes)
}

/// The `workspace.replacements` of a configuration: a list of `{from, to}`, or a map `from: to`.
pub fn workspace_replacements(config: &super::Config) -> Result<Vec<Replacement>> {
    let mut found = Vec::new();
    for (key, value) in config.section("workspace") {
        if key == "replacements" {
            for item in value.as_list().unwrap_or_default() {
                let text = |field: &str| item.get(field).and_then(Value::as_str).map(str::to_owned);
                let (Some(from), Some(to)) = (text("from"), text("to")) else {
                    return Err(Error::invalid("workspace.replacements: every item needs the texts `from` and `to`"));
                };
                found.push(Replacement { from, to });
            }
        } else if let (Some(from), Some(to)) = (key.strip_prefix("replacements."), value.as_str()) {
            found.push(Replacement { from: from.to_owned(), to: to.to_owned() });
        }
    }
    Ok(found)
}
