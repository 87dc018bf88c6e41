//! Making and running one VM.
//!
//! A new VM has no libraries, only a global table that looks names up in its
//! [`Program`]. Contains `unsafe`: it owns the `lua_State`, which lives exactly
//! as long as the [`Vm`]; the [`State`] is boxed, so its address is stable, and
//! dropped after the `lua_State` is closed. A `Vm` may move between threads
//! (`Send`) but is used by one at a time.

use std::ffi::{CString, c_void};
use std::sync::Arc;

use wippy_runtime::Error;

use crate::modules::base;
use crate::native::{Call, Function, Raise, Ret, Stack, Type, ffi};
use crate::state::{Global, Program, State};

/// A Lua virtual machine with its memory account.
pub struct Vm {
    l: *mut ffi::lua_State,
    state: Box<State>,
}

// SAFETY: a lua_State has no thread affinity; State's cells are only reached through the VM, which one
// thread uses at a time. Extensions are created and used on whatever thread runs the VM (see `extension`).
unsafe impl Send for Vm {}

impl Vm {
    /// A VM for `program` that may use `limit` bytes (0: unlimited). Errors: no memory.
    pub fn new(program: Arc<Program>, limit: usize) -> Result<Vm, Error> {
        base::harvest();
        let state = Box::new(State::new(program));
        let ud = (&raw const state.memory).cast_mut().cast();
        // SAFETY: the allocator's account outlives the VM (fields drop after `Drop::drop`).
        let l = unsafe { ffi::lua_newstate(allocate, ud) };
        if l.is_null() {
            return Err(Error::new(wippy_runtime::Kind::LIMIT_EXCEEDED, "not enough memory"));
        }
        // SAFETY: the extra space holds one pointer; rule 5 of `native`.
        unsafe { *ffi::lua_getextraspace(l).cast::<*const State>() = &raw const *state };
        let vm = Vm { l, state };
        vm.enter(install);
        vm.state.memory.set_limit(limit);
        Ok(vm)
    }
    /// The data of this VM.
    pub fn state(&self) -> &State {
        &self.state
    }
    /// The main thread.
    pub fn raw(&self) -> *mut ffi::lua_State {
        self.l
    }
    /// Works on the stack of the main thread with the memory limit suspended. `f` must leave calling Lua to
    /// protected calls.
    pub fn enter<R>(&self, f: impl FnOnce(&Stack<'_>) -> R) -> R {
        let _unlimited = self.state.memory.suspend();
        // SAFETY: ours, alive, limit suspended.
        f(&unsafe { Stack::new(self.l) })
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        let unlimited = self.state.memory.suspend();
        // SAFETY: nobody uses the VM any more; finalisers still find `state`.
        unsafe { ffi::lua_close(self.l) };
        drop(unlimited);
    }
}

fn install(stack: &Stack<'_>) {
    let l = stack.raw();
    // SAFETY: raw work on a fresh VM; the globals table is at LUA_RIDX_GLOBALS.
    unsafe {
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_RIDX_GLOBALS);
    }
    stack.push_copy(-1);
    stack.set_field(-2, "_G");
    stack.push_table(0, 2);
    stack.push_function(GLOBAL);
    stack.set_field(-2, "__index");
    stack.push_bool(false);
    stack.set_field(-2, "__metatable");
    // SAFETY: globals and metatable are the two topmost values.
    unsafe {
        ffi::lua_setmetatable(l, -2);
    }
    stack.pop_raw(1);
    base::install_strings(stack);
}

const GLOBAL: Function = crate::native!("__index", global);

/// A global that is not set: the program's own one, or nil.
fn global(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.real_str(2).and_then(|n| std::str::from_utf8(n).ok());
    match name.and_then(|n| Some((n, call.state().program.global(n)?))) {
        Some((name, global)) => {
            call.push_global_value(global);
            call.push_copy(-1);
            call.set_field(1, name);
        }
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

impl Stack<'_> {
    pub(crate) fn push_global_value(&self, global: Global) {
        match global {
            Global::Member(member) => self.push_member(&member),
            Global::Module(module) => self.push_module(module),
        }
    }
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
    /// Pushes the global `name` (nil if there is none), as the program would see it.
    pub fn push_global(&self, name: &str) -> Type {
        self.push_globals();
        if self.get_field(-1, name) == Type::Nil
            && let Some(global) = self.state().program.global(name)
        {
            self.pop_raw(1);
            self.push_global_value(global);
            self.push_copy(-1);
            self.set_field(-3, name);
        }
        // SAFETY: removes the globals below the value.
        unsafe { ffi::lua_rotate(self.raw(), -2, -1) };
        self.pop_raw(1);
        self.type_of(-1)
    }
    /// Stores every global of the program in the globals table.
    pub(crate) fn complete_globals(&self) {
        self.push_globals();
        let program = &self.state().program;
        for (name, global) in program.globals() {
            if self.get_field(-1, name) == Type::Nil {
                self.push_global_value(global);
                self.set_field(-3, name);
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
        let limited = self.state().memory.resume();
        // SAFETY: lua_pcall stops every raise.
        let status = unsafe { ffi::lua_pcall(self.raw(), args, results, 0) };
        drop(limited);
        status == ffi::LUA_OK
    }
    /// Drops the top `n` values.
    pub fn drop_top(&self, n: i32) {
        self.pop_raw(n.clamp(0, self.top()));
    }
}

/// # Safety
/// Called by Lua only, with the account given to `lua_newstate` and blocks it got from here.
unsafe extern "C" fn allocate(ud: *mut c_void, block: *mut c_void, old: usize, new: usize) -> *mut c_void {
    use std::alloc::{Layout, alloc, dealloc, realloc};
    // SAFETY: promised; sizes reported by Lua are those of the blocks, alignment 16 covers every Lua type.
    unsafe {
        let memory = &*ud.cast::<crate::state::Memory>();
        let old = if block.is_null() { 0 } else { old };
        let layout = |n| Layout::from_size_align_unchecked(n, 16);
        if new == 0 {
            if old != 0 {
                memory.change(old, 0);
                dealloc(block.cast(), layout(old));
            }
            return std::ptr::null_mut();
        }
        if new > isize::MAX as usize - 16 || !memory.change(old, new) {
            return std::ptr::null_mut();
        }
        let p = if old == 0 { alloc(layout(new)) } else { realloc(block.cast(), layout(old), new) };
        if p.is_null() {
            // Rule 2 of `native`: host functions rely on allocation, so exhaustion ends the OS process.
            std::alloc::handle_alloc_error(layout(new));
        }
        p.cast()
    }
}
