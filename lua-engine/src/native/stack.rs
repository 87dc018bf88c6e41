//! A Lua stack seen from Rust: typed reads and pushes that cannot raise.
//!
//! Usable inside a native function (through [`super::Call`]) and by the engine
//! itself on the stack of any thread of a VM while the memory limit is
//! suspended. Rules 2 and 5 of the module comment of `native` are kept here.

use std::ffi::{c_int, c_void};
use std::marker::PhantomData;

use wippy_lua_vm::sys;

use super::ffi::{self, lua_State};
use crate::state::State;

/// The type of a Lua value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    None,
    Nil,
    Boolean,
    Number,
    String,
    Table,
    Function,
    Userdata,
    Thread,
}

impl Type {
    /// The name as `type()` gives it; `no value` for a missing argument.
    pub fn name(self) -> &'static str {
        match self {
            Type::None => "no value",
            Type::Nil => "nil",
            Type::Boolean => "boolean",
            Type::Number => "number",
            Type::String => "string",
            Type::Table => "table",
            Type::Function => "function",
            Type::Userdata => "userdata",
            Type::Thread => "thread",
        }
    }
}

/// The stack of one Lua thread. Indices are Lua's: 1 is the first slot, -1 the top.
pub struct Stack<'a> {
    l: *mut lua_State,
    _vm: PhantomData<&'a State>,
}

