//! What an entry of a code kind says: its fields, read and checked on their
//! own. Whether the things it names exist is the graph's business.

use std::fmt;
use std::sync::Arc;

use wippy_runtime::payload::Value;
use wippy_runtime::process::OwnLimits;
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::{Kind, Result};

use super::problems::Problems;

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Called; its instances are pooled.
    Function,
    /// Only imported.
    Library,
    /// Started; one VM each.
    Process,
}

/// Kinds with source text, and the same with compiled code.
pub(super) const KINDS: [&str; 6] =
    ["function.lua", "library.lua", "process.lua", "function.lua.bc", "library.lua.bc", "process.lua.bc"];

impl Role {
    /// The word in kinds and messages.
    pub fn word(self) -> &'static str {
        match self {
            Role::Function => "function",
            Role::Library => "library",
            Role::Process => "process",
        }
    }
    fn of_kind(kind: &str) -> Option<Role> {
        let word = kind.strip_suffix(".bc").unwrap_or(kind).strip_suffix(".lua")?;
        [Role::Function, Role::Library, Role::Process].into_iter().find(|role| role.word() == word)
    }
}

/// One thing that code needs, and the global it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    pub alias: String,
    pub target: Target,
    /// Where the entry says so: `imports.helper`, `modules.0`.
    pub field: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Entry(EntryId),
    /// A built-in module by name.
    Module(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Entry(id) => id.fmt(f),
            Target::Module(name) => f.write_str(name),
        }
    }
}

/// Where the code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source<'e> {
    Text(&'e str),
    /// A file of a filesystem entry, and the SHA-256 it must have, in hex.
    File {
        fs: &'e str,
        path: &'e str,
        sha256: &'e str,
    },
}

/// The fields of a code entry.
#[derive(Debug)]
pub(super) struct Definition<'e> {
    pub role: Role,
    pub source: Source<'e>,
    pub method: Arc<str>,
    pub dependencies: Vec<Dependency>,
    pub limits: OwnLimits,
}

/// Reads the fields of `entry`. Errors (Invalid, AlreadyExists, Conflict): all that is wrong with them. Misspelt
/// fields are logged.
pub(super) fn read(entry: &Entry) -> Result<Definition<'_>> {
    let role = Role::of_kind(&entry.kind);
    let role = role.ok_or_else(|| entry.error(format_args!("kind `{}` holds no Lua code", entry.kind)))?;
    let compiled = entry.kind.ends_with(".bc");
    let fields = Fields::new(entry)?;
    // Read by others: pools, and options in the form that keeps them in the data.
    fields.known(if role == Role::Function { &["pool", "meta"] } else { &["meta"] });
    let mut problems = Problems::default();
    let source = if compiled { file(&fields, &mut problems) } else { text(&fields, role, &mut problems) };
    let method = method(&fields, role == Role::Function || (compiled && role != Role::Library), &mut problems);
    let mut dependencies = modules(&fields, &mut problems);
    dependencies.extend(imports(&fields, &mut problems));
    distinct(entry, &dependencies, &mut problems);
    // A library runs within the limits of who imports it.
    let limits = if role == Role::Library { None } else { problems.take(OwnLimits::decode(&fields)) };
    fields.finish_and_log();
    check_options(entry);
    problems.finish()?;
    let source = source.ok_or_else(|| entry.error("source is required"))?;
    Ok(Definition { role, source, method: method.into(), dependencies, limits: limits.unwrap_or_default() })
}

fn method<'e>(fields: &Fields<'e>, needed: bool, problems: &mut Problems) -> &'e str {
    let method = problems.take(fields.opt_str("method"));
    if needed && method.is_some_and(|m| m.is_none_or(str::is_empty)) {
        problems.push(fields.missing("method"));
    }
    method.flatten().filter(|m| !m.is_empty()).unwrap_or("main")
}

/// The text of `source`. A process may have none: it fails when it is started.
fn text<'e>(fields: &Fields<'e>, role: Role, problems: &mut Problems) -> Option<Source<'e>> {
    let text = problems.take(fields.opt_str("source"))?.unwrap_or_default();
    if text.is_empty() {
        match role {
            Role::Process => tracing::warn!("{}", fields.missing("source")),
            _ => problems.push(fields.missing("source")),
        }
    }
    Some(Source::Text(text))
}

