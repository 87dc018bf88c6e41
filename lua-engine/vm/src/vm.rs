//! A Lua state with its memory account.
//!
//! Rules that make the `unsafe` sound: the state is created and closed here,
//! the account (at a fixed address) and the image outlive it, and only one thread at a time
//! uses either (`RawVm` is `Send`, not `Sync`). The account is the VM's own, or lies where the maker of the VM
//! promises that it stays: beside other data of a process it needs no block of its own.

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
    memory: NonNull<Memory>,
    /// What it sees of the code; kept until after the state is closed.
    image: Option<Arc<Image>>,
    /// The account is a box of ours.
    owns_memory: bool,
}

// SAFETY: a state is bound to no thread; exclusive use is given by `&mut`/ownership.
unsafe impl Send for RawVm {}

impl RawVm {
    /// Creates a VM that may use `limit` bytes (`usize::MAX`: unlimited).
    pub fn new(limit: usize) -> Result<Self, NewStateError> {
        let memory = NonNull::from(Box::leak(Box::new(Memory::new(limit))));
        // SAFETY: the box is freed after the state is closed, here or when the VM is dropped.
        let made = unsafe { Self::make(memory) };
        match made {
            Ok(mut vm) => {
                vm.owns_memory = true;
                Ok(vm)
            }
            Err(e) => {
                // SAFETY: ours, and the state that used it is gone.
                drop(unsafe { Box::from_raw(memory.as_ptr()) });
                Err(e)
            }
        }
    }

    /// As [`RawVm::new`], with the globals of `image`, whose chunks [`RawVm::push_chunk`] pushes.
    pub fn of(image: Arc<Image>, limit: usize) -> Result<Self, NewStateError> {
        Ok(Self::new(limit)?.with(image))
    }

    /// As [`RawVm::of`], with an account that somebody else owns.
    ///
    /// # Safety
    /// The account stays where it is until the VM is dropped, and is used by the thread that uses the VM only.
    pub unsafe fn beside(image: Arc<Image>, memory: NonNull<Memory>) -> Result<Self, NewStateError> {
        // SAFETY: promised.
        Ok(unsafe { Self::make(memory) }?.with(image))
    }

    /// # Safety
    /// As [`RawVm::beside`].
    unsafe fn make(memory: NonNull<Memory>) -> Result<Self, NewStateError> {
        SEEDED.call_once(|| ());
        // SAFETY: the account outlives the state.
        let state = unsafe { ffi::lua_newstate(Memory::alloc, memory.as_ptr().cast()) };
        let state = NonNull::new(state).ok_or(NewStateError)?;
        let vm = Self { state, memory, image: None, owns_memory: false };
        // SAFETY: the state is live, nothing runs in it.
        unsafe { sys::wippy_mainyieldable(vm.state()) };
        vm.set_extra(ptr::null_mut());
        Ok(vm)
    }

    /// The VM, which was just made, with the sight of `image`.
    fn with(mut self, image: Arc<Image>) -> Self {
        // SAFETY: the state was just made; the image is kept below, and dropped after the state is closed.
        unsafe { image.show(self.state()) };
        self.image = Some(image);
        self
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
        // SAFETY: it lives as long as the VM.
        unsafe { self.memory.as_ref() }
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
        let unlimited = self.memory().suspend();
        // SAFETY: the state is live and not running; the account goes after it.
        unsafe { ffi::lua_close(self.state()) };
        debug_assert_eq!(self.memory().used(), 0, "Lua frees every block it allocated");
        drop(unlimited);
        if self.owns_memory {
            // SAFETY: leaked by `new`, and nothing uses it any more.
            drop(unsafe { Box::from_raw(self.memory.as_ptr()) });
        }
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
