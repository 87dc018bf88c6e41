//! Types as run-time values: what `type T = ...` makes for the programs that use it.
//!
//! A module's types are read when a program first asks for one ([`ModuleTypes`]), once for all VMs of a version; what
//! decides whether a value belongs to a type ([`schema`]) is made when one is first put to the question. A VM holds a
//! handle ([`object`]) to each type it has used, and nothing for the others. `validate` walks values, `travel` lets types be sent.
//!
//! How a program comes to a type: the compiler replaces the name in `T(v)` and `T:is(v)` by a read of the global
//! [`global_key`], which [`Types::find`] answers; a mention of the name alone is the read of a global like any other.

mod object;
mod schema;
mod travel;
mod validate;

pub use object::TypeObject;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, OnceLock};

use wippy_lua_types::{Imports, Manifest, TypeValue, builtin, value};
use wippy_runtime::payload::Value;
use wippy_runtime::registry::Entry;

use schema::Schema;

/// What a part of a type takes.
const BYTES_A_PART: usize = 80;

/// A type that programs have as a value.
pub struct RuntimeType {
    value: TypeValue,
    made: Made,
    /// What `tostring` gives.
    text: String,
    schema: OnceLock<Schema>,
    /// What it is in messages, once it has been sent.
    number: OnceLock<i64>,
}

/// Where a type comes from, which decides who pays for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// Declared by a module, or a primitive: lives as long as programs with it.
    Declared,
    /// A part of a declared type, which it shares.
    Part,
    /// Put together by a program, from a generic type.
    Built,
}

impl RuntimeType {
    fn new(value: TypeValue, made: Made) -> Arc<RuntimeType> {
        let text = value.to_string();
        Arc::new(RuntimeType { value, made, text, schema: OnceLock::new(), number: OnceLock::new() })
    }

    /// Bytes that a program which has the type pays for, about.
    fn bytes(&self) -> usize {
        let parts = match self.made {
            Made::Declared => return 0,
            Made::Part => 0,
            Made::Built => self.value.ty().weight() * BYTES_A_PART,
        };
        size_of::<RuntimeType>() + self.text.capacity() + parts + self.schema.get().map_or(0, Schema::bytes)
    }
}

impl Drop for RuntimeType {
    fn drop(&mut self) {
        if let Some(number) = self.number.get() {
            travel::forget(*number);
        }
    }
}

/// Where the source of a module is.
pub enum TypeSource {
    /// The field `source` of an entry.
    Entry(Arc<Entry>),
    Text(String),
}

impl TypeSource {
    fn text(&self) -> &str {
        match self {
            TypeSource::Entry(entry) => entry.field("source").and_then(Value::as_str).unwrap_or_default(),
            TypeSource::Text(text) => text,
        }
    }
}

/// What a module knows another one as.
#[derive(Clone)]
pub enum TypeImport {
    Module(Arc<ModuleTypes>),
    Builtin(Arc<Manifest>),
}

/// The types that one module declares. Shared by all programs with this version of the module.
pub struct ModuleTypes {
    /// The name of the chunk, as it was compiled under.
    id: String,
    source: TypeSource,
    imports: Vec<(String, TypeImport)>,
    read: OnceLock<Read>,
}

struct Read {
    manifest: Arc<Manifest>,
    types: BTreeMap<String, Arc<RuntimeType>>,
}

impl ModuleTypes {
    /// The types of the chunk `id`, which may use those of `imports` by their aliases. Costs nothing until one of them
    /// is asked for. `None` if the source declares none at first glance.
    pub fn new(id: &str, source: TypeSource, imports: Vec<(String, TypeImport)>) -> Option<Arc<ModuleTypes>> {
        if !value::may_declare(source.text()) {
            return None;
        }
        Some(Arc::new(ModuleTypes { id: id.to_owned(), source, imports, read: OnceLock::new() }))
    }

    fn read(&self) -> &Read {
        self.read.get_or_init(|| {
            let mut imports = Imports::default();
            for (alias, import) in &self.imports {
                imports.add(
                    alias,
                    match import {
                        TypeImport::Module(module) => module.read().manifest.clone(),
                        TypeImport::Builtin(manifest) => manifest.clone(),
                    },
                );
            }
            let parsed = wippy_lua_syntax::parse(self.source.text());
            // The checker types the expressions in `typeof`, and its failure must not be the end of anything else.
            let declared = catch_unwind(AssertUnwindSafe(|| value::declare(&parsed.root, &imports)));
            let manifest = Arc::new(declared.unwrap_or_else(|_| {
                tracing::error!("{}: the types of this chunk cannot be read", self.id);
                Manifest::unknown()
            }));
            let named = |name: &str| {
                Some((name.to_owned(), RuntimeType::new(TypeValue::declared(&manifest, name)?, Made::Declared)))
            };
            let types = manifest.types.keys().filter_map(|name| named(name)).collect();
            Read { manifest, types }
        })
    }
}

