//! The flat form of values, straight from and to a Lua stack: the message path.
//!
//! Encoding visits each table once, raw, without a tree in between: integers 1
//! to n of the array part become a list, everything else pairs; whether a table
//! ever had a hash part is kept. Shared and cyclic references are kept within
//! one value. What cannot cross (functions, coroutines, other objects) becomes
//! nil; the first such place is remembered for a log line.
//! Decoding trusts nothing it reads.

mod decode;

use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use smallvec::SmallVec;
use wippy_lua_vm::sys::{self, Part};
use wippy_runtime::Error;
use wippy_runtime::payload::{Flat, FlatReader, FlatWriter};

use self::decode::{Decoder, Stop, damaged};
use super::ffi::{self, lua_State};
use super::object;
use super::stack::Stack;
use crate::modules::errors::ErrorObject;
use crate::types::TypeObject;

/// Deepest nesting of tables that crosses a border.
pub const MAX_DEPTH: u32 = FlatReader::MAX_DEPTH;

/// Bytes that rows of plain values are written in.
const ROW: usize = 1024;

/// Tables remembered in a plain list before a hash map takes over.
const LINEAR: usize = 24;

/// What an encoder learned besides the bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Path and type of the first value that could not cross and became nil, such as `[1].callback (function)`.
    pub dropped: Option<String>,
}

impl Stack<'_> {
    /// Appends the values of slots `from..=to` to `out`, each as a value of its own, so that together they take at
    /// most `limit` bytes. Errors carry the path to the value: Invalid, nested too deeply; LimitExceeded, too large. On
    /// an error `out` is as before.
    pub fn encode(&self, from: i32, to: i32, out: &mut Flat, limit: usize) -> Result<Encoded, Error> {
        out.append(|w| self.encode_to(from, to, w, limit))
    }
    /// [`Stack::encode`] to a writer.
    pub fn encode_to(&self, from: i32, to: i32, w: &mut FlatWriter<'_>, limit: usize) -> Result<Encoded, Error> {
        let start = w.position();
        for i in from..=to {
            if !scalar(self.raw(), i, w) || w.position() - start > limit {
                w.truncate(start);
                let encoded = self.encode_tables(from, to, w, limit);
                self.charge(w.position() - start);
                return encoded;
            }
        }
        Ok(Encoded::default())
    }
    fn encode_tables(&self, from: i32, to: i32, w: &mut FlatWriter<'_>, limit: usize) -> Result<Encoded, Error> {
        let start = w.position();
        let mut e = Encoder {
            l: self.raw(),
            w,
            limit: start.saturating_add(limit),
            seen: Seen::default(),
            keys: [0; 129],
            dropped: None,
        };
        for i in from..=to {
            e.seen.clear();
            e.keys[0] = (i - from + 1) as u32;
            if let Err(problem) = e.value(i, 0) {
                let path = e.path(problem.depth);
                self.set_top(problem.top);
                e.w.truncate(start);
                let text = format!("{} at {path}", problem.what.text(limit));
                return Err(if matches!(problem.what, What::Large) {
                    Error::limit_exceeded(text)
                } else {
                    Error::invalid(text)
                });
            }
        }
        Ok(Encoded { dropped: e.dropped })
    }
    /// Pushes every value of `flat` and gives their number. Errors: the buffer is damaged or too deep; then
    /// nothing is pushed.
    pub fn decode(&self, flat: &[u8]) -> Result<i32, Error> {
        let top = self.top();
        let mut reader = FlatReader::new(flat);
        let mut n = 0;
        while !reader.is_empty() {
            if let Err(e) = self.decode_one(&mut reader) {
                self.set_top(top);
                return Err(e);
            }
            n += 1;
        }
        Ok(n)
    }
    /// Pushes the next value of `reader`. On an error the reader's place is undefined and nothing is pushed.
    #[inline]
    pub fn decode_one(&self, reader: &mut FlatReader<'_>) -> Result<(), Error> {
        // What has no parts needs no more room than every stack has, and refers to nothing.
        let mut d = Decoder { stack: self, l: self.raw(), r: reader, refs: None, count: 0 };
        match d.scalar() {
            true => Ok(()),
            false => self.decode_nested(reader),
        }
    }
    fn decode_nested(&self, reader: &mut FlatReader<'_>) -> Result<(), Error> {
        let top = self.top();
        let before = reader.clone();
        let before_len = before.rest().len();
        let mut d = Decoder { stack: self, l: self.raw(), r: reader, refs: None, count: 0 };
        let mut result = d.value(0);
        if matches!(result, Err(Stop::NeedRefs)) {
            // Somebody refers to a container: read again, keeping all of them.
            self.set_top(top);
            *d.r = before;
            self.push_table(8, 0);
            d.refs = Some(top + 1);
            d.count = 0;
            result = d.value(0);
            if result.is_ok() {
                // SAFETY: moves the value over the table of references.
                unsafe { ffi::lua_replace(self.raw(), top + 1) };
            }
        }
        self.charge(before_len - d.r.rest().len().min(before_len));
        result.map_err(|stop| {
            self.set_top(top);
            match stop {
                Stop::Error(e) => e,
                Stop::NeedRefs => damaged(),
            }
        })
    }
    fn set_top(&self, top: i32) {
        // SAFETY: only ever lowers the top.
        unsafe { ffi::lua_settop(self.raw(), top) }
    }
}

