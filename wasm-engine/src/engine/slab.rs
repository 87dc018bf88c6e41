//! Linear memories and fiber stacks cut from a few large mappings.
//!
//! A mapping of the kernel for each instance would end at some ten thousand of
//! them (`vm.max_map_count`), so [`Places`] map room for a thousand at a time and
//! reserve nothing. Each place has a slot of every [`Slab`]: a stack and, right
//! above it, a memory, so that the few pages an idle process has touched of both
//! share a page of the kernel's page tables. Untouched pages cost nothing. A memory
//! that comes back is empty again before anybody gets it.
//!
//! Contains `unsafe`: it maps memory, implements wasmtime's allocation traits
//! and tells the compiler what it may rely on. Rules: a slot has one owner at a
//! time (its address is in no list while it is out); slots of a place have no
//! byte in common, and the slack behind the last is nobody's; mappings live as
//! long as the places, which every slab and so every slot keeps alive.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::{Config, LinearMemory, MemoryCreator, MemoryType, StackCreator, StackMemory};

/// Places of one mapping.
const PLACES: usize = 1024;
const PAGE: usize = 4096;
/// Bytes that a page of page tables stands for.
const TABLE: usize = 2 << 20;
/// Slots that are cleared by writing zeros, not by giving their pages back: cheaper when they are used again at once.
const WARM: usize = 256;
/// Bytes up to which a slot is worth keeping warm.
const WARM_BYTES: usize = 64 << 10;
/// Stacks in use from which memory is worth a call of the kernel for each.
const MANY: usize = 1024;
/// Bytes above the slots of a place that are never used: how far behind a masked index code may access. Static data of
/// guests in Rust lies behind their stack of one megabyte and is reached with a constant of that size.
pub const SLACK: usize = 2 << 20;
/// More than the frame of `trim_stack` and what it calls, in bytes.
const FRAME: usize = 1024;
/// `MADV_GUARD_INSTALL` of Linux 6.13: a guard page that costs no mapping.
const GUARD_INSTALL: libc::c_int = 102;

/// Address space in places of one size. See the module comment.
struct Places {
    size: usize,
    /// Bytes of a place that are in slots; at least [`SLACK`] follow them.
    used: usize,
    /// First place of each mapping.
    mappings: Mutex<Vec<usize>>,
}

impl Places {
    /// Where place `index` begins. Errors: the kernel has no room.
    fn get(&self, index: usize) -> Result<usize, String> {
        let mut mappings = self.mappings.lock();
        while mappings.len() <= index / PLACES {
            mappings.push(map(self.size * PLACES)?);
        }
        Ok(mappings[index / PLACES] + index % PLACES * self.size)
    }
    /// Where the place begins that has the byte at `address`.
    fn find(&self, address: usize) -> Option<usize> {
        let mappings = self.mappings.lock();
        let mapping = mappings.iter().rev().find(|m| (**m..**m + self.size * PLACES).contains(&address))?;
        Some(mapping + (address - mapping) / self.size * self.size)
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        for mapping in self.mappings.get_mut() {
            // SAFETY: mapped by `map` with this size; no slot is out, since each keeps the places alive.
            unsafe { libc::munmap(*mapping as *mut libc::c_void, self.size * PLACES) };
        }
    }
}

/// Slots of one size, one in each place. See the module comment.
pub struct Slab {
    places: Arc<Places>,
    /// Bytes of a place before the slot.
    offset: usize,
    slot: usize,
    max_slots: usize,
    /// Lowest page of each slot is not accessible.
    guarded: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Slots ever handed out.
    used: usize,
    /// Empty slots without pages.
    free: Vec<usize>,
    /// Slots that still have pages: zero ones of memories, any of stacks.
    warm: Vec<usize>,
    /// Guard pages take a mapping each.
    costly_guards: bool,
}

impl Slab {
    /// Slabs of `max_slots` slots each, given the bytes of a slot, a multiple of the page size, and whether its lowest page
    /// is to be inaccessible. The slots of a place lie one above the other, with [`SLACK`] bytes above the last that are
    /// never anybody's.
    pub fn one_above_the_other<const N: usize>(slots: [(usize, bool); N], max_slots: usize) -> [Arc<Slab>; N] {
        assert!(slots.iter().all(|(slot, _)| slot.is_multiple_of(PAGE)));
        let used: usize = slots.iter().map(|(slot, _)| slot).sum();
        let size = (used + SLACK).next_multiple_of(TABLE);
        let places = Arc::new(Places { size, used, mappings: Mutex::default() });
        let mut offset = 0;
        slots.map(|(slot, guarded)| {
            let slab = Slab { places: places.clone(), offset, slot, max_slots, guarded, state: Mutex::default() };
            offset += slot;
            Arc::new(slab)
        })
    }
    /// Whether guard pages cost mappings on this kernel; known after the first slot.
    pub fn has_costly_guards(&self) -> bool {
        self.state.lock().costly_guards
    }

