//! Declarations of the C functions this build adds to Lua (`csrc/wippy.h`).
//!
//! All of them take a live state and, where they take an index, a valid stack
//! index (no pseudo-index). None raises a Lua error unless its text says so,
//! none blocks.

#![allow(non_snake_case)] // `L`, as everywhere in Lua's API

use std::ffi::{c_char, c_int, c_uint, c_void};

use crate::ffi::{lua_CFunction, lua_Integer, lua_Number, lua_State};

/// `wippy_Entry` of csrc/wippy.h. Read it through `crate::library`.
#[repr(C)]
pub(crate) struct RawEntry {
    pub name: *const c_char,
    pub function: Option<lua_CFunction>,
    pub string: *const c_char,
    pub number: lua_Number,
    pub integer: lua_Integer,
    pub isinteger: c_int,
}

/// `wippy_Shared` of csrc/wippy.h: what is shared by all states now.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shared {
    /// Bytes of all of it, without the allocator's overhead.
    pub bytes: usize,
    /// Short strings.
    pub strings: usize,
    /// Chunks of code.
    pub chunks: usize,
    /// Tables of globals.
    pub globals: usize,
    /// Sets of strings.
    pub sets: usize,
    /// Library and method tables, metatables.
    pub tables: usize,
    /// Constant objects.
    pub objects: usize,
    /// Counts the publications of tables.
    pub epoch: usize,
}

/// Asked when the fuel of a state has run out, between two instructions of the
/// Lua function on top of `state`. `yieldable` is 0 behind a C boundary (a sort
/// comparator, a gsub callback). It refills with [`wippy_setfuel`] (else the
/// state runs on unlimited) and answers 1 to suspend the coroutine (ignored when
/// not yieldable) or 0 to go on. It may push a value and call `lua_error`.
pub type PreemptFn = unsafe extern "C-unwind" fn(state: *mut lua_State, yieldable: c_int) -> c_int;

/// A key or value of a table, seen by [`wippy_visit`] where it lies.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Part {
    /// `LUA_T...`; for an integer [`Part::INTEGER`].
    pub kind: c_int,
    /// Bytes of a string; of a boolean 0 or 1.
    pub size: usize,
    pub content: Content,
}

/// What a [`Part`] holds, by its kind: strings, integers, other numbers; nothing for all others.
#[derive(Clone, Copy)]
#[repr(C)]
pub union Content {
    /// Valid while the table and the string are alive.
    pub text: *const c_char,
    pub integer: i64,
    pub number: f64,
}

impl Part {
    /// The kind of numbers that are integers: above all of Lua's.
    pub const INTEGER: c_int = 16;
    pub const NONE: Part = Part { kind: -1, size: 0, content: Content { integer: 0 } };
}

