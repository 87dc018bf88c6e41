//! `wippy.lock`: the directories of a project, its installed modules and the
//! local directories that replace them. Written atomically, readable only by
//! its owner. Knows nothing about what is in those directories.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::{Problem, nearest};
use super::source::{ReadError, read_text};
use crate::error::{Error, Result};
use crate::payload::{Map, Value};
use crate::yaml::{self, Node, NodeMap, NodeValue, Scalar};

/// The name of the lock file that is used when none is named.
pub const DEFAULT_LOCK_FILE: &str = "wippy.lock";

/// See the module comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    /// The lock file's directory, base of every relative path in it.
    pub dir: PathBuf,
    /// `directories.modules`
    pub modules_dir: String,
    /// `directories.src`
    pub src_dir: String,
    pub modules: Vec<LockedModule>,
    pub replacements: Vec<Replacement>,
    /// `options.unpack_modules`
    pub unpack_modules: bool,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct LockedModule {
    /// `org/module`
    pub name: String,
    pub version: String,
    pub hash: Option<String>,
    pub local_hash: Option<String>,
}

/// A local directory used in place of an installed module.
#[derive(Clone, Debug, PartialEq)]
pub struct Replacement {
    pub from: String,
    pub to: String,
}

impl Lock {
    /// What a lock file without content means.
    pub fn new(dir: impl Into<PathBuf>) -> Lock {
        Lock {
            dir: dir.into(),
            modules_dir: ".wippy".into(),
            src_dir: ".".into(),
            modules: Vec::new(),
            replacements: Vec::new(),
            unpack_modules: false,
        }
    }

    /// Reads and validates the lock file at `path`; `None` if there is none.
    /// Gives every problem at once, warnings only if there is no error. Blocks.
    pub fn read(path: &Path) -> Result<Option<(Lock, Vec<Problem>)>, Vec<Problem>> {
        let name: Arc<str> = path.to_string_lossy().as_ref().into();
        let text = match read_text(path) {
            Ok(text) => text,
            Err(ReadError::Missing) => return Ok(None),
            Err(e) => return Err(vec![Problem::error(name, format!("failed to read lock file: {e}"))]),
        };
        let mut lock = Lock::new(path.parent().unwrap_or(Path::new("")));
        let mut reader = Reader { name: &name, text: &text, problems: Vec::new() };
        match yaml::parse(&text) {
            Ok(document) => {
                if let Some(root) = document.root.filter(|r| !r.is_null()) {
                    reader.root(root, &mut lock);
                }
            }
            Err(e) => reader.problems.push(Problem::syntax(name.clone(), &text, &e)),
        }
        let problems = reader.problems;
        if problems.iter().any(Problem::is_error) { Err(problems) } else { Ok(Some((lock, problems))) }
    }

    /// Writes the file at `path` so that a reader, or a crash, sees the old or the
    /// new one and nothing between. Modules are sorted by name without duplicates,
    /// replacements by what they replace. Mode 0600. Blocks.
    pub fn write(&self, path: &Path) -> Result<()> {
        let fail = |e: std::io::Error| Error::internal(format!("failed to write lock file {}: {e}", path.display()));
        let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fail)?;
        file.write_all(yaml::to_string(&self.to_value()).as_bytes()).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        file.persist(path).map_err(|e| fail(e.error))?;
        // The rename itself is durable once the directory is.
        if let Ok(dir) = File::open(dir) {
            let _ = dir.sync_all();
        }
        Ok(())
    }

    /// `directories.src` as a path.
    pub fn src_path(&self) -> PathBuf {
        self.path(&self.src_dir)
    }
    /// `directories.modules` as a path.
    pub fn modules_path(&self) -> PathBuf {
        self.path(&self.modules_dir)
    }
    /// Where installed modules are: `<modules>/vendor`, unless `<modules>` ends in `vendor`.
    pub fn vendor_path(&self) -> PathBuf {
        let modules = self.modules_path();
        if modules.ends_with("vendor") { modules } else { modules.join("vendor") }
    }
    /// `text` against the lock file's directory, without `.` components.
    pub fn path(&self, text: &str) -> PathBuf {
        self.dir.join(text).components().filter(|c| *c != std::path::Component::CurDir).collect()
    }

    fn to_value(&self) -> Value {
        let text = |s: &str| Value::Str(s.to_owned());
        let map = |members: Vec<(&str, Value)>| {
            Value::Map(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map>())
        };
        let mut modules = self.modules.clone();
        modules.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        modules.dedup_by(|b, a| a.name == b.name && a.version == b.version);
        let mut replacements = self.replacements.clone();
        replacements.sort_by(|a, b| a.from.cmp(&b.from));
        let modules = modules.iter().map(|m| {
            let mut members = vec![("name", text(&m.name)), ("version", text(&m.version))];
            members.extend(m.hash.iter().map(|h| ("hash", text(h))));
            members.extend(m.local_hash.iter().map(|h| ("local_hash", text(h))));
            map(members)
        });
        let replacements = replacements.iter().map(|r| map(vec![("from", text(&r.from)), ("to", text(&r.to))]));
        let mut root = vec![
            ("directories", map(vec![("modules", text(&self.modules_dir)), ("src", text(&self.src_dir))])),
            ("modules", modules.collect()),
            ("replacements", replacements.collect()),
        ];
        if self.unpack_modules {
            root.push(("options", map(vec![("unpack_modules", Value::Bool(true))])));
        }
        map(root)
    }
}