    /// The address of an empty slot. Errors: all slots are in use; the kernel has no room.
    fn take(&self) -> Result<usize, String> {
        let mut state = self.state.lock();
        if let Some(slot) = state.warm.pop().or_else(|| state.free.pop()) {
            return Ok(slot);
        }
        if state.used >= self.max_slots {
            return Err(format!("all {} slots of the dense engine are in use", self.max_slots));
        }
        let slot = self.places.get(state.used)? + self.offset;
        if self.guarded {
            state.costly_guards |= !guard(slot)?;
        }
        state.used += 1;
        Ok(slot)
    }

    fn in_use(&self) -> usize {
        let state = self.state.lock();
        state.used - state.free.len() - state.warm.len()
    }

    /// Gives back what a guest has used of its stack below the place where it is now: pages that starting it took and
    /// waiting does not. To be called on that stack; does nothing on others, and as long as there are few.
    #[inline(never)]
    pub fn trim_stack(&self) {
        let here = 0_u8;
        let here = std::ptr::from_ref(&here) as usize;
        if self.in_use() < MANY {
            return;
        }
        let Some(slot) = self.places.find(here).map(|place| place + self.offset) else { return };
        let (start, end) = (slot + PAGE, (here - FRAME) / PAGE * PAGE);
        if start < end {
            // SAFETY: a stack grows down, so all that lives on it is at or above this frame, which ends within `FRAME`
            // bytes below `here` with that of the call. What is below was left by calls that have returned.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
        }
    }

    /// Takes back the slot at `address`, of which the bytes `dirty` may have been written. What was written on a stack
    /// may stay there: no guest can read a stack.
    fn give_back(&self, address: usize, dirty: Range<usize>, stack: bool) {
        let room = self.state.lock().warm.len() < WARM;
        if stack && room {
            return self.state.lock().warm.push(address);
        }
        let warm = !stack && room && dirty.len() <= WARM_BYTES;
        let start = (address + dirty.start) as *mut libc::c_void;
        // SAFETY: the slot is inside a mapping of ours, its owner is gone and nobody can get it before it is in a list.
        unsafe {
            if warm || libc::madvise(start, dirty.len(), libc::MADV_DONTNEED) != 0 {
                std::ptr::write_bytes(start.cast::<u8>(), 0, dirty.len());
            }
        }
        let mut state = self.state.lock();
        if warm { state.warm.push(address) } else { state.free.push(address) }
    }
}

/// Address space of `size` bytes, a multiple of [`TABLE`] as is its start, that takes no memory until it is used.
fn map(size: usize) -> Result<usize, String> {
    let (protection, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
    // SAFETY: a new anonymous mapping at an address the kernel chooses.
    let all = unsafe { libc::mmap(std::ptr::null_mut(), size + TABLE, protection, flags, -1, 0) };
    if all == libc::MAP_FAILED {
        return Err(format!("the system has no room for {size} more bytes: {}", std::io::Error::last_os_error()));
    }
    let (all, address) = (all as usize, (all as usize).next_multiple_of(TABLE));
    let (before, after) = (address - all, all + TABLE - address);
    // SAFETY: parts of the mapping just made, which nobody uses. Huge pages would give each instance two megabytes; a
    // refusal does not matter, and an unmapping of no bytes is one.
    unsafe {
        libc::munmap(all as *mut libc::c_void, before);
        libc::munmap((address + size) as *mut libc::c_void, after);
        libc::madvise(address as *mut libc::c_void, size, libc::MADV_NOHUGEPAGE);
    }
    Ok(address)
}

/// Makes the page at `address` inaccessible; false if that took a mapping.
fn guard(address: usize) -> Result<bool, String> {
    let page = address as *mut libc::c_void;
    // SAFETY: a page of a slot nobody owns yet.
    unsafe {
        if libc::madvise(page, PAGE, GUARD_INSTALL) == 0 {
            return Ok(true);
        }
        match libc::mprotect(page, PAGE, libc::PROT_NONE) {
            0 => Ok(false),
            _ => Err(format!("cannot protect a stack: {}", std::io::Error::last_os_error())),
        }
    }
}

/// Makes memories with exact bounds checks.
struct Memories(Arc<Slab>);

/// Has an engine cut its memories from `slab`, the last of its places and of slots of a power of two. Code checks bounds
/// exactly and never relies on a fault; what the processor speculates about an index stays in the slot and the slack.
pub fn use_memories(config: &mut Config, slab: &Arc<Slab>) {
    assert!(slab.slot.is_power_of_two() && slab.offset + slab.slot == slab.places.used);
    config
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .guard_before_linear_memory(false)
        .memory_may_move(false)
        .memory_init_cow(false)
        .with_host_memory(Arc::new(Memories(slab.clone())));
    // SAFETY: what the compiler of `third-party` is told is true: memories are never larger than a slot (`new_memory` and
    // `grow_to`), and the slack behind it is nobody's.
    unsafe {
        config.cranelift_flag_set("wippy_memory_slot_size", &slab.slot.to_string());
        config.cranelift_flag_set("wippy_memory_slot_slack", &SLACK.to_string());
    }
}

// SAFETY: a new memory is `minimum` zero bytes that nobody else owns and that never move; growing gives zero bytes.
unsafe impl MemoryCreator for Memories {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        _: Option<usize>,
        _: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        if guard != 0 {
            return Err("the dense engine has no guard pages behind memories".into());
        }
        if minimum > self.0.slot {
            return Err(format!("{minimum} bytes of memory are more than the {} of the dense engine", self.0.slot));
        }
        Ok(Box::new(SlabMemory { address: self.0.take()?, size: minimum, slab: self.0.clone() }))
    }
}