#[derive(Clone, Copy)]
enum What {
    Deep,
    Large,
    Stack,
}

impl What {
    fn text(self, limit: usize) -> String {
        match self {
            What::Deep => format!("value is nested deeper than {MAX_DEPTH} levels"),
            What::Large => format!("value is larger than {limit} bytes"),
            What::Stack => "no Lua stack left to copy the value".to_owned(),
        }
    }
}

/// Why encoding stopped, where in the nesting, and the stack as it was before.
struct Problem {
    what: What,
    depth: u32,
    top: i32,
}

/// The containers begun in the value, in order.
#[derive(Default)]
struct Seen {
    list: SmallVec<[*const c_void; LINEAR]>,
    map: HashMap<*const c_void, u32>,
}

impl Seen {
    fn clear(&mut self) {
        self.list.clear();
        if !self.map.is_empty() {
            self.map.clear();
        }
    }
    #[inline]
    fn find(&self, p: *const c_void) -> Option<u32> {
        if self.list.len() <= LINEAR {
            self.list.iter().position(|q| *q == p).map(|i| i as u32)
        } else {
            self.map.get(&p).copied()
        }
    }
    #[inline]
    fn add(&mut self, p: *const c_void) {
        self.list.push(p);
        if self.list.len() > LINEAR {
            if self.map.is_empty() {
                self.map.extend(self.list.iter().enumerate().map(|(i, p)| (*p, i as u32)));
            } else {
                self.map.insert(p, self.list.len() as u32 - 1);
            }
        }
    }
}

/// Writes the value at the absolute index `i` if it has no parts.
#[inline]
fn scalar(l: *mut lua_State, i: i32, w: &mut FlatWriter<'_>) -> bool {
    let mut part = Part::NONE;
    // SAFETY: reads a slot.
    unsafe { sys::wippy_show(l, i, &mut part) };
    if part.kind == ffi::LUA_TNIL {
        w.nil();
        return true;
    }
    // SAFETY: as it was just shown.
    unsafe { write_plain(&part, u32::MAX as usize, w) }
}

/// Writes a value that has no parts and, if it is a text, at most `longest` bytes; otherwise gives false.
///
/// # Safety
/// `part` shows a value that is alive.
#[inline]
unsafe fn write_plain(part: &Part, longest: usize, w: &mut FlatWriter<'_>) -> bool {
    // SAFETY: the kind says which content is there.
    unsafe {
        match part.kind {
            ffi::LUA_TSTRING if part.size <= longest => {
                w.str(std::slice::from_raw_parts(part.content.text.cast(), part.size));
            }
            Part::INTEGER => w.int(part.content.integer),
            ffi::LUA_TNUMBER => w.float(part.content.number),
            ffi::LUA_TBOOLEAN => w.bool(part.size != 0),
            _ => return false,
        }
    }
    true
}

