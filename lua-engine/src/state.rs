//! What belongs to one VM beside its Lua values, reachable from any of its
//! threads through the extra space.
//!
//! Kept small: a million of them must fit. Everything that VMs of one entry
//! share is in [`Program`]; everything the outside provides (time, randomness,
//! the log) is behind [`Surroundings`]. The memory account and the scheduler inside a
//! process lie in the same block. Contains `unsafe` for the extra space, which lives and dies with the VM.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, LazyLock};

use wippy_lua_vm::Memory;
use wippy_lua_vm::share::{Chunk, Image};
use wippy_runtime::Node;
pub use wippy_runtime::metrics::Measurement;
use wippy_runtime::payload::Map;

use crate::modules::Module;
use crate::native::ffi::{self, lua_State};
use crate::native::{self, MemberValue};
use crate::process::Engine;
use crate::types::{Found, ModuleTypes, Types};

/// What the modules ask of the world around their VM. Called inside a step, so nothing here may block.
pub trait Surroundings: Send + Sync {
    /// Wall clock: nanoseconds since 1970-01-01 UTC.
    fn unix_nanos(&self) -> i64;
    /// Nanoseconds since the runtime started; never goes back.
    fn uptime_nanos(&self) -> u64;
    /// Fills `out` with random bytes.
    fn random(&self, out: &mut [u8]);
    /// Takes one log record. `state` tells which VM it comes from.
    fn log(&self, state: &State, record: LogRecord<'_>);
    /// Takes one measurement; false when there is no collector.
    fn measure(&self, name: &str, change: Measurement, labels: &[(String, String)]) -> bool;
    /// The node that answers what a chunk asks while it is loaded; `None`: nobody does.
    fn node(&self) -> Option<Arc<Node>> {
        None
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// One log record of a program.
pub struct LogRecord<'a> {
    pub level: LogLevel,
    pub message: &'a str,
    /// Name given with `logger:named`, empty if none.
    pub logger: &'a str,
    /// `ns:name:line` of the call.
    pub location: &'a str,
    pub fields: &'a Map,
}

/// The globals of every program, in an order that is the same in every run.
static COMMON: LazyLock<BTreeMap<&'static str, MemberValue>> = LazyLock::new(|| {
    let library = crate::modules::base::library_globals().iter().chain(crate::modules::base::GLOBALS);
    let members = library.map(|member| (member.name, member.value));
    let modules = crate::modules::always().iter().map(|module| (module.name, module.member()));
    for shape in crate::process::shapes() {
        shape.table();
    }
    members.chain(modules).collect()
});

/// The names of the globals of every program.
pub(crate) fn common_globals() -> impl Iterator<Item = &'static str> {
    COMMON.keys().copied()
}

/// What all VMs of one entry share.
pub struct Program {
    /// The registry id of the entry, `ns:name`: name of its chunk and of error positions.
    pub id: String,
    /// The modules it may use beside those of every program, by the names of their globals.
    modules: BTreeMap<Box<str>, &'static Module>,
    types: Types,
    /// Modules that others have without listing them are listed, too, or not there.
    only_listed: bool,
    pub surroundings: Arc<dyn Surroundings>,
}

impl Program {
    /// A program with the globals every program has, plus `modules`.
    pub fn new(id: impl Into<String>, modules: &[&'static Module], surroundings: Arc<dyn Surroundings>) -> Program {
        let modules = modules.iter().map(|module| (module.name.into(), *module)).collect();
        Program { id: id.into(), modules, types: Types::default(), only_listed: false, surroundings }
    }
    /// The program without the modules that every program has, except those it lists.
    pub fn only_listed(mut self) -> Program {
        self.only_listed = true;
        self
    }
    /// Makes `module` the global `name`, in place of what had that name.
    pub fn bind(&mut self, name: &str, module: &'static Module) {
        self.modules.insert(name.into(), module);
    }
    /// Adds the types of a chunk, to be called in the order in which the chunks are loaded.
    pub fn add_types(&mut self, types: Arc<ModuleTypes>) {
        self.types.add(types);
    }
    /// Lets the program have the types of its modules by their bare names.
    pub fn add_module_types(&mut self) {
        self.types.add_builtins(self.modules.values().map(|module| module.name));
    }
    /// What a global that is not set is in respect of types.
    pub(crate) fn type_for(&self, name: &str) -> Option<Found> {
        self.types.find(name)
    }
    /// All names that [`Program::type_for`] answers.
    pub(crate) fn type_names(&self) -> impl Iterator<Item = String> {
        self.types.names()
    }
    /// The modules beside those of every program.
    pub fn modules(&self) -> impl Iterator<Item = &'static Module> {
        self.modules.values().copied()
    }
    /// What its VMs see of the code: `chunks` by their position, and the globals.
    pub fn image(&self, chunks: Vec<Arc<Chunk>>) -> Arc<Image> {
        let own = self.modules.iter().map(|(name, module)| (&**name, module.member()));
        let absent = |name: &str| self.only_listed && crate::modules::always().iter().any(|m| m.name == name);
        let common = COMMON.iter().filter(|(name, _)| !self.modules.contains_key(**name) && !absent(name));
        native::shared_members(crate::modules::base::strings());
        native::shared_members(crate::vm::TYPES);
        let globals = native::globals(own.chain(common.map(|(name, value)| (*name, *value))));
        Arc::new(Image::new(chunks, Some(Arc::new(globals))))
    }
}

/// See the module comment. What every call of a native function touches comes first.
#[repr(C)]
pub struct State {
    memory: Memory,
    /// The step context of the process, while it is inside a step; opaque here.
    pub step: Cell<*mut c_void>,
    engine: OnceCell<Engine>,
    pub program: Arc<Program>,
}

impl State {
    /// Of a VM without limit.
    pub(crate) fn new(program: Arc<Program>) -> State {
        State {
            memory: Memory::new(usize::MAX),
            program,
            step: Cell::new(std::ptr::null_mut()),
            engine: OnceCell::new(),
        }
    }
    /// The state of a thread.
    ///
    /// # Safety
    /// `l` is a live thread of a VM made by [`crate::vm::Vm`]; the result must not outlive that VM.
    #[inline]
    pub unsafe fn of<'a>(l: *mut lua_State) -> &'a State {
        // SAFETY: the VM's maker stored the pointer; new threads inherit the extra space.
        unsafe { &**ffi::lua_getextraspace(l).cast::<*const State>() }
    }
    /// The memory account of the VM. Its limit is suspended while native code runs.
    #[inline]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }
    /// Makes the VM that of a process; once.
    pub(crate) fn set_engine(&self, engine: Engine) {
        let first = self.engine.set(engine).is_ok();
        debug_assert!(first, "a VM has one engine");
    }
    /// The scheduler inside the process; `None` in a VM that no process drives.
    #[inline]
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.get()
    }
    pub fn surroundings(&self) -> &dyn Surroundings {
        &*self.program.surroundings
    }
}
