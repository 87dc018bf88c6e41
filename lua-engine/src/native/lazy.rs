//! Tables that fill on first use: modules, method tables, the globals.
//!
//! A list of [`Member`]s is a constant of the program. A VM that uses one of
//! them gets an empty table; a member is stored in it when it is first read, so
//! a VM pays for what it uses. Such tables are frozen for Lua code. `pairs`
//! and `next` complete them first ([`Stack::complete`]).

use super::call::{Call, Function, Raise, Ret};
use super::ffi;
use super::stack::{Stack, Type};
use crate::native;

/// One entry of a module or method table.
#[derive(Clone, Copy)]
pub struct Member {
    pub name: &'static str,
    pub value: MemberValue,
}

#[derive(Clone, Copy)]
pub enum MemberValue {
    Function(Function),
    Int(i64),
    Float(f64),
    Bool(bool),
    Str(&'static str),
    /// A nested frozen table.
    Table(&'static [Member]),
    /// Pushes one value; runs once per VM.
    Make(fn(&Stack<'_>)),
}

impl Member {
    pub const fn function(f: Function) -> Member {
        Member { name: f.name, value: MemberValue::Function(f) }
    }
    pub const fn int(name: &'static str, v: i64) -> Member {
        Member { name, value: MemberValue::Int(v) }
    }
    pub const fn str(name: &'static str, v: &'static str) -> Member {
        Member { name, value: MemberValue::Str(v) }
    }
    pub const fn table(name: &'static str, members: &'static [Member]) -> Member {
        Member { name, value: MemberValue::Table(members) }
    }
    pub const fn make(name: &'static str, make: fn(&Stack<'_>)) -> Member {
        Member { name, value: MemberValue::Make(make) }
    }
}

/// A [`Member`] that is a native function: `member!("encode", encode)`.
#[macro_export]
macro_rules! member {
    ($name:expr, $f:expr) => {
        $crate::native::Member::function($crate::native!($name, $f))
    };
}

/// Registry key of the metatable that all lazy tables of a VM share.
static LAZY: u8 = 0;

fn key(members: &'static [Member]) -> *const std::ffi::c_void {
    members.as_ptr().cast()
}

impl Stack<'_> {
    /// Pushes the frozen table of `members`, always the same one in a VM.
    pub fn push_members(&self, members: &'static [Member]) {
        assert!(self.reserve(6), "Lua stack exhausted");
        let l = self.raw();
        // SAFETY: raw access to the registry.
        if unsafe { ffi::lua_rawgetp(l, ffi::LUA_REGISTRYINDEX, key(members)) } == ffi::LUA_TTABLE {
            return;
        }
        self.pop_raw(1);
        self.push_table(0, 0);
        self.push_lazy_metatable();
        // SAFETY: table and metatable are on top; then the table is anchored, so its address stays its own.
        unsafe {
            ffi::lua_setmetatable(l, -2);
            self.state().add_lazy(ffi::lua_topointer(l, -1), members);
            ffi::lua_pushvalue(l, -1);
            ffi::lua_rawsetp(l, ffi::LUA_REGISTRYINDEX, key(members));
        }
        self.set_frozen(-1, true);
    }
    pub(crate) fn push_lazy_metatable(&self) {
        let key = (&raw const LAZY).cast();
        // SAFETY: raw access to the registry.
        if unsafe { ffi::lua_rawgetp(self.raw(), ffi::LUA_REGISTRYINDEX, key) } == ffi::LUA_TTABLE {
            return;
        }
        self.pop_raw(1);
        self.push_table(0, 3);
        self.push_function(INDEX);
        self.set_field(-2, "__index");
        self.push_function(REFUSE);
        self.set_field(-2, "__newindex");
        self.push_bool(false);
        self.set_field(-2, "__metatable");
        self.push_copy(-1);
        // SAFETY: raw access to the registry with the copy on top.
        unsafe { ffi::lua_rawsetp(self.raw(), ffi::LUA_REGISTRYINDEX, key) };
    }
    /// Whether slot `i` holds a metatable of the engine, which stays in its VM.
    pub(crate) fn is_engine_metatable(&self, i: i32) -> bool {
        let found = self.get_field(i, "__metatable") == Type::Boolean;
        self.pop_raw(1);
        found
    }
    /// Stores all members of the table at `t` in it, if it is one that fills on use.
    pub fn complete(&self, t: i32) {
        let Some(members) = self.state().lazy_members(self.pointer(t)) else { return };
        let t = self.absolute(t);
        for member in members {
            if self.get_field(t, member.name) == Type::Nil {
                self.store_member(t, member);
            }
            self.pop_raw(1);
        }
    }
    /// Pushes the value of `member` and keeps it in the table at `t`.
    fn store_member(&self, t: i32, member: &Member) {
        self.push_member(member);
        self.push_copy(-1);
        self.set_frozen(t, false);
        self.set_field(t, member.name);
        self.set_frozen(t, true);
    }
    /// Pushes the value of `member`.
    pub fn push_member(&self, member: &Member) {
        match member.value {
            MemberValue::Function(f) => self.push_function(f),
            MemberValue::Int(i) => self.push_int(i),
            MemberValue::Float(f) => self.push_float(f),
            MemberValue::Bool(b) => self.push_bool(b),
            MemberValue::Str(s) => self.push_str(s),
            MemberValue::Table(members) => self.push_members(members),
            MemberValue::Make(make) => make(self),
        }
    }
}

const INDEX: Function = native!("__index", index);
const REFUSE: Function = native!("__newindex", refuse);

fn index(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let found = match (call.state().lazy_members(call.pointer(1)), call.real_str(2)) {
        (Some(members), Some(name)) => members.iter().find(|m| m.name.as_bytes() == name),
        _ => None,
    };
    match found {
        Some(member) => call.store_member(1, member),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

fn refuse(_: &mut Call<'_>) -> Result<Ret, Raise> {
    Err(Raise::text("attempt to modify Immutable table"))
}

/// Finds the members of lazy tables by the table's identity; part of [`State`].
#[derive(Default)]
pub(crate) struct Lazies(smallvec::SmallVec<[(usize, &'static [Member]); 4]>);

impl Lazies {
    pub(crate) fn add(&mut self, table: *const std::ffi::c_void, members: &'static [Member]) {
        self.0.push((table as usize, members));
    }
    pub(crate) fn find(&self, table: *const std::ffi::c_void) -> Option<&'static [Member]> {
        self.0.iter().find(|e| e.0 == table as usize).map(|e| e.1)
    }
}
