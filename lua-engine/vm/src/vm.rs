//! A Lua state with its memory account.
//!
//! Rules that make the `unsafe` sound: the state is created and closed here,
//! the account (at a fixed address) and the image outlive it, and only one thread at a time
//! uses either (`RawVm` is `Send`, not `Sync`).

use std::ffi::{CStr, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::{Arc, Once};

use crate::ffi::{self, lua_State};
use crate::memory::Memory;
use crate::share::Image;
use crate::sys;

/// The limit does not even hold an empty VM, or the machine is out of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewStateError;

impl std::fmt::Display for NewStateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not enough memory for a Lua VM")
    }
}

impl std::error::Error for NewStateError {}

/// Done once the seed of the process is fixed.
static SEEDED: Once = Once::new();

/// Seeds the hashes of this OS process, so that nobody outside can make texts that collide, and what its VMs draw
/// `math.random` from. Only the first call counts, and none once there is a VM: every run is the same then.
pub fn seed(seed: u64) {
    // SAFETY: at most once, and before any state exists: `RawVm::new` passes the same gate first.
    SEEDED.call_once(|| unsafe { sys::wippy_setseed(seed) });
}

/// One VM: a state without any library, its main thread resumable.
///
/// Dropping it closes the state; finalizers of host userdata run then.
#[derive(Debug)]
pub struct RawVm {
    state: NonNull<lua_State>,
    memory: Box<Memory>,
    /// What it sees of the code; kept until after the state is closed.
    image: Option<Arc<Image>>,
}

// SAFETY: a state is bound to no thread; exclusive use is given by `&mut`/ownership.
unsafe impl Send for RawVm {}

impl RawVm {
    /// Creates a VM that may use `limit` bytes (`usize::MAX`: unlimited).
    pub fn new(limit: usize) -> Result<Self, NewStateError> {
        SEEDED.call_once(|| ());
        let memory = Box::new(Memory::new(limit));
        let account: *const Memory = &*memory;
        // SAFETY: the account is boxed and outlives the state (see `drop`).
        let state = unsafe { ffi::lua_newstate(Memory::alloc, account as *mut c_void) };
        let state = NonNull::new(state).ok_or(NewStateError)?;
        let vm = Self { state, memory, image: None };
        // SAFETY: the state is live, nothing runs in it.
        unsafe {
            sys::wippy_mainyieldable(vm.state());
        }
        vm.set_extra(ptr::null_mut());
        Ok(vm)
    }

    /// As [`RawVm::new`], with the globals of `image`, whose chunks [`RawVm::push_chunk`] pushes.
    pub fn of(image: Arc<Image>, limit: usize) -> Result<Self, NewStateError> {
        let mut vm = Self::new(limit)?;
        // SAFETY: the state was just made; the image is kept below, and dropped after the state is closed.
        unsafe { image.show(vm.state()) };
        vm.image = Some(image);
        Ok(vm)
    }

    /// Pushes the function of chunk `i` of the image onto `state`; false (nothing pushed) if there is none. May raise a
    /// memory error unless the limit is suspended.
    ///
    /// # Safety
    /// `state` is a live thread of this VM with a free stack slot.
    pub unsafe fn push_chunk(&self, state: *mut lua_State, i: usize) -> bool {
        // SAFETY: by contract; the VM is one of this image.
        self.image.as_ref().is_some_and(|image| unsafe { image.push_chunk(state, i) })
    }

    /// The main thread of the VM. Valid as long as the VM.
    pub fn state(&self) -> *mut lua_State {
        self.state.as_ptr()
    }

    /// The memory account of the VM.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Errors "not enough memory" raised so far. A program can catch them and try again for ever, so a host looks here.
    pub fn memory_errors(&self) -> usize {
        // SAFETY: reads a field of a live state.
        unsafe { sys::wippy_memoryerrors(self.state()) }
    }

    /// Sets the host's pointer in the extra space of the main thread. Coroutines
    /// created from now on inherit it. Read it with [`extra`].
    pub fn set_extra(&self, data: *mut c_void) {
        // SAFETY: every state is preceded by LUA_EXTRASPACE bytes, one pointer.
        unsafe { *(ffi::lua_getextraspace(self.state()) as *mut *mut c_void) = data };
    }
}

impl Drop for RawVm {
    fn drop(&mut self) {
        let _unlimited = self.memory.suspend();
        // SAFETY: the state is live and not running; `memory` is dropped after it.
        unsafe { ffi::lua_close(self.state()) };
        debug_assert_eq!(self.memory.used(), 0, "Lua frees every block it allocated");
    }
}

/// The host's pointer of the VM that `state` (any of its threads) belongs to.
///
/// # Safety
/// `state` is a live thread of a [`RawVm`].
#[inline]
pub unsafe fn extra(state: *mut lua_State) -> *mut c_void {
    // SAFETY: by contract; see `RawVm::set_extra`.
    unsafe { *(ffi::lua_getextraspace(state) as *const *mut c_void) }
}

/// An error outside any protected call is a bug of the host: Lua aborts after this.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn wippy_panic(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with the error value on top of a live state.
    let text = unsafe {
        let text = ffi::lua_tolstring(state, -1, ptr::null_mut());
        if text.is_null() { c"(no text)".to_owned() } else { CStr::from_ptr(text).to_owned() }
    };
    eprintln!("unprotected error in a Lua VM: {}", text.to_string_lossy());
    0
}
