//! What is known of the modules and functions every program finds at run time.
//!
//! Each is described in a file of its own under `manifests/`, in the language's own type syntax: an interface with a
//! capital letter is an object with methods, one with a small letter a table of functions; the module itself is the
//! one named like the file. `any` promises nothing. All of them are read together the first time one is asked for.

use crate::generics::same;
use crate::hash::Map;
use crate::lower::{Lower, reference};
use crate::ty::{Def, Ty};
use crate::{Imports, Manifest};
use std::sync::{Arc, LazyLock};
use wippy_lua_syntax::SyntaxKind;

macro_rules! manifests {
    ($($name:literal),* $(,)?) => {
        const SOURCES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../manifests/", $name, ".d.lua")))),*];
    };
}

manifests![
    "errors",
    "globals",
    "string",
    "table",
    "math",
    "coroutine",
    "os",
    "channel",
    "payload",
    "process",
    "time",
    "funcs",
    "events",
    "ctx",
    "contract",
    "pg",
    "registry",
    "logger",
    "env",
    "eval_runner",
    "fs",
    "store",
    "compress",
    "crypto",
    "text",
    "io",
    "system",
    "metrics",
    "json",
    "yaml",
    "base64",
    "hash",
    "uuid",
    "stream",
    "security",
    "expr",
];

/// The module that holds the base functions.
pub const GLOBALS: &str = "globals";

struct Builtins {
    modules: Map<&'static str, Arc<Manifest>>,
}

static BUILTINS: LazyLock<Builtins> = LazyLock::new(read);

fn read() -> Builtins {
    // Types of other modules are written with their module; those read so far are in sight.
    let mut imports = Imports::default();
    let mut modules = Map::default();
    for (name, source) in SOURCES {
        let parsed = wippy_lua_syntax::parse(source);
        debug_assert!(parsed.errors.is_empty(), "{name}: {:?}", parsed.errors);
        let known = imports.clone();
        let mut lower = Lower::new(&known, true);
        let block = parsed.root.root().child(SyntaxKind::Block);
        if let Some(block) = block {
            lower.announce(block);
            block.children().for_each(|stat| lower.declare(stat));
        }
        let types = lower.exported();
        let export = types.get(*name).and_then(|def| def.body.get()).cloned().unwrap_or(Ty::Undetermined);
        let manifest = Arc::new(Manifest { export, types, _defs: std::mem::take(&mut lower.defs), _imports: vec![] });
        imports.add(name, manifest.clone());
        modules.insert(*name, manifest);
    }
    Builtins { modules }
}

/// The manifest of a built-in module; none for libraries of an application and modules nothing is known of.
///
/// While the manifests are being read only [`Imports`] are looked at, so this does not wait for itself.
pub fn module(name: &str) -> Option<Arc<Manifest>> {
    manifest(name).cloned()
}

/// As [`module`], without counting one more user of the manifest, which threads that check beside each other would
/// slow each other down with.
pub(crate) fn manifest(name: &str) -> Option<&'static Arc<Manifest>> {
    BUILTINS.modules.get(name)
}

/// The names of all described modules.
pub fn modules() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|(name, _)| *name)
}

/// How programs write the table of functions that a type is: `json`, `text.regexp`. None for other types.
pub fn table_name(ty: &Ty) -> Option<String> {
    if let Some(module) = modules().find(|m| BUILTINS.modules.get(m).is_some_and(|m| same(&m.export, ty))) {
        return Some(module.to_owned());
    }
    // Tables in modules are described by interfaces named like `text_regexp`.
    let name = &ty.as_named().filter(|named| named.is_builtin())?.name;
    let inner = |module: &str| name.strip_prefix(module)?.strip_prefix('_');
    modules().find_map(|module| Some(format!("{module}.{}", inner(module)?)))
}

/// The names a built-in module is said to have, or the methods of one of its types.
pub fn members(module_name: &str, type_name: &str) -> Vec<String> {
    let body = module(module_name).and_then(|m| m.types.get(type_name).and_then(|d| d.body.get().cloned()));
    let record = body.as_ref().and_then(Ty::as_record);
    record.into_iter().flat_map(|r| r.fields.iter().map(|f| f.name.to_string())).collect()
}

/// The interface of errors.
pub fn error() -> Ty {
    static ERROR: LazyLock<Option<Arc<Def>>> = LazyLock::new(|| module("errors")?.types.get("Error").cloned());
    ERROR.as_ref().map_or(Ty::Undetermined, |def| reference(def, "error".into(), vec![]))
}

/// A base function or another global that is always there.
pub fn global(name: &str) -> Option<Ty> {
    let globals = manifest(GLOBALS)?;
    globals.export.as_record()?.field(name).map(|f| f.ty.clone())
}
