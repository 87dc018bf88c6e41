//! The modules that need nothing but a VM and what every runtime has, and the list of them.
//!
//! A module is one constant: its name, its members, what the checker and the
//! documentation say about it. Modules that talk to the world are made by other
//! parts in the same form and offered to programs beside these.

pub mod base;
pub mod base64;
pub mod contract;
pub mod ctx;
pub mod errors;
pub mod events;
pub mod expr;
pub mod funcs;
mod future;
pub mod hash;
pub mod json;
pub mod logger;
pub mod metrics;
pub mod os;
mod overlay;
pub mod payload;
pub mod pg;
pub mod registry;
pub mod security;
pub mod stream;
pub mod system;
pub mod time;
pub mod uuid;
pub mod yaml;

use std::sync::LazyLock;

use parking_lot::RwLock;
use wippy_lua_vm::share::Constant;
use wippy_runtime::{Error, Result};

use crate::native::{Member, MemberValue};

/// A Lua module.
pub struct Module {
    pub name: &'static str,
    pub value: ModuleValue,
    /// Tags such as `encoding`, `deterministic`, `io`, `security`.
    pub class: &'static [&'static str],
    pub description: &'static str,
}

#[derive(Clone, Copy)]
pub enum ModuleValue {
    /// A frozen table, one for all VMs.
    Table(&'static [Member]),
    /// An object, one for all VMs.
    Constant(&'static LazyLock<Constant>),
}

impl Module {
    /// What a program finds under the module's name.
    pub(crate) fn member(&self) -> MemberValue {
        match self.value {
            ModuleValue::Table(members) => MemberValue::Table(members),
            ModuleValue::Constant(object) => MemberValue::Constant(object),
        }
    }
}

static ALWAYS: [&Module; 5] =
    [&errors::MODULE, &os::MODULE, &payload::MODULE, &crate::process::channel::MODULE, &crate::process::module::MODULE];
static ON_REQUEST: &[&Module] = &[
    &base64::MODULE,
    &contract::MODULE,
    &ctx::MODULE,
    &crate::eval::MODULE,
    &events::MODULE,
    &expr::MODULE,
    &funcs::MODULE,
    &hash::MODULE,
    &json::MODULE,
    &logger::MODULE,
    &metrics::MODULE,
    &pg::MODULE,
    &registry::MODULE,
    &security::MODULE,
    &stream::MODULE,
    &system::MODULE,
    &time::MODULE,
    &uuid::MODULE,
    &yaml::MODULE,
];

/// Modules that are globals of every program.
pub fn always() -> &'static [&'static Module] {
    &ALWAYS
}

/// Modules that an entry lists under `modules:`.
pub fn on_request() -> &'static [&'static Module] {
    ON_REQUEST
}

/// The module `name` of this crate.
pub fn find(name: &str) -> Option<&'static Module> {
    always().iter().chain(on_request()).find(|m| m.name == name).copied()
}

/// The modules of one runtime: those of this crate and those that services offer while they load. In the context.
#[derive(Default)]
pub struct Catalogue(RwLock<Vec<&'static Module>>);

impl Catalogue {
    /// Adds a service's module. Errors: AlreadyExists if the name is taken.
    pub fn offer(&self, module: &'static Module) -> Result<()> {
        if self.find(module.name).is_some() {
            return Err(Error::already_exists(format!("Lua module {} is offered twice", module.name)));
        }
        self.0.write().push(module);
        Ok(())
    }
    /// The module an entry may list under `modules:`.
    pub fn find(&self, name: &str) -> Option<&'static Module> {
        find(name).or_else(|| self.0.read().iter().find(|m| m.name == name).copied())
    }
    /// All modules by name.
    pub fn all(&self) -> Vec<&'static Module> {
        let mut all: Vec<_> = always().iter().chain(on_request()).chain(self.0.read().iter()).copied().collect();
        all.sort_by_key(|m| m.name);
        all
    }
}
