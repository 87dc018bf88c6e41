//! The memory allocator of programs: mimalloc. Processes come and go on all
//! threads and their heaps are many small pieces; the system's allocator is
//! slower at that.
//!
//! The crate `mimalloc` asks for an alignment with every block, which is the
//! slower way in; nearly all blocks are content with what any block has.
//!
//! Contains `unsafe`: calls of mimalloc. They are sound because every block
//! comes from mimalloc and goes back to it, and because `mi_malloc` and
//! `mi_zalloc` align a block of at least 16 bytes to 16 and a smaller one to 8
//! (`MI_MAX_ALIGN_SIZE` and `_mi_malloc_generic` in its sources).

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys as mi;

/// For `#[global_allocator]`.
pub struct Allocator;

/// Whether a block is aligned well enough without asking.
#[inline]
fn is_plain(layout: &Layout) -> bool {
    layout.align() <= 8 || (layout.align() == 16 && layout.size() >= 16)
}

// SAFETY: each function does what the trait says; alignments are those of the module comment.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: asks for a block.
        unsafe {
            match is_plain(&layout) {
                true => mi::mi_malloc(layout.size()).cast(),
                false => mi::mi_malloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }
    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: asks for a block.
        unsafe {
            match is_plain(&layout) {
                true => mi::mi_zalloc(layout.size()).cast(),
                false => mi::mi_zalloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }
    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: a block of ours, by contract.
        unsafe { mi::mi_free(block.cast()) }
    }
    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: a block of ours, by contract; the caller has checked the size with the alignment.
        unsafe {
            match is_plain(&Layout::from_size_align_unchecked(size, layout.align())) {
                true => mi::mi_realloc(block.cast(), size).cast(),
                false => mi::mi_realloc_aligned(block.cast(), size, layout.align()).cast(),
            }
        }
    }
}