impl<'a> Stack<'a> {
    /// # Safety
    /// `l` is a live thread of a VM made by [`crate::vm::Vm`], nobody else uses
    /// that VM for `'a`, and its memory limit is suspended for `'a`.
    pub unsafe fn new(l: *mut lua_State) -> Stack<'a> {
        Stack { l, _vm: PhantomData }
    }
    /// The raw thread, for the engine's own unsafe rooms.
    #[inline]
    pub fn raw(&self) -> *mut lua_State {
        self.l
    }
    /// The data of this VM.
    #[inline]
    pub fn state(&self) -> &'a State {
        // SAFETY: rule 5; the state outlives the VM and thereby 'a.
        unsafe { State::of(self.l) }
    }
    /// Number of values on the stack.
    #[inline]
    pub fn top(&self) -> i32 {
        // SAFETY: reads only.
        unsafe { ffi::lua_gettop(self.l) }
    }
    /// Makes room for `n` more pushes; false when the stack would outgrow its limit.
    #[inline]
    pub fn reserve(&self, n: i32) -> bool {
        // SAFETY: lua_checkstack reports failure instead of raising.
        unsafe { ffi::lua_checkstack(self.l, n) != 0 }
    }
    #[inline]
    fn room(&self) {
        assert!(self.reserve(4), "Lua stack exhausted");
    }
    #[inline]
    pub fn absolute(&self, i: i32) -> i32 {
        if i > 0 { i } else { self.top() + i + 1 }
    }
    #[inline]
    pub fn type_of(&self, i: i32) -> Type {
        // SAFETY: reads only; an index beyond the top is LUA_TNONE.
        match unsafe { ffi::lua_type(self.l, i) } {
            ffi::LUA_TNIL => Type::Nil,
            ffi::LUA_TBOOLEAN => Type::Boolean,
            ffi::LUA_TNUMBER => Type::Number,
            ffi::LUA_TSTRING => Type::String,
            ffi::LUA_TTABLE => Type::Table,
            ffi::LUA_TFUNCTION => Type::Function,
            ffi::LUA_TUSERDATA | ffi::LUA_TLIGHTUSERDATA => Type::Userdata,
            ffi::LUA_TTHREAD => Type::Thread,
            _ => Type::None,
        }
    }
    #[inline]
    pub fn is_nil_or_none(&self, i: i32) -> bool {
        matches!(self.type_of(i), Type::Nil | Type::None)
    }
    #[inline]
    pub fn is_integer(&self, i: i32) -> bool {
        // SAFETY: reads only.
        unsafe { ffi::lua_isinteger(self.l, i) != 0 }
    }
    /// Lua's notion of truth.
    #[inline]
    pub fn truth(&self, i: i32) -> bool {
        // SAFETY: reads only.
        unsafe { ffi::lua_toboolean(self.l, i) != 0 }
    }
    /// The bytes of a real string; the borrow ends with the next change of the stack.
    #[inline]
    pub fn bytes(&self, i: i32) -> Option<&[u8]> {
        // SAFETY: the slot holds the string while `self` is borrowed.
        unsafe { self.bytes_raw(i) }
    }
    /// # Safety
    /// The slot must keep its value for as long as the result is used.
    #[inline]
    pub(crate) unsafe fn bytes_raw<'s>(&self, i: i32) -> Option<&'s [u8]> {
        // SAFETY: reads only; the slot keeps the string.
        unsafe {
            let mut n = 0;
            let p = sys::wippy_text(self.l, i, &mut n);
            if p.is_null() { None } else { Some(std::slice::from_raw_parts(p.cast(), n)) }
        }
    }
    /// The number in the slot as a float, integers included; no string conversion.
    #[inline]
    pub fn number(&self, i: i32) -> Option<f64> {
        // SAFETY: reads only.
        unsafe {
            (ffi::lua_type(self.l, i) == ffi::LUA_TNUMBER).then(|| ffi::lua_tonumberx(self.l, i, std::ptr::null_mut()))
        }
    }
    /// An integer, or a float without fraction that fits.
    #[inline]
    pub fn integer(&self, i: i32) -> Option<i64> {
        // SAFETY: reads only.
        unsafe {
            if ffi::lua_type(self.l, i) != ffi::LUA_TNUMBER {
                return None;
            }
            let mut ok = 0;
            let n = ffi::lua_tointegerx(self.l, i, &mut ok);
            (ok != 0).then_some(n)
        }
    }
    /// The identity of a table, function, thread or userdata; null for other values.
    #[inline]
    pub fn pointer(&self, i: i32) -> *const c_void {
        // SAFETY: reads only.
        unsafe { ffi::lua_topointer(self.l, i) }
    }
    #[inline]
    pub fn raw_equal(&self, a: i32, b: i32) -> bool {
        // SAFETY: reads only.
        unsafe { ffi::lua_rawequal(self.l, a, b) != 0 }
    }
    /// Border of a table's sequence, without metamethods.
    #[inline]
    pub fn raw_len(&self, i: i32) -> usize {
        // SAFETY: reads only.
        unsafe { ffi::lua_rawlen(self.l, i) }
    }

    #[inline]
    pub fn push_nil(&self) {
        self.room();
        // SAFETY: room was made.
        unsafe { ffi::lua_pushnil(self.l) }
    }
    #[inline]
    pub fn push_bool(&self, b: bool) {
        self.room();
        // SAFETY: room was made.
        unsafe { ffi::lua_pushboolean(self.l, b as c_int) }
    }
    #[inline]
    pub fn push_int(&self, n: i64) {
        self.room();
        // SAFETY: room was made.
        unsafe { ffi::lua_pushinteger(self.l, n) }
    }
    #[inline]
    pub fn push_float(&self, n: f64) {
        self.room();
        // SAFETY: room was made.
        unsafe { ffi::lua_pushnumber(self.l, n) }
    }
    #[inline]
    pub fn push_str(&self, s: impl AsRef<[u8]>) {
        self.room();
        let s = s.as_ref();
        // SAFETY: room was made; allocation cannot fail (rule 2).
        unsafe {
            ffi::lua_pushlstring(self.l, s.as_ptr().cast(), s.len());
        }
    }
    /// Pushes a copy of the value at `i`.
    #[inline]
    pub fn push_copy(&self, i: i32) {
        self.room();
        // SAFETY: room was made.
        unsafe { ffi::lua_pushvalue(self.l, i) }
    }
    /// Pushes a new table with room for `array` and `hash` entries. Both are hints,
    /// except that `hash > 0` marks the table as a record (JSON: `{}` and not `[]`).
    #[inline]
    pub fn push_table(&self, array: usize, hash: usize) {
        self.room();
        // Hints from the outside must not make us reserve gigabytes.
        let cap = |n: usize| n.min(1 << 20) as c_int;
        // SAFETY: room was made; allocation cannot fail (rule 2).
        unsafe { ffi::lua_createtable(self.l, cap(array), cap(hash)) }
    }
    #[inline]
    pub fn push_function(&self, f: super::Function) {
        self.room();
        // SAFETY: a function without upvalues needs no allocation.
        unsafe { ffi::lua_pushcclosure(self.l, f.raw, 0) }
    }
    /// Pushes `f` bound to the text or object on top, popping it: [`super::Call::bound_text`] and
    /// [`super::Call::bound_object`] give it to the running function.
    pub fn push_bound(&self, f: super::Function) {
        // SAFETY: one value is on top; allocation cannot fail (rule 2).
        unsafe { ffi::lua_pushcclosure(self.l, f.raw, 1) }
    }
    /// Drops the top `n` values.
    #[inline]
    pub(crate) fn pop_raw(&self, n: i32) {
        debug_assert!(n <= self.top());
        // SAFETY: no to-be-closed slots exist in native frames.
        unsafe { ffi::lua_settop(self.l, -n - 1) }
    }
    /// `t[key] = top`, popping the top. `t` must be a table that is not frozen.
    #[inline]
    pub fn set_field(&self, t: i32, key: &str) {
        self.room();
        // SAFETY: room was made; raw access, and allocation cannot fail (rule 2).
        unsafe { sys::wippy_settext(self.l, self.absolute(t), key.as_ptr().cast(), key.len()) }
    }
    /// `t[n] = top`, popping the top. `t` must be a table that is not frozen.
    #[inline]
    pub fn set_index(&self, t: i32, n: i64) {
        // SAFETY: raw access with an integer key.
        unsafe { ffi::lua_rawseti(self.l, t, n) }
    }
    /// `t[key] = value` for the two topmost values, popping both; false (and nothing set) for a nil or NaN key.
    pub fn set_pair(&self, t: i32) -> bool {
        let bad = match self.type_of(-2) {
            Type::Nil | Type::None => true,
            Type::Number => self.number(-2).is_some_and(f64::is_nan),
            _ => false,
        };
        if bad {
            self.pop_raw(2);
            return false;
        }
        let t = self.absolute(t);
        // SAFETY: raw access, the key is neither nil nor NaN.
        unsafe { ffi::lua_rawset(self.l, t) };
        true
    }
    /// Pushes `t[key]` (nil if absent), without metamethods, and gives its type.
    #[inline]
    pub fn get_field(&self, t: i32, key: &str) -> Type {
        let t = self.absolute(t);
        self.push_str(key);
        // SAFETY: raw access to a table.
        unsafe { ffi::lua_rawget(self.l, t) };
        self.type_of(-1)
    }
    /// Replaces the key on top by `t[key]`, without metamethods, and gives its type.
    #[inline]
    pub fn get_raw(&self, t: i32) -> Type {
        // SAFETY: raw access to a table.
        unsafe { ffi::lua_rawget(self.l, t) };
        self.type_of(-1)
    }
    /// Pushes `t[n]`, without metamethods, and gives its type.
    #[inline]
    pub fn get_index(&self, t: i32, n: i64) -> Type {
        self.room();
        // SAFETY: raw access to a table.
        unsafe { ffi::lua_rawgeti(self.l, t, n) };
        self.type_of(-1)
    }
    /// Replaces the key on top by the next key and value of the table at `t`; at the end pops the key and
    /// gives false. Start with a nil on top. The table must not gain keys meanwhile, and keys must be
    /// read without conversion.
    #[inline]
    pub fn next(&self, t: i32) -> bool {
        self.room();
        // SAFETY: the key came from this table (caller's duty is checked by Lua only for unknown keys,
        // which cannot appear while nobody writes).
        unsafe { ffi::lua_next(self.l, t) != 0 }
    }
    /// Sets or clears the read-only mark of the table at `t`.
    #[inline]
    pub fn set_frozen(&self, t: i32, frozen: bool) {
        // SAFETY: changes a mark of the table, nothing if it is none.
        unsafe {
            match frozen {
                true => sys::wippy_freeze(self.l, t),
                false => sys::wippy_thaw(self.l, t),
            }
        }
    }
    #[inline]
    pub fn is_frozen(&self, t: i32) -> bool {
        // SAFETY: reads only.
        unsafe { sys::wippy_isfrozen(self.l, t) != 0 }
    }
    /// Takes the work of going through `bytes` bytes of structured data off the fuel.
    #[inline]
    pub fn charge(&self, bytes: usize) {
        // SAFETY: touches the fuel of the VM.
        unsafe { sys::wippy_charge(self.l, bytes >> 4) };
    }
    /// Takes work off the fuel that is not done by the VM, in steps of about the time of a call.
    #[inline]
    pub fn charge_steps(&self, steps: u64) {
        // SAFETY: touches the fuel of the VM.
        unsafe { sys::wippy_charge(self.l, usize::try_from(steps).unwrap_or(usize::MAX)) };
    }
    /// Collects all garbage of the VM now.
    pub fn collect_garbage(&self) {
        // SAFETY: finalisers are native, run without a memory limit and cannot raise; what lies on a stack stays.
        unsafe {
            ffi::lua_gc(self.l, ffi::LUA_GCCOLLECT);
        }
    }
    /// Whether the table ever received a key outside its array part: the difference between `{}` and `[]`.
    #[inline]
    pub fn has_hash_part(&self, t: i32) -> bool {
        // SAFETY: reads only; 0 for what is no table.
        unsafe { sys::wippy_hashash(self.l, t) != 0 }
    }
}