struct SlabMemory {
    address: usize,
    /// Never shrinks.
    size: usize,
    slab: Arc<Slab>,
}

// SAFETY: see `Memories`.
unsafe impl LinearMemory for SlabMemory {
    fn byte_size(&self) -> usize {
        self.size
    }
    fn byte_capacity(&self) -> usize {
        self.slab.slot
    }
    fn grow_to(&mut self, size: usize) -> wasmtime::Result<()> {
        if size > self.slab.slot {
            wasmtime::bail!("{size} bytes of memory are more than the {} of the dense engine", self.slab.slot);
        }
        self.size = self.size.max(size);
        Ok(())
    }
    fn as_ptr(&self) -> *mut u8 {
        self.address as *mut u8
    }
}

impl Drop for SlabMemory {
    fn drop(&mut self) {
        self.slab.give_back(self.address, 0..self.size, false);
    }
}

/// Makes stacks, each with a guard page at its low end.
pub struct Stacks(pub Arc<Slab>);

// SAFETY: a stack is page aligned, zero, nobody else's, and has a guard page below.
unsafe impl StackCreator for Stacks {
    fn new_stack(&self, size: usize, _zeroed: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        if size > self.0.slot - PAGE {
            wasmtime::bail!("a stack of {size} bytes is larger than the engine's");
        }
        let address = self.0.take().map_err(wasmtime::Error::msg)?;
        Ok(Box::new(SlabStack { address, slab: self.0.clone() }))
    }
}

struct SlabStack {
    address: usize,
    slab: Arc<Slab>,
}

// SAFETY: see `Stacks`.
unsafe impl StackMemory for SlabStack {
    fn top(&self) -> *mut u8 {
        (self.address + self.slab.slot) as *mut u8
    }
    fn range(&self) -> Range<usize> {
        self.address + PAGE..self.address + self.slab.slot
    }
    fn guard_range(&self) -> Range<*mut u8> {
        self.address as *mut u8..(self.address + PAGE) as *mut u8
    }
}

impl Drop for SlabStack {
    fn drop(&mut self) {
        self.slab.give_back(self.address, PAGE..self.slab.slot, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_comes_back_is_empty_and_there_are_no_more_than_allowed() {
        let [_, slab] = Slab::one_above_the_other([(1 << 20, true), (1 << 20, false)], 2);
        let first = slab.take().unwrap();
        let second = slab.take().unwrap();
        assert_eq!(slab.take().unwrap_err(), "all 2 slots of the dense engine are in use");
        for (slot, bytes) in [(first, 4096), (second, 1 << 20), (second, 4096)] {
            // SAFETY: the slot is ours.
            let memory = unsafe { std::slice::from_raw_parts_mut(slot as *mut u8, bytes) };
            memory.fill(7);
            slab.give_back(slot, 0..bytes, false);
            assert_eq!(slab.take().unwrap(), slot);
            assert!(memory.iter().all(|b| *b == 0));
        }
    }

    #[test]
    fn the_top_of_a_stack_and_the_start_of_a_memory_share_a_page_of_page_tables() {
        let [stacks, memories] = Slab::one_above_the_other([(1 << 20, true), (2 << 20, false)], PLACES + 1);
        for _ in 0..=PLACES {
            let (stack, memory) = (stacks.take().unwrap(), memories.take().unwrap());
            assert_eq!(stack + (1 << 20), memory);
            assert_eq!(stack % TABLE, 0);
            assert_eq!(stacks.places.find(memory), Some(stack));
        }
        assert_eq!(stacks.places.mappings.lock().len(), 2);
    }
}
