//! Typed userdata: Rust values that live inside a Lua object.
//!
//! The value is stored inline behind a type header (rule 4 of `native`). Each
//! type has one metatable, shared by all VMs and made when the first object is
//! pushed. Lua code can neither see nor change it: `getmetatable` gives nil,
//! unknown members are nil, members cannot be set.

use std::any::TypeId;
use std::ffi::c_void;

use wippy_lua_vm::share::{self, Constant};
use wippy_lua_vm::sys;
use wippy_runtime::process::HeldId;

use super::call::{Call, Function, Raise, Ret};
use super::ffi::{self, lua_State};
use super::members::{Member, Source, shared, shared_members};
use super::stack::Stack;
use crate::native;

/// A type whose values can be Lua objects. Values are shared: use cells for what changes.
pub trait Object: 'static {
    /// What a method raises before ` expected` when called on something else.
    const EXPECTED: &'static str;
    /// Methods (and constants) found by indexing.
    const METHODS: &'static [Member];
    /// Metamethods by their name, such as `__tostring` and `__concat`. `__gc` and `__metatable` are set by the layer;
    /// `__index` too, unless it is given here for members that are known only at run time.
    const OPERATORS: &'static [Function] = &[];
    /// A key of the metatable set to true, by which C code knows the type.
    const MARK: Option<&'static str> = None;
    /// What `type()` gives, if that is not `userdata`.
    const TYPE: Option<&'static str> = None;
    /// The text that stands for the value where plain data is wanted (JSON), if any.
    fn text(&self) -> Option<&str> {
        None
    }
    /// The stream that the value stands for where bytes are read from or written to, if any ([`Call::stream`]).
    fn stream(&self) -> Option<HeldId> {
        None
    }
    /// Bytes of the host that the object holds and the VM's memory account was told of, see [`Stack::count_held`]; they
    /// are given back when it is dropped.
    fn held(&self) -> usize {
        0
    }
    /// Lua values that the object keeps alive, see [`Stack::set_slot`].
    const SLOTS: i32 = 0;
}

struct Header {
    id: TypeId,
    text: unsafe fn(*const c_void) -> Option<&'static str>,
    stream: unsafe fn(*const c_void) -> Option<HeldId>,
    /// Gives what the object held.
    drop: unsafe fn(*mut c_void) -> usize,
}

/// Type of an object whose value was already dropped.
enum Dead {}
static DEAD: Header = Header { id: TypeId::of::<Dead>(), text: no_text, stream: no_stream, drop: nothing };

unsafe fn no_text(_: *const c_void) -> Option<&'static str> {
    None
}

unsafe fn no_stream(_: *const c_void) -> Option<HeldId> {
    None
}

unsafe fn nothing(_: *mut c_void) -> usize {
    0
}

#[repr(C)]
struct Inline<T> {
    header: &'static Header,
    value: T,
}

struct Typed<T>(std::marker::PhantomData<T>);

impl<T: Object> Typed<T> {
    const HEADER: Header =
        Header { id: TypeId::of::<T>(), text: text_of::<T>, stream: stream_of::<T>, drop: drop_value::<T> };
    /// Lua aligns userdata to eight bytes.
    const ALIGNED: () = assert!(align_of::<T>() <= 8);
}

/// # Safety
/// `p` is an `Inline<T>` with a live value that outlives the use of the result.
unsafe fn text_of<T: Object>(p: *const c_void) -> Option<&'static str> {
    // SAFETY: promised.
    unsafe { (*p.cast::<Inline<T>>()).value.text() }
}

/// # Safety
/// `p` is an `Inline<T>` with a live value.
unsafe fn stream_of<T: Object>(p: *const c_void) -> Option<HeldId> {
    // SAFETY: promised.
    unsafe { (*p.cast::<Inline<T>>()).value.stream() }
}

/// # Safety
/// `p` is an `Inline<T>` with a live value.
unsafe fn drop_value<T: Object>(p: *mut c_void) -> usize {
    // SAFETY: promised.
    unsafe {
        let value = &raw mut (*p.cast::<Inline<T>>()).value;
        let held = (*value).held();
        std::ptr::drop_in_place(value);
        held
    }
}

/// # Safety
/// `l` is a live thread of one of our VMs and the slot keeps its value for `'a`.
#[inline]
pub(crate) unsafe fn get<'a, T: Object>(l: *mut lua_State, i: i32) -> Option<&'a T> {
    // SAFETY: rule 4: every full userdata starts with a header; a matching id proves the type.
    unsafe {
        let p = sys::wippy_object(l, i).cast::<Inline<T>>();
        (!p.is_null() && (*p).header.id == TypeId::of::<T>()).then(|| &(*p).value)
    }
}

/// The shared metatable of a type.
fn metatable<T: Object>() -> share::Table {
    // One address: a constant may have several.
    let methods = T::METHODS;
    let prepare = || {
        shared_members(methods);
    };
    shared(Source::Metatable(TypeId::of::<T>()), prepare, |stack| stack.push_own_metatable::<T>(methods))
}

