//! Tables of the binary: modules, method tables, metatables.
//!
//! What is in them is known when the binary is built, so there is one frozen
//! table for all VMs ([`wippy_lua_vm::share`]); a VM that uses it pays nothing.
//! It is made when it is first asked for. A VM that is older than the table may
//! not hold it, since it may have strings of its own with the same texts; it
//! gets a copy for itself.
//!
//! Contains `unsafe` for raw access to the registry and to shared objects.

use std::any::TypeId;
use std::cell::RefCell;
use std::sync::{LazyLock, OnceLock};

use parking_lot::RwLock;
use wippy_lua_vm::RawVm;
use wippy_lua_vm::share::{self, Constant, Globals};
use wippy_runtime::maps::FastMap;

use super::call::Function;
use super::ffi;
use super::stack::Stack;

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
    /// An object that all VMs share, see [`super::object::constant`].
    Constant(&'static LazyLock<Constant>),
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
    pub const fn bool(name: &'static str, v: bool) -> Member {
        Member { name, value: MemberValue::Bool(v) }
    }
    pub const fn table(name: &'static str, members: &'static [Member]) -> Member {
        Member { name, value: MemberValue::Table(members) }
    }
    pub const fn constant(name: &'static str, object: &'static LazyLock<Constant>) -> Member {
        Member { name, value: MemberValue::Constant(object) }
    }
}

/// A [`Member`] that is a native function: `member!("encode", encode)`.
#[macro_export]
macro_rules! member {
    ($name:expr, $f:expr) => {
        $crate::native::Member::function($crate::native!($name, $f))
    };
}

/// What records that are made often look like: one shared table, which all of them begin as a copy of.
pub(crate) struct Shape {
    members: &'static [Member],
    /// How many values a record takes.
    values: i32,
    table: OnceLock<share::Table>,
}

impl Shape {
    /// Names with a constant, or with an integer: the place of their value among those a record is made of, from 1.
    pub const fn new(members: &'static [Member]) -> Shape {
        let (mut values, mut i) = (0, 0);
        while i < members.len() {
            values += matches!(members[i].value, MemberValue::Int(_)) as i32;
            i += 1;
        }
        Shape { members, values, table: OnceLock::new() }
    }
    /// Its table. To be asked for before there are VMs that shall profit from it.
    pub fn table(&self) -> &share::Table {
        self.table.get_or_init(|| shared_members(self.members))
    }
}

/// What a shared table is made from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A list of members, by its address.
    Members(usize),
    /// The metatable of a type of objects.
    Metatable(TypeId),
}

/// All shared tables. There is one for each list and type of the binary, so their number is bounded.
static TABLES: LazyLock<RwLock<FastMap<Source, share::Table>>> = LazyLock::new(RwLock::default);

thread_local! {
    /// Those that this thread has met: no lock on the way of a message.
    static MET: RefCell<FastMap<Source, share::Table>> = RefCell::default();
}

/// The shared table of `source`. When it is not there yet `prepare` has those shared that it refers to, and `build` pushes
/// one with its content.
pub(super) fn shared(source: Source, prepare: impl FnOnce(), build: impl FnOnce(&Stack<'_>)) -> share::Table {
    if let Some(table) = MET.with_borrow(|met| met.get(&source).copied()) {
        return table;
    }
    let known = TABLES.read().get(&source).copied();
    let table = known.unwrap_or_else(|| {
        prepare();
        let built = build_alone(build, |l| {
            // SAFETY: a live VM with a table on top.
            unsafe { share::Table::of(l, -1) }
        });
        // Two threads may build at once; the first table stays.
        *TABLES.write().entry(source).or_insert(built)
    });
    MET.with_borrow_mut(|met| met.insert(source, table));
    table
}

/// Lets `build` push a table in a VM that only serves to copy it, which `copy` does.
fn build_alone<T>(build: impl FnOnce(&Stack<'_>), copy: impl FnOnce(*mut ffi::lua_State) -> Option<T>) -> T {
    let vm = RawVm::new(usize::MAX).expect("memory for a VM without limit");
    // SAFETY: a VM of our own without a limit. It has no state, which nothing that builds members asks for.
    build(&unsafe { Stack::new(vm.state()) });
    copy(vm.state()).expect("members are constants, functions and shared tables")
}

/// The shared table of `members`.
pub(crate) fn shared_members(members: &'static [Member]) -> share::Table {
    let source = Source::Members(members.as_ptr() as usize);
    shared(source, || share_parts(members), |stack| stack.push_own_members(members))
}

/// Sees to it that what `members` refer to is shared, so that VMs made from now on may hold it.
fn share_parts(members: &[Member]) {
    for member in members {
        match member.value {
            MemberValue::Table(nested) => {
                shared_members(nested);
            }
            MemberValue::Constant(object) => {
                LazyLock::force(object);
            }
            _ => {}
        }
    }
}

/// The globals with these names and values, to be shared by the VMs of a program.
pub(crate) fn globals<'n>(members: impl Iterator<Item = (&'n str, MemberValue)> + Clone) -> Globals {
    for (_, value) in members.clone() {
        share_parts(&[Member { name: "", value }]);
    }
    let build = |stack: &Stack<'_>| {
        stack.push_table(0, members.clone().count());
        for (name, value) in members {
            stack.push_member_value(value);
            stack.set_field(-2, name);
        }
    };
    // SAFETY: a live VM with a table on top.
    build_alone(build, |l| unsafe { Globals::of(l, -1) })
}

