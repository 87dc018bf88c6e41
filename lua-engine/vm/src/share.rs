//! What all VMs of the OS process share: chunks of code, tables of globals,
//! library tables and constant objects.
//!
//! A [`Chunk`] is compiled once; an [`Image`] is what the VMs of one program
//! see: its chunks and its globals. A VM made from an image
//! ([`RawVm::of`](crate::RawVm::of)) holds it, so code is freed when the last
//! VM and the last cache let go of it. A [`Table`] or [`Constant`] is for ever:
//! it is for what the binary itself defines.
//!
//! The rules of sharing are at the top of `csrc/wshare.c`. Those that make the
//! `unsafe` here sound: everything that changes shared memory runs under `LOCK`;
//! shared memory is never written after it left this module; a VM gets a chunk
//! only through its image, and a table only if it is old enough (both are
//! checked here).

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ffi::{self, lua_State};
use crate::{RawVm, sys};

pub use crate::sys::Shared;

static LOCK: Mutex<()> = Mutex::new(());

fn lock() -> MutexGuard<'static, ()> {
    // Nothing that runs under it panics half-way.
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Called by C when the first state is made.
#[unsafe(no_mangle)]
extern "C" fn wippy_locked(f: extern "C" fn()) {
    let _locked = lock();
    f();
}

/// What is shared now.
pub fn shared() -> Shared {
    let mut counts = Shared::default();
    let _locked = lock();
    // SAFETY: fills the structure.
    unsafe { sys::wippy_countshared(&mut counts) };
    counts
}

/// The text of a chunk does not compile: the compiler's message, `name:line: what`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError(pub String);

/// A compiled chunk of code with all its functions and strings.
#[derive(Debug)]
pub struct Chunk {
    raw: NonNull<c_void>,
    steady: bool,
}

// SAFETY: never written until dropped.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// Compiles `source` under the chunk name `name` (as it shows in errors). Errors: it does not compile, or holds
    /// a name with a zero byte.
    pub fn compile(name: &str, source: &[u8]) -> Result<Chunk, SyntaxError> {
        Chunk::of(name, source, c"t")
    }
    /// From bytecode that this build's compiler made (`lua_dump`). It is run without being checked, so it must come from a
    /// trusted place. Errors: its header is not one of this build, or it is cut off.
    pub fn load(name: &str, bytecode: &[u8]) -> Result<Chunk, SyntaxError> {
        Chunk::of(name, bytecode, c"b")
    }
    fn of(name: &str, source: &[u8], mode: &CStr) -> Result<Chunk, SyntaxError> {
        let vm = RawVm::new(usize::MAX).map_err(|e| SyntaxError(e.to_string()))?;
        let name = CString::new(format!("={name}")).map_err(|e| SyntaxError(e.to_string()))?;
        let l = vm.state();
        // SAFETY: a VM of our own; loading reports failure as a status.
        unsafe {
            let (bytes, mode) = (source.as_ptr().cast(), mode.as_ptr());
            let status = ffi::luaL_loadbufferx(l, bytes, source.len(), name.as_ptr(), mode);
            if status != ffi::LUA_OK {
                let mut len = 0;
                let text = ffi::lua_tolstring(l, -1, &mut len);
                let text = std::slice::from_raw_parts(text.cast(), len);
                return Err(SyntaxError(String::from_utf8_lossy(text).into_owned()));
            }
            let steady = sys::wippy_issteady(l, -1) != 0;
            let _locked = lock();
            let raw = NonNull::new(sys::wippy_sharechunk(l, -1)).expect("the compiler gives a Lua function");
            Ok(Chunk { raw, steady })
        }
    }
    /// Whether each run of it in a fresh VM with the same globals is like the first, but for a lack of memory: it only
    /// makes functions and tables, reads and sets names, and requires what has a constant name. Never so for a chunk that
    /// computes, branches or calls anything else.
    pub fn is_steady(&self) -> bool {
        self.steady
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let _locked = lock();
        // SAFETY: made by `wippy_sharechunk`; no image holds it any more, so no VM sees it.
        unsafe { sys::wippy_unshare(self.raw.as_ptr()) };
    }
}