/// Whether `name` is exactly `org/module` with both parts.
pub fn is_module_name(name: &str) -> bool {
    name.split_once('/').is_some_and(|(org, module)| !org.is_empty() && !module.is_empty() && !module.contains('/'))
}

struct Reader<'a> {
    name: &'a Arc<str>,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn error(&mut self, node: &Node, field: &str, message: impl Into<String>) {
        let p = Problem::error(self.name.clone(), message).at(node.pos).showing(self.text).field(field);
        self.problems.push(p);
    }

    fn root(&mut self, root: Node, lock: &mut Lock) {
        let Some(members) = self.map(&root, "") else { return };
        self.known(members, "", &["directories", "modules", "replacements", "options"]);
        if let Some(node) = root.get("directories")
            && let Some(directories) = self.map(node, "directories")
        {
            self.known(directories, "directories.", &["modules", "src"]);
            for (key, to) in [("modules", &mut lock.modules_dir), ("src", &mut lock.src_dir)] {
                let Some(member) = directories.get(key) else { continue };
                let path = format!("directories.{key}");
                match self.string(&member.node, &path) {
                    Some(s) if s.trim().is_empty() => {
                        self.error(&member.node, &path, format!("{path} cannot be empty"))
                    }
                    Some(s) => *to = s,
                    None => {}
                }
            }
        }
        for (i, item) in self.list(&root, "modules").iter().enumerate() {
            if let Some(module) = self.module(item, &format!("modules.{i}")) {
                lock.modules.push(module);
            }
        }
        for (i, item) in self.list(&root, "replacements").iter().enumerate() {
            if let Some(replacement) = self.replacement(item, &format!("replacements.{i}"), lock) {
                lock.replacements.push(replacement);
            }
        }
        if let Some(node) = root.get("options").and_then(|o| o.get("unpack_modules")) {
            match node.value {
                NodeValue::Scalar(Scalar::Bool(b)) => lock.unpack_modules = b,
                _ => {
                    self.error(node, "options.unpack_modules", format!("must be a boolean, found {}", node.type_name()))
                }
            }
        }
    }

    fn module(&mut self, item: &Node, path: &str) -> Option<LockedModule> {
        let members = self.map(item, path)?;
        self.known(members, &format!("{path}."), &["name", "version", "hash", "local_hash"]);
        let name = self.member(item, path, "name")?;
        if !is_module_name(&name) {
            self.error(item, path, format!("invalid module \"{name}\""));
            return None;
        }
        let version = self.member(item, path, "version")?;
        if version.is_empty() {
            self.error(item, path, format!("module \"{name}\" has empty version"));
            return None;
        }
        let mut optional = |key: &str| members.contains_key(key).then(|| self.member(item, path, key)).flatten();
        Some(LockedModule { name, version, hash: optional("hash"), local_hash: optional("local_hash") })
    }

    fn replacement(&mut self, item: &Node, path: &str, lock: &Lock) -> Option<Replacement> {
        let members = self.map(item, path)?;
        self.known(members, &format!("{path}."), &["from", "to"]);
        let (from, to) = (self.member(item, path, "from")?, self.member(item, path, "to")?);
        if !is_module_name(&from) {
            self.error(item, path, format!("invalid module \"{from}\""));
            return None;
        }
        if to.trim().is_empty() {
            self.error(item, path, "to cannot be empty");
            return None;
        }
        if !lock.path(&to).is_dir() {
            self.error(item, path, format!("replacement path \"{to}\" does not exist"));
            return None;
        }
        Some(Replacement { from, to })
    }

    /// A text member; absent counts as empty.
    fn member(&mut self, item: &Node, path: &str, key: &str) -> Option<String> {
        match item.get(key) {
            None => Some(String::new()),
            Some(node) => self.string(node, &format!("{path}.{key}")),
        }
    }

    fn string(&mut self, node: &Node, path: &str) -> Option<String> {
        match &node.value {
            NodeValue::Scalar(Scalar::Str(s)) => Some(s.clone()),
            NodeValue::Scalar(Scalar::Null) => Some(String::new()),
            _ => {
                let message = format!("must be a string, found {}; write it in quotes", node.type_name());
                self.error(node, path, message);
                None
            }
        }
    }

    fn map<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n NodeMap> {
        if node.as_map().is_none() && !node.is_null() {
            self.error(node, path, format!("must be a map, found {}", node.type_name()));
        }
        node.as_map()
    }

    fn list<'n>(&mut self, root: &'n Node, key: &str) -> &'n [Node] {
        match root.get(key) {
            Some(Node { value: NodeValue::List(items), .. }) => items,
            None => &[],
            Some(node) if node.is_null() => &[],
            Some(node) => {
                self.error(node, key, format!("must be a list, found {}", node.type_name()));
                &[]
            }
        }
    }

    fn known(&mut self, members: &NodeMap, path: &str, known: &[&str]) {
        for (key, member) in members.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            if let Some(meant) = nearest(key, known.iter().copied()) {
                let p = Problem::warning(self.name.clone(), "unknown field is ignored");
                let p = p.at(member.key).showing(self.text).field(format!("{path}{key}"));
                self.problems.push(p.help(format!("did you mean `{meant}`?")));
            }
        }
    }
}