unsafe extern "C-unwind" {
    /// Seed of the process: of the hashes, and of the `math.random` of every
    /// state created from now on (each draws its own, in order of creation). To
    /// be called before the first state, from one thread. Without it every run
    /// is the same.
    pub fn wippy_setseed(seed: u64);
    /// The next number of the state's `math.random` generator.
    pub fn wippy_random(L: *mut lua_State) -> u64;
    /// Sets the state of that generator.
    pub fn wippy_setrandom(L: *mut lua_State, state: u64);

    /// Makes the table at `idx` read-only (shallow), for Lua code for ever. No table: nothing.
    pub fn wippy_freeze(L: *mut lua_State, idx: c_int);
    /// Makes a table of the host's own writable again, to complete it; never for tables of a program.
    pub fn wippy_thaw(L: *mut lua_State, idx: c_int);
    /// 1 if the value at `idx` is a read-only table.
    pub fn wippy_isfrozen(L: *mut lua_State, idx: c_int) -> c_int;
    /// 1 if the table at `idx` has or ever had a hash part: it was made with
    /// room for one (`lua_createtable` with nrec > 0), got a key outside its
    /// sequence, or was marked by [`wippy_markhash`].
    pub fn wippy_hashash(L: *mut lua_State, idx: c_int) -> c_int;
    /// Makes [`wippy_hashash`] true for the table at `idx`.
    pub fn wippy_markhash(L: *mut lua_State, idx: c_int);

    /// Pops a table or nil and makes it the metatable of the table at `idx`, as
    /// programs may: a `__gc` in it is ignored. Raises for a read-only table.
    pub fn wippy_setmetatable(L: *mut lua_State, idx: c_int);

    /// Shows what lies at `idx`, a stack index or that of an upvalue of the host function that runs; kind -1: nothing.
    /// Neither raises nor allocates.
    pub fn wippy_show(L: *mut lua_State, idx: c_int, part: *mut Part);
    /// The bytes of the string at `idx` (as for [`wippy_show`]), valid while it is alive; null for anything else.
    pub fn wippy_text(L: *mut lua_State, idx: c_int, len: *mut usize) -> *const c_char;
    /// The block of the full userdata at `idx` (as for [`wippy_show`]), valid while it is alive; null for anything else.
    pub fn wippy_object(L: *mut lua_State, idx: c_int) -> *mut c_void;
    /// Shows the next pair of the table at stack index `idx` from `place` on (0: the first) in the order of `lua_next`
    /// and moves `place` behind it; 0: there is none. Neither raises nor allocates. The table must not change between
    /// two visits.
    pub fn wippy_visit(L: *mut lua_State, idx: c_int, place: *mut usize, pair: *mut [Part; 2]) -> c_int;
    /// Pushes key and value of the pair that [`wippy_visit`] showed last, when it moved to `place`.
    pub fn wippy_pushvisited(L: *mut lua_State, idx: c_int, place: usize);
    /// The hash of a text, for [`wippy_look`]; the same for all states of the process.
    pub fn wippy_hash(L: *mut lua_State, s: *const c_char, len: usize) -> c_uint;
    /// Shows what the table at stack index `idx` has, raw, under a text of `len` bytes with that hash; kind 0 (nil) if
    /// nothing. A table, function, coroutine or full userdata is pushed too. Allocates only for texts longer than 40
    /// bytes; needs a free slot.
    pub fn wippy_look(L: *mut lua_State, idx: c_int, s: *const c_char, len: usize, hash: c_uint, part: *mut Part);
    /// As [`wippy_look`], for an integer key. Never allocates.
    pub fn wippy_lookat(L: *mut lua_State, idx: c_int, i: i64, part: *mut Part);
    /// Pops a value and sets it, raw, under a text key in the writable table at stack index `idx`. Needs two free
    /// slots; may raise a memory error.
    pub fn wippy_settext(L: *mut lua_State, idx: c_int, s: *const c_char, len: usize);

    /// Writes a row of items of the array part of the table at stack index `idx > 0`, as the flat form has them, from
    /// `place` on (as for [`wippy_visit`], which it moves) until one is nil, has parts or does not fit into the `room`
    /// bytes at `out`. Gives the bytes written. Neither raises nor allocates.
    pub fn wippy_packitems(L: *mut lua_State, idx: c_int, place: *mut usize, out: *mut c_char, room: usize) -> usize;
    /// The same for pairs of the hash part; nothing as long as `place` has items before it. Adds their number to
    /// `count`.
    pub fn wippy_packpairs(
        L: *mut lua_State,
        idx: c_int,
        place: *mut usize,
        count: *mut c_uint,
        out: *mut c_char,
        room: usize,
    ) -> usize;
    /// Reads up to `count` items from the flat form at `s` to the places from `from` on (from 0) of the array part of
    /// the table on top of the stack, which the host is making, until one is nil, has parts, is damaged or has no place
    /// there. Gives the bytes read; `count` becomes the number of items. Needs a free slot; may raise a memory error.
    pub fn wippy_unpackitems(
        L: *mut lua_State,
        s: *const c_char,
        len: usize,
        from: c_uint,
        count: *mut c_uint,
    ) -> usize;
    /// The same for pairs of a text, of at most 255 bytes, and a value. Needs two free slots.
    pub fn wippy_unpackpairs(L: *mut lua_State, s: *const c_char, len: usize, count: *mut c_uint) -> usize;

    /// 1 if the chunk at stack index `idx` does the same each time it runs in a fresh state with the same globals, see
    /// csrc/wsteady.c.
    pub(crate) fn wippy_issteady(L: *mut lua_State, idx: c_int) -> c_int;

    /// Backward jumps and Lua calls the state may make before its
    /// [`PreemptFn`] is asked; at least 1. One tank for all its coroutines.
    pub fn wippy_setfuel(L: *mut lua_State, fuel: c_int);
    /// What is left of the fuel.
    pub fn wippy_getfuel(L: *mut lua_State) -> c_int;
    /// Who is asked when the fuel runs out; `None`: nobody, unlimited.
    pub fn wippy_setpreempt(L: *mut lua_State, f: Option<PreemptFn>);
    /// Takes work done in one go off the fuel, down to 0 at least; a unit is a
    /// call or a back edge of Lua, some nanoseconds.
    pub fn wippy_charge(L: *mut lua_State, work: usize);
    /// Charges the call of a host function that runs: a little, and its string
    /// arguments by their length.
    pub fn wippy_chargecall(L: *mut lua_State);
    /// 1 if the coroutine is suspended by preemption, not by a yield of its own.
    /// It is resumed with no arguments and has yielded no values.
    pub fn wippy_ispreempted(L: *mut lua_State) -> c_int;

    /// Errors "not enough memory" that the state raised so far, caught or not.
    pub fn wippy_memoryerrors(L: *mut lua_State) -> usize;
    /// Counts one that the host is about to raise.
    pub fn wippy_countmemoryerror(L: *mut lua_State);

    /// Gives back the part of the stack that a suspended coroutine does not need while it waits. Until
    /// [`wippy_restorestack`] it must not be resumed, nothing pushed onto it, and no garbage collected (closing the
    /// state is fine). Nothing for a coroutine that is not suspended in a C function.
    pub fn wippy_trimstack(L: *mut lua_State);
    /// Makes a stack whole that [`wippy_trimstack`] has cut; 0 if there is no memory, never while the limit is
    /// suspended.
    pub fn wippy_restorestack(L: *mut lua_State) -> c_int;

    /// Lets the main thread yield, so that a process needs no coroutine of its
    /// own: run it with `lua_resume(L, null, ...)`.
    pub fn wippy_mainyieldable(L: *mut lua_State);

    /// Pushes on `L` the stack trace of `L1` (may be `L`), without its first
    /// `level` frames: a line a frame, the first 7 and last 7 of more than 20.
    /// Takes up to 200,000 steps on a deep stack. May raise a memory error.
    pub fn wippy_traceback(L: *mut lua_State, L1: *mut lua_State, level: c_int);

    // Shared objects: see csrc/wshare.c; called only from `share`, under its lock unless they take a state
    // and push.
    pub(crate) fn wippy_sharechunk(L: *mut lua_State, idx: c_int) -> *mut c_void;
    pub(crate) fn wippy_shareglobals(L: *mut lua_State, idx: c_int) -> *mut c_void;
    pub(crate) fn wippy_unshare(holder: *mut c_void);
    pub(crate) fn wippy_newset(holders: *const *mut c_void, n: usize) -> *mut c_void;
    pub(crate) fn wippy_freeset(set: *mut c_void);
    pub(crate) fn wippy_sharetable(L: *mut lua_State, idx: c_int) -> *mut c_void;
    pub(crate) fn wippy_shareobject(size: usize, metatable: *mut c_void) -> *mut c_void;
    pub(crate) fn wippy_objectblock(object: *mut c_void) -> *mut c_void;
    pub(crate) fn wippy_countshared(to: *mut Shared);
    pub(crate) fn wippy_epoch(L: *mut lua_State) -> usize;
    pub(crate) fn wippy_see(L: *mut lua_State, set: *const c_void);
    pub(crate) fn wippy_pushchunk(L: *mut lua_State, chunk: *mut c_void);
    pub(crate) fn wippy_pushtable(L: *mut lua_State, table: *mut c_void);
    pub(crate) fn wippy_newrecord(L: *mut lua_State, shape: *const c_void, n: c_int);
    pub(crate) fn wippy_pushobject(L: *mut lua_State, object: *mut c_void);
    pub(crate) fn wippy_setstringmetatable(L: *mut lua_State, table: *mut c_void);
    pub(crate) fn wippy_setglobals(L: *mut lua_State, globals: *mut c_void);

    /// The names of a standard library (`_G`, `string`, `table`, `math`), or null.
    pub(crate) fn wippy_library(lib: *const c_char, len: usize, count: *mut usize) -> *const RawEntry;

    /// Closes a suspended or failed coroutine (or the main thread) and makes it
    /// usable again; missing in mlua's declarations.
    pub fn lua_closethread(L: *mut lua_State, from: *mut lua_State) -> c_int;
}