/// The fields of a `.bc` kind.
fn file<'e>(fields: &Fields<'e>, problems: &mut Problems) -> Option<Source<'e>> {
    let fs = problems.take(fields.str("fs"));
    let path = problems.take(fields.str("path"));
    let hash = problems.take(fields.str("hash"))?;
    let Some(sha256) = hash.strip_prefix("sha256:") else {
        problems.push(fields.error("hash", "only sha256:<hex> is supported"));
        return None;
    };
    Some(Source::File { fs: fs?, path: path?, sha256 })
}

fn modules(fields: &Fields<'_>, problems: &mut Problems) -> Vec<Dependency> {
    let names = problems.take(fields.list_of_str("modules")).unwrap_or_default();
    let mut dependencies = Vec::with_capacity(names.len());
    for (n, name) in names.into_iter().enumerate() {
        let field = format!("modules.{n}");
        match name {
            "" => problems.push(fields.error(&field, "module cannot be empty")),
            _ if name.contains(':') => problems.push(fields.error(&field, "module cannot have a namespace")),
            _ => dependencies.push(Dependency { alias: name.into(), target: Target::Module(name.into()), field }),
        }
    }
    dependencies
}

fn imports(fields: &Fields<'_>, problems: &mut Problems) -> Vec<Dependency> {
    let map = problems.take(fields.map("imports")).flatten();
    let mut dependencies = Vec::new();
    for (alias, value) in map.into_iter().flatten() {
        let field = format!("imports.{alias}");
        if alias.is_empty() {
            problems.push(fields.error("imports", "import alias cannot be empty"));
        } else if let Some(id) = imported(value) {
            match id.name() {
                "" => problems.push(fields.error(&field, "import :name cannot be empty")),
                // A bare name is a module, never an entry of the same namespace.
                name if id.ns().is_empty() => {
                    dependencies.push(Dependency { alias: alias.clone(), target: Target::Module(name.into()), field })
                }
                _ => dependencies.push(Dependency { alias: alias.clone(), target: Target::Entry(id), field }),
            }
        } else {
            let expected = format!("expected id such as namespace:name, got {}", value.type_name());
            problems.push(fields.error(&field, expected));
        }
    }
    dependencies
}

/// An id as text, or as `{ns, name}`.
pub(super) fn imported(value: &Value) -> Option<EntryId> {
    match value {
        Value::Nil => Some(EntryId::parse("")),
        Value::Str(text) => Some(EntryId::parse(text)),
        Value::Map(_) => Some(EntryId::new(value.get("ns")?.as_str()?, value.get("name")?.as_str()?)),
        _ => None,
    }
}

/// One name for each target, one target for each name.
fn distinct(entry: &Entry, dependencies: &[Dependency], problems: &mut Problems) {
    for (n, later) in dependencies.iter().enumerate() {
        let earlier = &dependencies[..n];
        if earlier.iter().any(|d| d.target == later.target) {
            let text = format!("dependency from {} to {} already exists", entry.id, later.target);
            problems.push(entry.field_error(&later.field, text).with_kind(Kind::ALREADY_EXISTS));
        } else if let Some(other) = earlier.iter().find(|d| d.alias == later.alias) {
            let text = format!(
                "alias '{}' collision: {} ({}) vs {} ({})",
                later.alias, other.target, other.field, later.target, later.field
            );
            problems.push(entry.field_error(&later.field, text).with_kind(Kind::CONFLICT));
        }
    }
}

/// Logs what is wrong with `meta.options`; whoever uses an option decides what a wrong one means.
fn check_options(entry: &Entry) {
    let meta = Fields::meta(entry);
    let retry = meta.nested("options").and_then(|options| {
        let Some(options) = options else { return Ok(()) };
        let Some(retry) = options.nested("retry")? else { return Ok(()) };
        retry.known(&["max_attempts", "initial_delay", "max_delay", "backoff_factor"]);
        retry.known(&["jitter", "retry_kinds", "skip_kinds"]);
        Ok(())
    });
    if let Err(error) = retry {
        tracing::warn!("{error}");
    }
    // Other fields of meta are anybody's.
    for warning in meta.finish().iter().filter(|w| w.contains("meta.options.")) {
        tracing::warn!("{warning}");
    }
}