/// The names a program finds among its globals, behind those it defines itself.
#[derive(Debug)]
pub struct Globals(NonNull<c_void>);

// SAFETY: never written until dropped.
unsafe impl Send for Globals {}
// SAFETY: as above.
unsafe impl Sync for Globals {}

impl Globals {
    /// A copy of the table at `idx`: names with constants, strings, light functions, shared tables and objects.
    /// `None` for a table with anything else in it.
    ///
    /// # Safety
    /// `state` is live and has a value at `idx`, a stack index.
    pub unsafe fn of(state: *mut lua_State, idx: c_int) -> Option<Globals> {
        let _locked = lock();
        // SAFETY: by contract; under the lock.
        NonNull::new(unsafe { sys::wippy_shareglobals(state, idx) }).map(Globals)
    }
}

impl Drop for Globals {
    fn drop(&mut self) {
        let _locked = lock();
        // SAFETY: made by `wippy_shareglobals`; no image holds it any more, so no VM sees it.
        unsafe { sys::wippy_unshare(self.0.as_ptr()) };
    }
}

/// What the VMs of one program see: chunks by their index, globals, and their strings.
#[derive(Debug)]
pub struct Image {
    // Dropped first: it points into the chunks and globals.
    set: Set,
    chunks: Box<[Arc<Chunk>]>,
    globals: Option<Arc<Globals>>,
}

#[derive(Debug)]
struct Set(NonNull<c_void>);

// SAFETY: never written until dropped.
unsafe impl Send for Set {}
// SAFETY: as above.
unsafe impl Sync for Set {}

impl Drop for Set {
    fn drop(&mut self) {
        let _locked = lock();
        // SAFETY: made by `wippy_newset`; VMs hold its image, so none sees it.
        unsafe { sys::wippy_freeset(self.0.as_ptr()) };
    }
}

impl Image {
    pub fn new(chunks: Vec<Arc<Chunk>>, globals: Option<Arc<Globals>>) -> Image {
        let holders = chunks.iter().map(|c| c.raw).chain(globals.iter().map(|g| g.0));
        let holders: Vec<*mut c_void> = holders.map(NonNull::as_ptr).collect();
        let _locked = lock();
        // SAFETY: live chunks and globals, which the image keeps.
        let set = unsafe { sys::wippy_newset(holders.as_ptr(), holders.len()) };
        let set = Set(NonNull::new(set).expect("exhaustion aborts"));
        Image { set, chunks: chunks.into(), globals }
    }
    /// Chunks of the image.
    pub fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }
    /// Shows the image to a VM.
    ///
    /// # Safety
    /// `state` was just made, and the image lives until it is closed.
    pub(crate) unsafe fn show(&self, state: *mut lua_State) {
        // SAFETY: by contract.
        unsafe {
            sys::wippy_see(state, self.set.0.as_ptr());
            if let Some(globals) = &self.globals {
                sys::wippy_setglobals(state, globals.0.as_ptr());
            }
        }
    }
    /// Pushes the function of chunk `i`; false (nothing pushed) if there is none. May raise a memory error.
    ///
    /// # Safety
    /// `state` is a live thread of a VM of this image with a free stack slot.
    pub(crate) unsafe fn push_chunk(&self, state: *mut lua_State, i: usize) -> bool {
        let Some(chunk) = self.chunks.get(i) else { return false };
        // SAFETY: by contract the state sees the strings of this image.
        unsafe { sys::wippy_pushchunk(state, chunk.raw.as_ptr()) };
        true
    }
}

/// A frozen table that lives for ever.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    raw: NonNull<c_void>,
    epoch: usize,
}

