//! Making and running one VM.
//!
//! A new VM has a stack and an empty table of globals; code, libraries and what
//! its [`Program`] finds among its globals are shared. Contains `unsafe`: the [`State`] is boxed, so its address is
//! stable, and dropped after the VM that points to it and counts in it is closed. A `Vm` may move between threads
//! (`Send`) but is used by one at a time.

use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::Arc;

use wippy_lua_vm::share::Image;
use wippy_lua_vm::{Memory, RawVm};
use wippy_runtime::{Error, Kind};

use crate::modules::base;
use crate::native::{Call, Member, Raise, Ret, Stack, Type, ffi};
use crate::state::{Program, State};

/// A Lua virtual machine with its memory account.
pub struct Vm {
    // Dropped first: finalisers still find `state`.
    vm: RawVm,
    state: Box<State>,
}

// SAFETY: a VM has no thread affinity; State's cells are only reached through it, which one thread uses at a
// time; so must its engine be.
unsafe impl Send for Vm {}

impl Vm {
    /// A VM for `program` with its `image` that may use `limit` bytes (`usize::MAX`: unlimited). Errors: no memory.
    pub fn new(program: Arc<Program>, image: Arc<Image>, limit: usize) -> Result<Vm, Error> {
        let state = Box::new(State::new(program));
        // SAFETY: the account is boxed with the state, which is dropped after the VM.
        let vm = unsafe { RawVm::beside(image, NonNull::from(state.memory())) };
        let vm = vm.map_err(|e| Error::new(Kind::LIMIT_EXCEEDED, e.to_string()))?;
        vm.set_extra((&raw const *state).cast_mut().cast());
        let vm = Vm { vm, state };
        vm.enter(install);
        vm.memory().set_limit(limit);
        Ok(vm)
    }
    /// The data of this VM.
    pub fn state(&self) -> &State {
        &self.state
    }
    pub fn memory(&self) -> &Memory {
        self.vm.memory()
    }
    /// Pushes the function of the image's chunk `i`; false (and nothing pushed) if there is none.
    pub fn push_chunk(&self, i: usize) -> bool {
        self.enter(|stack| {
            assert!(stack.reserve(2), "Lua stack exhausted");
            // SAFETY: the main thread, with room and without a limit.
            unsafe { self.vm.push_chunk(stack.raw(), i) }
        })
    }
    /// See [`RawVm::memory_errors`].
    pub fn memory_errors(&self) -> usize {
        self.vm.memory_errors()
    }
    /// The main thread.
    pub fn raw(&self) -> *mut ffi::lua_State {
        self.vm.state()
    }
    /// Works on the stack of the main thread with the memory limit suspended. `f` must leave calling Lua to
    /// protected calls.
    pub fn enter<R>(&self, f: impl FnOnce(&Stack<'_>) -> R) -> R {
        let _unlimited = self.memory().suspend();
        // SAFETY: ours, alive, limit suspended.
        f(&unsafe { Stack::new(self.raw()) })
    }
}

/// What a VM has before its chunks run, beside its globals.
fn install(stack: &Stack<'_>) {
    stack.push_globals();
    stack.push_members(TYPES);
    // SAFETY: globals and metatable are the two topmost values.
    unsafe {
        ffi::lua_setmetatable(stack.raw(), -2);
    }
    stack.pop_raw(1);
    stack.set_metatable_of_strings(base::strings());
    let mut seed = [0; 8];
    stack.state().surroundings().random(&mut seed);
    // SAFETY: sets the generator of `math.random`.
    unsafe { wippy_lua_vm::sys::wippy_setrandom(stack.raw(), u64::from_le_bytes(seed)) };
}

/// The metatable of the globals: types are found when they are first asked for.
pub(crate) const TYPES: &[Member] = &[crate::member!("__index", type_of_global), Member::bool("__metatable", false)];

/// A global that is not set: a type, or nil.
fn type_of_global(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.real_str(2).and_then(|n| std::str::from_utf8(n).ok());
    match name.and_then(|n| Some((n, call.state().program.type_for(n)?))) {
        Some((name, found)) => {
            call.push_found(found).map_err(Raise::text)?;
            call.push_copy(-1);
            call.set_field(1, name);
        }
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

impl Stack<'_> {
    /// Pushes the table of globals.
    pub fn push_globals(&self) {
        assert!(self.reserve(4), "Lua stack exhausted");
        // SAFETY: raw access to the registry.
        unsafe { ffi::lua_rawgeti(self.raw(), ffi::LUA_REGISTRYINDEX, ffi::LUA_RIDX_GLOBALS) };
    }
    /// Pops the top value and makes it the global `name`.
    pub fn set_global(&self, name: &str) {
        self.push_globals();
        // SAFETY: swaps the two topmost values.
        unsafe { ffi::lua_rotate(self.raw(), -2, 1) };
        self.set_field(-2, name);
        self.pop_raw(1);
    }
    /// Pushes the global `name` (nil if there is none), without metamethods.
    pub fn push_global(&self, name: &str) -> Type {
        self.push_globals();
        self.get_field(-1, name);
        // SAFETY: removes the globals below the value.
        unsafe { ffi::lua_rotate(self.raw(), -2, -1) };
        self.pop_raw(1);
        self.type_of(-1)
    }
    /// Stores every type of the program in the table of globals.
    pub(crate) fn complete_types(&self) {
        self.push_globals();
        let program = &self.state().program;
        for name in program.type_names() {
            if self.get_field(-1, &name) == Type::Nil
                && let Some(found) = program.type_for(&name)
                && self.push_found(found).is_ok()
            {
                self.set_field(-3, &name);
            }
            self.pop_raw(1);
        }
        self.pop_raw(1);
    }
    /// Compiles `chunk` (source text or bytecode of our own) named `id` and pushes the function.
    /// Errors: the compiler's text. Does not run anything.
    pub fn load(&self, chunk: &[u8], id: &str) -> Result<(), String> {
        let name = CString::new(format!("={id}")).unwrap_or_default();
        assert!(self.reserve(4), "Lua stack exhausted");
        // SAFETY: lua_load compiles in protected mode and reports failure as a status.
        let status = unsafe {
            ffi::luaL_loadbufferx(self.raw(), chunk.as_ptr().cast(), chunk.len(), name.as_ptr(), std::ptr::null())
        };
        if status == ffi::LUA_OK {
            return Ok(());
        }
        let text = String::from_utf8_lossy(self.bytes(-1).unwrap_or_default()).into_owned();
        self.pop_raw(1);
        Err(text)
    }
    /// Calls the function below the top `args` values on this thread with the memory limit in force;
    /// `results` values are left (-1: all), or the error value and `false`. It cannot yield.
    pub fn call(&self, args: i32, results: i32) -> bool {
        let memory = self.state().memory();
        memory.resume_raw();
        // SAFETY: lua_pcall stops every raise.
        let status = unsafe { ffi::lua_pcall(self.raw(), args, results, 0) };
        memory.suspend_raw();
        status == ffi::LUA_OK
    }
    /// Drops the top `n` values.
    pub fn drop_top(&self, n: i32) {
        self.pop_raw(n.clamp(0, self.top()));
    }
}
