//! Finds the entry files below a source directory: every `.yaml`, `.yml` and
//! `.json`, in lexical order. Directories are not followed through symbolic
//! links, so the walk ends; files are opened elsewhere, confined to the root.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The deepest directory that is looked into.
pub const MAX_DEPTH: usize = 128;
/// How many files one directory may give.
pub const MAX_FILES: usize = 100_000;

/// Names of directories that are skipped at any depth, and one whole path.
#[derive(Clone, Debug, Default)]
pub struct Skip {
    names: HashSet<String>,
    /// A directory that belongs to someone else: the installed modules.
    pub path: Option<PathBuf>,
}

impl Skip {
    /// `node_modules` and what the `SKIP_*` variables of `env` ask for.
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Skip {
        let set = |name: &str| env(name).filter(|v| !v.is_empty());
        let mut names: HashSet<String> = HashSet::from(["node_modules".to_owned()]);
        let switches: [(&str, &[&str]); 4] = [
            ("SKIP_TEMPORAL_TESTS", &["temporal", "_temporal"]),
            ("SKIP_CLOUDSTORAGE_TESTS", &["cloudstorage"]),
            ("SKIP_SQS_TESTS", &["sqs"]),
            ("SKIP_NETWORK_TESTS", &["network"]),
        ];
        for (variable, directories) in switches {
            if set(variable).is_some() {
                names.extend(directories.iter().map(|d| (*d).to_owned()));
            }
        }
        if let Some(list) = set("SKIP_TEST_DIRS") {
            names.extend(list.split(',').map(|d| d.trim().to_owned()).filter(|d| !d.is_empty()));
        }
        Skip { names, path: None }
    }
}

impl Skip {
    fn enters(&self, dir: &Path) -> bool {
        let named = dir.file_name().and_then(|n| n.to_str()).is_some_and(|n| self.names.contains(n));
        !named && self.path.as_deref() != Some(dir)
    }
}

/// The entry files below `root`; see [`files`].
pub fn entry_files(root: &Path, skip: &Skip) -> Result<Vec<PathBuf>, (PathBuf, String)> {
    let wanted = |name: &Path| name.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
    files(root, &|dir| skip.enters(dir), &wanted)
}

/// The files below `root` whose name is `wanted`, relative to it, in lexical
/// order; only directories that `enters` accepts are looked into. The error names
/// the directory that could not be read. Blocks.
pub fn files(
    root: &Path,
    enters: &dyn Fn(&Path) -> bool,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, (PathBuf, String)> {
    let mut found = Vec::new();
    // A stack instead of recursion; children are pushed in reverse to come out in order.
    let mut stack = vec![(PathBuf::new(), true, 0)];
    while let Some((relative, is_dir, depth)) = stack.pop() {
        if !is_dir {
            if found.len() >= MAX_FILES {
                return Err((root.to_owned(), format!("more than {MAX_FILES} files")));
            }
            found.push(relative);
            continue;
        }
        let dir = root.join(&relative);
        if depth > MAX_DEPTH {
            return Err((dir, format!("directories are nested deeper than {MAX_DEPTH} levels")));
        }
        let mut children = Vec::new();
        for child in std::fs::read_dir(&dir).map_err(|e| (dir.clone(), e.to_string()))? {
            let child = child.map_err(|e| (dir.clone(), e.to_string()))?;
            let is_dir = child.file_type().map_err(|e| (child.path(), e.to_string()))?.is_dir();
            let name = child.file_name();
            if if is_dir { enters(&child.path()) } else { wanted(Path::new(&name)) } {
                children.push((relative.join(name), is_dir, depth + 1));
            }
        }
        children.sort_by(|a, b| b.0.file_name().cmp(&a.0.file_name()));
        stack.extend(children);
    }
    Ok(found)
}
