//! How much memory the test program holds. Contains `unsafe`: an allocator that
//! counts and passes everything on to that of the program.
//!
//! What is in use is counted, not what the operating system has given: an
//! allocator keeps what it was given for later, in pieces that depend on which
//! thread freed what and when.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use wippy_allocator::Allocator;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: passes everything on to the allocator of the program.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { Allocator.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { Allocator.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        IN_USE.fetch_add(size.wrapping_sub(layout.size()), Relaxed);
        // SAFETY: as above.
        unsafe { Allocator.realloc(p, layout, size) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { Allocator.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that the program has asked for and not given back.
pub fn in_use() -> usize {
    IN_USE.load(Relaxed)
}

/// Pages in memory, in bytes.
pub fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
