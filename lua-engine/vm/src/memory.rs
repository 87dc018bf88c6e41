//! The memory account of one VM and the allocator Lua calls.
//!
//! Rules that make the `unsafe` sound: a `Memory` is owned by one VM, lives at a
//! fixed address (boxed) until after `lua_close`, and is touched only by the
//! thread that runs the VM. Lua hands back for every block the size it asked
//! for, so each block is freed with the layout it was allocated with.

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;

/// Lua objects hold pointers, integers and doubles.
const ALIGN: usize = 8;

/// Bytes used by one VM, and how many it may use.
///
/// While the account is suspended (host functions, see [`Memory::suspend`])
/// growth is counted but never refused.
#[derive(Debug)]
pub struct Memory {
    used: Cell<usize>,
    peak: Cell<usize>,
    limit: Cell<usize>,
    suspended: Cell<u32>,
}

impl Memory {
    /// An account of `limit` bytes; `usize::MAX` means unlimited.
    pub fn new(limit: usize) -> Self {
        Self { used: Cell::new(0), peak: Cell::new(0), limit: Cell::new(limit), suspended: Cell::new(0) }
    }

    /// Bytes in use now.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// The most bytes ever in use.
    pub fn peak(&self) -> usize {
        self.peak.get()
    }

    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Changes the limit. A VM already above it fails at its next growth.
    pub fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
    }

    /// Whether the use is over the limit: it grew so while suspended, or the limit was lowered. A refusal does not
    /// count, since the VM collects garbage and asks again; if that is in vain it raises an error, which
    /// [`crate::RawVm::memory_errors`] counts.
    pub fn is_over(&self) -> bool {
        self.used.get() > self.limit.get()
    }

    /// Counts bytes of the host that objects of the VM hold, although they are not in its heap. They are never refused;
    /// whoever adds them takes them away with [`Memory::give_back`].
    pub fn count(&self, bytes: usize) {
        let used = self.used.get().saturating_add(bytes);
        self.used.set(used);
        self.peak.set(self.peak.get().max(used));
    }

    /// Undoes [`Memory::count`].
    pub fn give_back(&self, bytes: usize) {
        self.used.set(self.used.get().saturating_sub(bytes));
    }

    /// Stops refusing growth until the guard is dropped. Nests.
    pub fn suspend(&self) -> Suspended<'_> {
        self.suspend_raw();
        Suspended(self)
    }

    /// Whether growth is only counted at the moment.
    pub fn is_suspended(&self) -> bool {
        self.suspended.get() > 0
    }

    /// [`Memory::suspend`] without a guard, for code a Lua error may jump out
    /// of; undone by [`Memory::resume_raw`] or [`Memory::reset_suspended`].
    pub fn suspend_raw(&self) {
        self.suspended.set(self.suspended.get().saturating_add(1));
    }

    /// Undoes one [`Memory::suspend_raw`].
    pub fn resume_raw(&self) {
        self.suspended.set(self.suspended.get().saturating_sub(1));
    }

    /// Enforces the limit again however deep it was suspended: to be called
    /// after `lua_resume` or `lua_pcall` returned with an error.
    pub fn reset_suspended(&self) {
        self.suspended.set(0);
    }

    /// The `lua_Alloc` function; its `ud` is a `*const Memory`.
    ///
    /// # Safety
    /// Only to be called by a Lua state created with a live `Memory` as `ud`.
    pub unsafe extern "C" fn alloc(ud: *mut c_void, block: *mut c_void, osize: usize, nsize: usize) -> *mut c_void {
        // SAFETY: by contract `ud` is the live account of the calling VM.
        let account = unsafe { &*(ud as *const Memory) };
        // For a null block `osize` is the kind of object, not a size.
        let old = if block.is_null() { 0 } else { osize };
        if nsize == 0 {
            if !block.is_null() {
                account.used.set(account.used.get() - old);
                // SAFETY: Lua frees each block once, with its size.
                unsafe { alloc::dealloc(block.cast(), layout(old)) };
            }
            return ptr::null_mut();
        }
        let used = account.used.get() - old + nsize;
        if nsize > old && used > account.limit.get() && account.suspended.get() == 0 {
            return ptr::null_mut();
        }
        if nsize > isize::MAX as usize - ALIGN {
            return account.failed(nsize);
        }
        let new = if block.is_null() {
            // SAFETY: the layout has a size above zero.
            unsafe { alloc::alloc(layout(nsize)) }
        } else {
            // SAFETY: `block` was allocated here with `osize` bytes, the new size is valid.
            unsafe { alloc::realloc(block.cast(), layout(old), nsize) }
        };
        if new.is_null() {
            return account.failed(nsize);
        }
        account.used.set(used);
        if used > account.peak.get() {
            account.peak.set(used);
        }
        new.cast()
    }

    /// The machine has no memory. Lua code gets an error; host code (suspended) was
    /// promised that allocation never raises, so it ends like any Rust code: the OS process aborts.
    #[cold]
    fn failed(&self, size: usize) -> *mut c_void {
        if self.suspended.get() > 0 {
            alloc::handle_alloc_error(layout(size.min(isize::MAX as usize - ALIGN)));
        }
        ptr::null_mut()
    }
}

/// Keeps a [`Memory`] from refusing growth while it lives.
#[derive(Debug)]
pub struct Suspended<'a>(&'a Memory);

impl Drop for Suspended<'_> {
    fn drop(&mut self) {
        self.0.resume_raw();
    }
}

fn layout(size: usize) -> Layout {
    // SAFETY: ALIGN is a power of two and `size` at most isize::MAX - ALIGN.
    unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
}