/// The types of one program.
#[derive(Default)]
pub(crate) struct Types {
    /// Those of its chunks, in the order in which they are loaded.
    chunks: Vec<Arc<ModuleTypes>>,
    /// Built-in modules whose types it has by their bare names.
    builtins: Vec<&'static str>,
}

/// What a global is in respect of types.
pub(crate) enum Found {
    Type(Arc<RuntimeType>),
    /// A chunk asks for a type of its own that nothing is known of: it was compiled elsewhere.
    Unknown(String),
}

/// Keys of globals that no program writes.
const MARK: char = '\u{1}';

/// The name of the global under which the type `name` of the chunk `id` is found, or with an empty id a primitive.
pub(crate) fn global_key(id: &str, name: &str) -> String {
    format!("{MARK}{id}{MARK}{name}")
}

impl Types {
    pub fn add(&mut self, module: Arc<ModuleTypes>) {
        self.chunks.push(module);
    }
    pub fn add_builtins(&mut self, modules: impl Iterator<Item = &'static str>) {
        self.builtins.extend(modules);
    }
    /// What stands for a global that is not set: a type by its key, or by the name alone that of the first chunk that
    /// has one, or else of a built-in module.
    pub fn find(&self, name: &str) -> Option<Found> {
        let Some((id, name)) = name.strip_prefix(MARK).and_then(|key| key.split_once(MARK)) else {
            let declared = self.chunks.iter().find_map(|m| m.read().types.get(name)).cloned();
            return declared.or_else(|| self.builtin(name)).map(Found::Type);
        };
        let own = match id {
            "" => primitive(name),
            _ => self.chunks.iter().find(|m| m.id == id).and_then(|m| m.read().types.get(name)).cloned(),
        };
        Some(own.map_or_else(|| Found::Unknown(name.to_owned()), Found::Type))
    }
    /// The type that one of the built-in modules calls so; none if several do.
    fn builtin(&self, name: &str) -> Option<Arc<RuntimeType>> {
        let mut having = self.builtins.iter().filter_map(|module| builtin_types(module).get(name));
        having.next().filter(|_| having.next().is_none()).cloned()
    }
    /// All names that [`Types::find`] answers.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let of = |m: &'_ ModuleTypes| -> Vec<String> {
            m.read().types.keys().flat_map(|name| [name.clone(), global_key(&m.id, name)]).collect()
        };
        let primitives = value::PRIMITIVES.into_iter().map(|name| global_key("", name));
        let builtins = self.builtins.iter().flat_map(|module| builtin_types(module).keys());
        let builtins = builtins.filter(|name| self.builtin(name).is_some()).cloned();
        self.chunks.iter().flat_map(move |m| of(m)).chain(primitives).chain(builtins)
    }
}

/// The types that a built-in module offers to programs: all that its manifest names, but for tables of functions.
fn builtin_types(module: &str) -> &'static BTreeMap<String, Arc<RuntimeType>> {
    static ALL: LazyLock<BTreeMap<&str, BTreeMap<String, Arc<RuntimeType>>>> = LazyLock::new(|| {
        let types = |module| {
            let manifest = builtin::module(module)?;
            let offered = manifest.types.keys().filter(|name| name.starts_with(char::is_uppercase));
            let made = |name: &str| {
                Some((name.to_owned(), RuntimeType::new(TypeValue::declared(&manifest, name)?, Made::Declared)))
            };
            Some((module, offered.filter_map(|name| made(name)).collect()))
        };
        builtin::modules().filter_map(types).collect()
    });
    static NONE: BTreeMap<String, Arc<RuntimeType>> = BTreeMap::new();
    ALL.get(module).unwrap_or(&NONE)
}

fn primitive(name: &str) -> Option<Arc<RuntimeType>> {
    static ALL: LazyLock<BTreeMap<&str, Arc<RuntimeType>>> = LazyLock::new(|| {
        let made = |name| Some((name, RuntimeType::new(TypeValue::primitive(name)?, Made::Declared)));
        value::PRIMITIVES.into_iter().filter_map(made).collect()
    });
    ALL.get(name).cloned()
}
