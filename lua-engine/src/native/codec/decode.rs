//! Reading the flat form onto a Lua stack. Trusts nothing it reads.
//!
//! Contains `unsafe` under the rules of `native`: room is made before what
//! needs it, keys are checked before they are used.

use wippy_lua_vm::sys;
use wippy_runtime::Error;
use wippy_runtime::payload::{FlatReader, Tag};

use super::MAX_DEPTH;
use crate::native::ffi::{self, lua_State};
use crate::native::stack::Stack;

/// Why decoding stopped.
pub(super) enum Stop {
    Error(Error),
    NeedRefs,
}

impl From<Error> for Stop {
    fn from(e: Error) -> Stop {
        Stop::Error(e)
    }
}

/// Pushes values of a buffer.
pub(super) struct Decoder<'s, 'r, 'b> {
    pub stack: &'s Stack<'s>,
    pub l: *mut lua_State,
    pub r: &'r mut FlatReader<'b>,
    /// Slot of the table that holds all containers, once somebody refers to one.
    pub refs: Option<i32>,
    pub count: i64,
}

impl Decoder<'_, '_, '_> {
    /// Pushes the next value if it has no parts; otherwise leaves the reader where it is.
    #[inline]
    pub fn scalar(&mut self) -> bool {
        let mut r = self.r.clone();
        let l = self.l;
        assert!(self.stack.reserve(4), "Lua stack exhausted");
        // SAFETY: room was made; strings are allocated without fail (rule 2).
        unsafe {
            match r.tag() {
                Ok(Tag::Nil) => ffi::lua_pushnil(l),
                Ok(Tag::False) => ffi::lua_pushboolean(l, 0),
                Ok(Tag::True) => ffi::lua_pushboolean(l, 1),
                Ok(Tag::Int8) => match r.u8() {
                    Ok(n) => ffi::lua_pushinteger(l, n as i8 as i64),
                    Err(_) => return false,
                },
                Ok(Tag::Int64) => match r.word() {
                    Ok(n) => ffi::lua_pushinteger(l, i64::from_le_bytes(n)),
                    Err(_) => return false,
                },
                Ok(Tag::Float) => match r.word() {
                    Ok(n) => ffi::lua_pushnumber(l, f64::from_le_bytes(n)),
                    Err(_) => return false,
                },
                Ok(tag @ (Tag::Str8 | Tag::Str32 | Tag::Bytes)) => match r.text(tag) {
                    Ok(s) => {
                        ffi::lua_pushlstring(l, s.as_ptr().cast(), s.len());
                    }
                    Err(_) => return false,
                },
                _ => return false,
            }
        }
        *self.r = r;
        true
    }
    /// Pushes the next value.
    pub fn value(&mut self, depth: u32) -> Result<(), Stop> {
        let l = self.l;
        let tag = self.r.tag()?;
        // SAFETY: every container made room for what lies above it, the outermost value below; raw access
        // with checked keys; strings and tables are allocated without fail (rule 2).
        unsafe {
            match tag {
                Tag::Nil => ffi::lua_pushnil(l),
                Tag::False => ffi::lua_pushboolean(l, 0),
                Tag::True => ffi::lua_pushboolean(l, 1),
                Tag::Int8 => ffi::lua_pushinteger(l, self.r.u8()? as i8 as i64),
                Tag::Int64 => ffi::lua_pushinteger(l, i64::from_le_bytes(self.r.word()?)),
                Tag::Float => ffi::lua_pushnumber(l, f64::from_le_bytes(self.r.word()?)),
                Tag::Str8 | Tag::Str32 | Tag::Bytes => {
                    let s = self.r.text(tag)?;
                    ffi::lua_pushlstring(l, s.as_ptr().cast(), s.len());
                }
                Tag::List => {
                    let n = self.r.count(1)?;
                    self.begin(n, 0, depth)?;
                    self.items(n, depth)?;
                }
                Tag::Map => {
                    let n = self.r.count(2)?;
                    // At least one place, so that an empty map stays a map.
                    self.begin(0, n.max(1), depth)?;
                    self.pairs(n, depth)?;
                }
                Tag::Table => {
                    let (array, pairs) = (self.r.u32()?, self.r.u32()?);
                    if array as usize + (pairs as usize).saturating_mul(2) > self.r.rest().len() {
                        return Err(damaged().into());
                    }
                    self.begin(array, pairs.max(1), depth)?;
                    self.items(array, depth)?;
                    self.pairs(pairs, depth)?;
                }
                Tag::Ref => {
                    let n = i64::from(self.r.u32()?);
                    let Some(refs) = self.refs else { return Err(Stop::NeedRefs) };
                    if n >= self.count {
                        return Err(damaged().into());
                    }
                    ffi::lua_rawgeti(l, refs, n + 1);
                }
                Tag::Meta => self.with_metatable(depth)?,
                Tag::Error => {
                    let e = self.r.error(depth)?;
                    self.stack.push_error(e);
                }
            }
        }
        Ok(())
    }
    /// Pushes a new table and counts it.
    fn begin(&mut self, array: u32, hash: u32, depth: u32) -> Result<(), Stop> {
        if depth >= MAX_DEPTH {
            return Err(Error::invalid(format!("value is nested deeper than {MAX_DEPTH} levels")).into());
        }
        if !self.stack.reserve(8) {
            return Err(Error::invalid("no Lua stack left to copy the value").into());
        }
        self.stack.push_table(array as usize, hash as usize);
        self.count += 1;
        if let Some(refs) = self.refs {
            self.stack.push_copy(-1);
            self.stack.set_index(refs, self.count);
        }
        Ok(())
    }
    fn items(&mut self, n: u32, depth: u32) -> Result<(), Stop> {
        let mut done = 0;
        while done < n {
            let mut row = n - done;
            let rest = self.r.rest();
            // SAFETY: the table on top was made here and made room; strings are allocated without fail (rule 2).
            let read = unsafe { sys::wippy_unpackitems(self.l, rest.as_ptr().cast(), rest.len(), done, &mut row) };
            self.r.take(read)?;
            done += row;
            if done < n {
                self.value(depth + 1)?;
                done += 1;
                // SAFETY: the table lies below the value.
                unsafe { ffi::lua_rawseti(self.l, -2, i64::from(done)) };
            }
        }
        Ok(())
    }
    fn pairs(&mut self, n: u32, depth: u32) -> Result<(), Stop> {
        // SAFETY: reads the slot of the table.
        let table = unsafe { ffi::lua_gettop(self.l) };
        let mut left = n;
        while left > 0 {
            let mut row = left;
            let rest = self.r.rest();
            // SAFETY: as for items.
            let read = unsafe { sys::wippy_unpackpairs(self.l, rest.as_ptr().cast(), rest.len(), &mut row) };
            self.r.take(read)?;
            left -= row;
            if left > 0 {
                self.pair(table, depth)?;
                left -= 1;
            }
        }
        Ok(())
    }
    /// A pair whose key may be anything.
    fn pair(&mut self, table: i32, depth: u32) -> Result<(), Stop> {
        let l = self.l;
        self.value(depth + 1)?;
        // SAFETY: reads the key; nil and NaN would raise below.
        unsafe {
            let bad = match ffi::lua_type(l, -1) {
                ffi::LUA_TNIL => true,
                ffi::LUA_TNUMBER => ffi::lua_tonumberx(l, -1, std::ptr::null_mut()).is_nan(),
                _ => false,
            };
            if bad {
                return Err(damaged().into());
            }
            self.value(depth + 1)?;
            ffi::lua_rawset(l, table);
        }
        Ok(())
    }
    fn with_metatable(&mut self, depth: u32) -> Result<(), Stop> {
        let l = self.l;
        if depth >= MAX_DEPTH || !self.stack.reserve(8) {
            return Err(Error::invalid(format!("value is nested deeper than {MAX_DEPTH} levels")).into());
        }
        self.value(depth + 1)?;
        self.value(depth)?;
        // SAFETY: both are checked to be tables of this VM, the upper one is not frozen since it was made here.
        unsafe {
            if ffi::lua_type(l, -1) == ffi::LUA_TSTRING && ffi::lua_isinteger(l, -2) != 0 {
                let number = ffi::lua_tointegerx(l, -2, std::ptr::null_mut());
                if self.stack.push_arrived(number) {
                    ffi::lua_replace(l, -2);
                }
                ffi::lua_replace(l, -2);
                return Ok(());
            }
            if ffi::lua_type(l, -1) != ffi::LUA_TTABLE || ffi::lua_type(l, -2) != ffi::LUA_TTABLE {
                return Err(damaged().into());
            }
            ffi::lua_pushvalue(l, -2);
            // As a program would: a finaliser in it is ignored.
            sys::wippy_setmetatable(l, ffi::lua_gettop(l) - 1);
            ffi::lua_replace(l, -2);
        }
        Ok(())
    }
}

#[cold]
pub(super) fn damaged() -> Error {
    Error::invalid("damaged payload")
}