// SAFETY: never written.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    /// A copy of the table at `idx`, see [`Globals::of`] for what it may hold.
    ///
    /// # Safety
    /// As [`Globals::of`].
    pub unsafe fn of(state: *mut lua_State, idx: c_int) -> Option<Table> {
        let _locked = lock();
        // SAFETY: by contract; under the lock.
        unsafe {
            let raw = NonNull::new(sys::wippy_sharetable(state, idx))?;
            let mut counts = Shared::default();
            sys::wippy_countshared(&mut counts);
            Some(Table { raw, epoch: counts.epoch })
        }
    }
    /// Whether the VM may hold it: it was made after the table.
    ///
    /// # Safety
    /// `state` is live.
    pub unsafe fn fits(&self, state: *mut lua_State) -> bool {
        // SAFETY: by contract.
        self.epoch <= unsafe { sys::wippy_epoch(state) }
    }
    /// Pushes it; false (nothing pushed) if it does not fit. Never raises.
    ///
    /// # Safety
    /// `state` is live and has a free stack slot.
    pub unsafe fn push(&self, state: *mut lua_State) -> bool {
        // SAFETY: by contract.
        unsafe {
            let fits = self.fits(state);
            if fits {
                sys::wippy_pushtable(state, self.raw.as_ptr());
            }
            fits
        }
    }
    /// Makes the `n` topmost values a new table like this one, which has at least one name and is copied with an integer in
    /// place of each of those values: its place among them, from 1 for the lowest. Their number is popped. False (nothing
    /// done) if the table does not fit. May raise a memory error.
    ///
    /// # Safety
    /// `state` is live, has `n` values in the running function's part of the stack and a free slot, and the integers of
    /// the table are from 1 to `n`.
    pub unsafe fn push_record(&self, state: *mut lua_State, n: c_int) -> bool {
        // SAFETY: by contract.
        unsafe {
            let fits = self.fits(state);
            if fits {
                sys::wippy_newrecord(state, self.raw.as_ptr(), n);
            }
            fits
        }
    }
    /// As [`Table::push`], for a VM in which nothing is looked up: one that only builds other shared tables.
    ///
    /// # Safety
    /// As [`Table::push`], and no name is looked up in the table through this VM.
    pub unsafe fn push_blind(&self, state: *mut lua_State) {
        // SAFETY: by contract.
        unsafe { sys::wippy_pushtable(state, self.raw.as_ptr()) };
    }
    /// Makes it the metatable of strings; false if it does not fit. The state must not have got a metatable of a basic
    /// type of its own (`lua_setmetatable`) before.
    ///
    /// # Safety
    /// `state` is live.
    pub unsafe fn set_for_strings(&self, state: *mut lua_State) -> bool {
        // SAFETY: by contract.
        unsafe {
            let fits = self.fits(state);
            if fits {
                sys::wippy_setstringmetatable(state, self.raw.as_ptr());
            }
            fits
        }
    }
}

/// A full userdata that lives for ever and belongs to no VM.
#[derive(Debug, Clone, Copy)]
pub struct Constant {
    raw: NonNull<c_void>,
    epoch: usize,
}

// SAFETY: the object itself is never written; what its block holds is its maker's promise.
unsafe impl Send for Constant {}
// SAFETY: as above.
unsafe impl Sync for Constant {}

impl Constant {
    /// An object with `value` as its block, eight-byte aligned, under `metatable`. The value is never dropped.
    pub fn new<T: Send + Sync + 'static>(value: T, metatable: Table) -> Constant {
        const { assert!(align_of::<T>() <= 8) }
        let _locked = lock();
        // SAFETY: under the lock; the block has the size and alignment of the value and nobody has seen it.
        unsafe {
            let raw = sys::wippy_shareobject(size_of::<T>(), metatable.raw.as_ptr());
            sys::wippy_objectblock(raw).cast::<T>().write(value);
            Constant { raw: NonNull::new(raw).expect("exhaustion aborts"), epoch: metatable.epoch }
        }
    }
    /// Pushes it; false (nothing pushed) if the VM is older than its metatable. Never raises.
    ///
    /// # Safety
    /// `state` is live and has a free stack slot.
    pub unsafe fn push(&self, state: *mut lua_State) -> bool {
        // SAFETY: by contract.
        unsafe {
            let fits = self.epoch <= sys::wippy_epoch(state);
            if fits {
                sys::wippy_pushobject(state, self.raw.as_ptr());
            }
            fits
        }
    }
    /// As [`Constant::push`], for a VM in which nothing is looked up.
    ///
    /// # Safety
    /// As [`Table::push_blind`].
    pub unsafe fn push_blind(&self, state: *mut lua_State) {
        // SAFETY: by contract.
        unsafe { sys::wippy_pushobject(state, self.raw.as_ptr()) };
    }
}