impl Stack<'_> {
    /// Pushes the frozen table of `members`, always the same one in a VM.
    pub fn push_members(&self, members: &'static [Member]) {
        self.push_shared(shared_members(members), members.as_ptr().cast(), || {
            self.push_own_members(members);
            self.set_frozen(-1, true);
        });
    }
    /// Pushes `table`, or in a VM that is older what `build` pushes, the first time, kept in the registry under `key`.
    pub(super) fn push_shared(&self, table: share::Table, key: *const std::ffi::c_void, build: impl FnOnce()) {
        assert!(self.reserve(6), "Lua stack exhausted");
        // SAFETY: room was made.
        if unsafe { table.push(self.raw()) } {
            return;
        }
        // SAFETY: raw access to the registry.
        if unsafe { ffi::lua_rawgetp(self.raw(), ffi::LUA_REGISTRYINDEX, key) } == ffi::LUA_TTABLE {
            return;
        }
        self.pop_raw(1);
        build();
        self.push_copy(-1);
        // SAFETY: raw access to the registry with the copy on top.
        unsafe { ffi::lua_rawsetp(self.raw(), ffi::LUA_REGISTRYINDEX, key) };
    }
    /// Makes the topmost values, as many as the shape takes, a record of that shape.
    pub(crate) fn push_record(&self, shape: &Shape) {
        assert!(self.reserve(4), "Lua stack exhausted");
        debug_assert!(self.top() >= shape.values);
        // SAFETY: room was made, the values are there, and `Shape::new` has counted them; allocation cannot fail (rule 2 of
        // `stack`).
        if unsafe { shape.table().push_record(self.raw(), shape.values) } {
            return;
        }
        let below = self.top() - shape.values;
        self.push_table(0, shape.members.len());
        for member in shape.members {
            match member.value {
                MemberValue::Int(place) => self.push_copy(below + place as i32),
                constant => self.push_member_value(constant),
            }
            self.set_field(-2, member.name);
        }
        self.rotate(below + 1, 1);
        self.pop_raw(shape.values);
    }
    /// Makes the table of `members`, which was shared before this VM was made, the metatable of all strings.
    pub(crate) fn set_metatable_of_strings(&self, members: &'static [Member]) {
        // SAFETY: a live VM.
        let set = unsafe { shared_members(members).set_for_strings(self.raw()) };
        assert!(set, "the library is shared before VMs are made");
    }
    /// Pushes a table with `members`.
    fn push_own_members(&self, members: &[Member]) {
        self.push_table(0, members.len());
        for member in members {
            self.push_member_value(member.value);
            self.set_field(-2, member.name);
        }
    }
    fn push_member_value(&self, value: MemberValue) {
        match value {
            MemberValue::Function(f) => self.push_function(f),
            MemberValue::Int(i) => self.push_int(i),
            MemberValue::Float(f) => self.push_float(f),
            MemberValue::Bool(b) => self.push_bool(b),
            MemberValue::Str(s) => self.push_str(s),
            MemberValue::Table(members) => self.push_members(members),
            MemberValue::Constant(object) => {
                assert!(self.reserve(2), "Lua stack exhausted");
                // SAFETY: room was made. Constants are parts of modules, which are shared before any VM that has them.
                let pushed = unsafe { object.push(self.raw()) };
                assert!(pushed, "a module is shared before the VMs of its programs are made");
            }
        }
    }
}