/// An object that all VMs made from now on share, for a [`Member`]. It is never dropped.
pub fn constant<T: Object + Send + Sync>(value: T) -> Constant {
    const { Typed::<T>::ALIGNED }
    Constant::new(Inline { header: &Typed::<T>::HEADER, value }, metatable::<T>())
}

impl Stack<'_> {
    /// Pushes a new object with `value`.
    pub fn push_object<T: Object>(&self, value: T) {
        const { Typed::<T>::ALIGNED }
        assert!(self.reserve(6), "Lua stack exhausted");
        let header: &'static Header = &Typed::<T>::HEADER;
        // SAFETY: room was made, allocation cannot fail; the block is written before the collector can see it
        // with a metatable, so `__gc` only ever meets initialised objects.
        unsafe {
            let p = ffi::lua_newuserdatauv(self.raw(), size_of::<Inline<T>>(), T::SLOTS).cast::<Inline<T>>();
            p.write(Inline { header, value });
        }
        self.push_metatable::<T>(header);
        // SAFETY: object and metatable are the two topmost values.
        unsafe {
            ffi::lua_setmetatable(self.raw(), -2);
        }
    }
    /// Counts bytes of the host as memory of the VM. They belong to an object whose [`Object::held`] they are part of from
    /// now on.
    pub fn count_held(&self, bytes: usize) {
        self.state().memory().count(bytes);
    }
    fn push_metatable<T: Object>(&self, header: &'static Header) {
        let key: *const c_void = std::ptr::from_ref(header).cast();
        self.push_shared(metatable::<T>(), key, || self.push_own_metatable::<T>(T::METHODS));
    }
    fn push_own_metatable<T: Object>(&self, methods: &'static [Member]) {
        self.push_table(0, 3 + T::OPERATORS.len() + usize::from(T::MARK.is_some()) + usize::from(T::TYPE.is_some()));
        self.push_members(methods);
        self.set_field(-2, "__index");
        self.push_bool(false);
        self.set_field(-2, "__metatable");
        if std::mem::needs_drop::<T>() {
            self.push_function(COLLECT);
            self.set_field(-2, "__gc");
        }
        if let Some(mark) = T::MARK {
            self.push_bool(true);
            self.set_field(-2, mark);
        }
        if let Some(name) = T::TYPE {
            self.push_str(name);
            self.set_field(-2, "__type");
        }
        for operator in T::OPERATORS {
            self.push_function(*operator);
            self.set_field(-2, operator.name);
        }
    }
    /// The object of type `T` in slot `i`, if that is what it is; the borrow ends with the next change of the stack.
    #[inline]
    pub fn object_at<T: Object>(&self, i: i32) -> Option<&T> {
        // SAFETY: the slot keeps its value while `self` is borrowed... pushes take `&self` but never overwrite slots.
        unsafe { get::<T>(self.raw(), i) }
    }
    /// The text of the object in slot `i`, see [`Object::text`]; the borrow ends with the next change of the stack.
    pub fn object_text(&self, i: i32) -> Option<&str> {
        // SAFETY: rule 4; the slot keeps the object while `self` is borrowed.
        unsafe {
            let p = sys::wippy_object(self.raw(), i).cast::<Inline<()>>();
            if p.is_null() { None } else { ((*p).header.text)(p.cast()) }
        }
    }
    /// The stream that the object in slot `i` stands for, see [`Object::stream`].
    pub fn object_stream(&self, i: i32) -> Option<HeldId> {
        // SAFETY: rule 4.
        unsafe {
            let p = sys::wippy_object(self.raw(), i).cast::<Inline<()>>();
            if p.is_null() { None } else { ((*p).header.stream)(p.cast()) }
        }
    }
    /// Keeps the top value alive with the object at `i`, in its slot `n` (from 1), popping it. The object must
    /// have been made with that many [`Object::SLOTS`].
    pub fn set_slot(&self, i: i32, n: i32) {
        // SAFETY: an unknown slot is reported, not raised.
        unsafe {
            ffi::lua_setiuservalue(self.raw(), i, n);
        }
    }
    /// Pushes what slot `n` of the object at `i` holds, or nil.
    pub fn get_slot(&self, i: i32, n: i32) -> super::Type {
        assert!(self.reserve(2), "Lua stack exhausted");
        // SAFETY: pushes nil for an unknown slot.
        unsafe {
            ffi::lua_getiuservalue(self.raw(), i, n);
        }
        self.type_of(-1)
    }
}

const COLLECT: Function = native!("__gc", collect);

fn collect(call: &mut Call<'_>) -> Result<Ret, Raise> {
    // SAFETY: only the collector calls this, with a userdata of ours; user code cannot reach the metatable.
    // The header is replaced first, so a second finalisation (state close) finds nothing to drop.
    unsafe {
        if ffi::lua_type(call.raw(), 1) == ffi::LUA_TUSERDATA {
            let p = ffi::lua_touserdata(call.raw(), 1).cast::<Inline<()>>();
            let header = std::mem::replace(&mut (*p).header, &DEAD);
            let held = (header.drop)(p.cast());
            call.state().memory().give_back(held);
        }
    }
    Ok(Ret::NONE)
}