struct Encoder<'a, 'w> {
    l: *mut lua_State,
    w: &'a mut FlatWriter<'w>,
    limit: usize,
    seen: Seen,
    /// Where the key of each level lies on the Lua stack; level 0 is the number of the argument.
    keys: [u32; MAX_DEPTH as usize + 1],
    dropped: Option<String>,
}

impl Encoder<'_, '_> {
    fn problem(&self, what: What, depth: u32) -> Problem {
        // SAFETY: reads only. The caller of `encode` restores the stack below the first table's key.
        let top = if depth == 0 { unsafe { ffi::lua_gettop(self.l) } } else { self.keys[1] as i32 - 1 };
        Problem { what, depth, top }
    }
    /// Writes the value at the absolute index `i`.
    fn value(&mut self, i: i32, depth: u32) -> Result<(), Problem> {
        // SAFETY: raw reads of a slot that holds its value; strings are not converted.
        unsafe {
            match ffi::lua_type(self.l, i) {
                ffi::LUA_TSTRING => return self.string(i, depth),
                ffi::LUA_TNUMBER if ffi::lua_isinteger(self.l, i) != 0 => {
                    self.w.int(ffi::lua_tointegerx(self.l, i, std::ptr::null_mut()))
                }
                ffi::LUA_TNUMBER => self.w.float(ffi::lua_tonumberx(self.l, i, std::ptr::null_mut())),
                ffi::LUA_TBOOLEAN => self.w.bool(ffi::lua_toboolean(self.l, i) != 0),
                ffi::LUA_TTABLE => return self.table(i, depth),
                ffi::LUA_TUSERDATA => match object::get::<ErrorObject>(self.l, i) {
                    Some(e) => self.error(e),
                    None => match object::get::<TypeObject>(self.l, i) {
                        Some(ty) => self.type_value(ty),
                        None => self.drop_value(i, depth),
                    },
                },
                ffi::LUA_TNIL | ffi::LUA_TNONE => self.w.nil(),
                _ => self.drop_value(i, depth),
            }
        }
        if self.w.position() > self.limit { Err(self.problem(What::Large, depth)) } else { Ok(()) }
    }
    #[inline]
    fn string(&mut self, i: i32, depth: u32) -> Result<(), Problem> {
        // SAFETY: the slot holds a string for the duration.
        let s = unsafe {
            let mut n = 0;
            let p = ffi::lua_tolstring(self.l, i, &mut n);
            std::slice::from_raw_parts(p.cast::<u8>(), n)
        };
        if self.w.position().saturating_add(s.len()) > self.limit || s.len() > u32::MAX as usize {
            return Err(self.problem(What::Large, depth));
        }
        self.w.str(s);
        Ok(())
    }
    /// A type is a number that this node knows, in the place of a metatable, and a text for all others.
    fn type_value(&mut self, ty: &TypeObject) {
        // SAFETY: the encoder works on the stack of a thread of ours; nothing is pushed.
        let stack = unsafe { Stack::new(self.l) };
        let (number, text) = ty.ticket(&stack);
        self.w.meta();
        self.w.int(number);
        self.w.str(text.as_bytes());
    }
    fn error(&mut self, e: &ErrorObject) {
        if e.has_context() {
            self.w.error(&e.to_error());
        } else {
            self.w.error(e.error());
        }
    }
    #[cold]
    fn drop_value(&mut self, i: i32, depth: u32) {
        self.w.nil();
        self.note_dropped(i, depth);
    }
    #[cold]
    fn note_dropped(&mut self, i: i32, depth: u32) {
        if self.dropped.is_none() {
            // SAFETY: a static name.
            let kind = unsafe {
                std::ffi::CStr::from_ptr(ffi::lua_typename(self.l, ffi::lua_type(self.l, i))).to_string_lossy()
            };
            self.dropped = Some(format!("{} ({kind})", self.path(depth)));
        }
    }
    fn table(&mut self, i: i32, depth: u32) -> Result<(), Problem> {
        let l = self.l;
        // SAFETY: i holds a table; its address is its identity for as long as it lies there.
        let p = unsafe { ffi::lua_topointer(l, i) };
        if let Some(n) = self.seen.find(p) {
            self.w.reference(n);
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            return Err(self.problem(What::Deep, depth));
        }
        // SAFETY: reserves instead of raising; a metatable is pushed only when there is one.
        unsafe {
            if ffi::lua_checkstack(l, 6) == 0 {
                return Err(self.problem(What::Stack, depth));
            }
            if ffi::lua_getmetatable(l, i) != 0 {
                let mt = ffi::lua_gettop(l);
                self.w.meta();
                self.keys[depth as usize + 1] = mt as u32;
                // The metatable takes the place of a key, so that paths can name it.
                self.table(mt, depth + 1)?;
                ffi::lua_settop(l, mt - 1);
                if let Some(n) = self.seen.find(p) {
                    self.w.reference(n);
                    return Ok(());
                }
            }
        }
        self.seen.add(p);
        self.content(i, depth)
    }
    /// Keys and values of the table at `i`, in one pass. What has no parts is read where it lies; everything else,
    /// and what goes wrong, is pushed, so that paths can name it.
    fn content(&mut self, i: i32, depth: u32) -> Result<(), Problem> {
        let l = self.l;
        let mut pair = [Part::NONE; 2];
        let mut place = 0;
        // SAFETY: i holds a table; nobody changes it here, which is all that visits ask for.
        let next = |pair: &mut [Part; 2], place: &mut usize| unsafe { sys::wippy_visit(l, i, place, pair) != 0 };
        // SAFETY: reads only.
        let (hash, key) = unsafe { (sys::wippy_hashash(l, i) != 0, ffi::lua_gettop(l) + 1) };
        self.keys[depth as usize + 1] = key as u32;
        let start = self.w.position();
        let mut more = next(&mut pair, &mut place);
        let listed = more && is_one_or_array(&pair[0], hash);
        match (listed, hash) {
            (_, false) => self.w.list(0),
            (true, true) => self.w.table(0, 0),
            (false, true) => self.w.map(0),
        }
        // What was looked at is written with the row it begins.
        place = if more { 0 } else { place };
        // The sequence comes first and ascending.
        let mut count: i64 = 0;
        while listed && more {
            count += self.row(|out, room| {
                let before = place;
                // SAFETY: as for visits; the buffer has so much room.
                let written = unsafe { sys::wippy_packitems(l, i, &mut place, out, room) };
                (written, (place - before) as i64)
            });
            more = next(&mut pair, &mut place);
            let Some(n) = integer(&pair[0]).filter(|_| more) else { break };
            // Holes of the array part; a larger gap means that the key lies in the hash part.
            if n <= count || (hash && n != count + 1) {
                break;
            }
            while count + 1 < n {
                self.w.nil();
                count += 1;
            }
            if self.w.position() > self.limit || !self.plain(&pair[1]) {
                // SAFETY: the pair visited last; `table` made room for it.
                unsafe { sys::wippy_pushvisited(l, i, place) };
                if self.w.position() > self.limit {
                    return Err(self.problem(What::Large, depth + 1));
                }
                self.value(key + 1, depth + 1)?;
                // SAFETY: only lowers the top.
                unsafe { ffi::lua_settop(l, key - 1) };
            }
            count = n;
        }
        let mut pairs: u32 = 0;
        // A pair that ended the sequence was visited already.
        let mut visited = listed;
        while more {
            if !visited {
                pairs += self.row(|out, room| {
                    let mut n = 0;
                    // SAFETY: as above.
                    (unsafe { sys::wippy_packpairs(l, i, &mut place, &mut n, out, room) }, n)
                });
                more = next(&mut pair, &mut place);
                if !more {
                    break;
                }
            }
            visited = false;
            let before = self.w.position();
            let crosses = if self.plain(&pair[0]) && self.plain(&pair[1]) {
                true
            } else {
                self.w.truncate(before);
                // SAFETY: as above.
                unsafe { sys::wippy_pushvisited(l, i, place) };
                let crosses = self.pair(key, depth)?;
                // SAFETY: only lowers the top.
                unsafe { ffi::lua_settop(l, key - 1) };
                crosses
            };
            pairs += u32::from(crosses);
        }
        match (listed, hash) {
            (_, false) => self.w.patch_count(start, count as u32),
            (true, true) => self.w.patch_table(start, count as u32, pairs),
            (false, true) => self.w.patch_count(start, pairs),
        }
        Ok(())
    }
    /// Writes what `pack` puts into the buffer it is given, until it does not even fill half of it; gives the sum of its
    /// numbers.
    #[inline]
    fn row<N: Default + std::ops::AddAssign>(&mut self, mut pack: impl FnMut(*mut c_char, usize) -> (usize, N)) -> N {
        let mut buffer = [MaybeUninit::<u8>::uninit(); ROW];
        let mut sum = N::default();
        loop {
            let room = self.limit.saturating_sub(self.w.position()).min(ROW);
            let (written, n) = pack(buffer.as_mut_ptr().cast(), room);
            // SAFETY: written just now.
            self.w.raw(unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast(), written.min(ROW)) });
            sum += n;
            if written < ROW / 2 {
                return sum;
            }
        }
    }
    /// Writes a key or value that has no parts and fits. Otherwise gives false, and nothing is written.
    #[inline]
    fn plain(&mut self, part: &Part) -> bool {
        // The longest scalar takes nine bytes, the head of a string five.
        let room = self.limit.saturating_sub(self.w.position());
        if room < 9 {
            return false;
        }
        // SAFETY: a string lives as long as the table that holds it.
        unsafe { write_plain(part, (room - 5).min(u32::MAX as usize), self.w) }
    }
    /// One pair of a hash part; false when it cannot cross.
    fn pair(&mut self, key: i32, depth: u32) -> Result<bool, Problem> {
        // SAFETY: reads only.
        unsafe {
            for slot in [key + 1, key] {
                let crosses = match ffi::lua_type(self.l, slot) {
                    ffi::LUA_TFUNCTION | ffi::LUA_TTHREAD | ffi::LUA_TLIGHTUSERDATA => false,
                    ffi::LUA_TUSERDATA => {
                        let crosses = object::get::<ErrorObject>(self.l, slot).is_some()
                            || object::get::<TypeObject>(self.l, slot).is_some();
                        slot != key && crosses
                    }
                    _ => true,
                };
                if !crosses {
                    self.note_dropped(slot, depth + 1);
                    return Ok(false);
                }
            }
        }
        self.value(key, depth + 1)?;
        self.value(key + 1, depth + 1)?;
        Ok(true)
    }
    /// `[2].a.b[1]`: the argument, then the keys down to level `depth`.
    fn path(&self, depth: u32) -> String {
        let mut out = format!("[{}]", self.keys[0]);
        // SAFETY: the recorded slots still hold the keys; they are read without conversion.
        let stack = unsafe { Stack::new(self.l) };
        for &slot in &self.keys[1..=depth as usize] {
            let slot = slot as i32;
            if let Some(s) = stack.bytes(slot) {
                out.push('.');
                out.push_str(&String::from_utf8_lossy(s));
            } else if let Some(n) = stack.integer(slot) {
                out.push_str(&format!("[{n}]"));
            } else if let Some(n) = stack.number(slot) {
                out.push_str(&format!("[{n}]"));
            } else {
                out.push_str(&format!("[{}]", stack.type_of(slot).name()));
            }
            if out.len() > 512 {
                out.push_str("...");
                break;
            }
        }
        out
    }
}

/// The integer that `part` is.
#[inline]
fn integer(part: &Part) -> Option<i64> {
    // SAFETY: the kind says that it is there.
    if part.kind == Part::INTEGER { Some(unsafe { part.content.integer }) } else { None }
}

/// Whether the first key found starts a sequence: 1, or any place of an array part with holes.
#[inline]
fn is_one_or_array(key: &Part, hash: bool) -> bool {
    integer(key).is_some_and(|n| !hash || n == 1)
}
