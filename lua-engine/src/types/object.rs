//! The object that a type is for a program: it can be called, asked, compared and passed around.
//!
//! A VM has one handle to each declared type, so the same name is the same table key everywhere in it; parts that are
//! taken from a type get a handle each time. Methods work after a dot as well as after a colon: what indexing gives is
//! bound to its type, and the bound `is` is kept with the handle, so that using it allocates nothing.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::sync::Arc;

use wippy_lua_types::TypeValue;
use wippy_lua_types::value::METHODS;

use super::validate::{Wrong, validate};
use super::{Found, Made, RuntimeType};
use crate::modules::base;
use crate::native;
use crate::native::{Call, Function, Member, Object, Raise, Ret, Stack, Type, ffi};

/// See the module comment.
pub struct TypeObject {
    pub(super) ty: Arc<RuntimeType>,
    /// Bytes that the VM's memory account was told of.
    counted: Cell<usize>,
}

impl TypeObject {
    /// Has the VM pay for what its type takes by now.
    fn count(&self, stack: &Stack<'_>) {
        let bytes = self.ty.bytes();
        let more = bytes.saturating_sub(self.counted.replace(bytes));
        stack.count_held(more);
    }
}

impl Object for TypeObject {
    const EXPECTED: &'static str = "type";
    const METHODS: &'static [Member] = &[];
    const OPERATORS: &'static [Function] = &[
        native!("__index", index),
        native!("__call", call_type),
        native!("__tostring", |call| {
            call.push_str(&this(call, 1)?.text);
            Ok(Ret::ONE)
        }),
        native!("__eq", |call| compare(call, |a, b| a.same_as(b))),
        native!("__le", |call| compare(call, TypeValue::fits)),
        native!("__lt", |call| compare(call, |a, b| a.fits(b) && !a.same_as(b))),
    ];
    const TYPE: Option<&'static str> = Some("type");
    /// The bound `is`.
    const SLOTS: i32 = 1;
    fn text(&self) -> Option<&str> {
        Some(&self.ty.text)
    }
    fn held(&self) -> usize {
        self.counted.get()
    }
}

impl Stack<'_> {
    /// Pushes what a global that is not set is in respect of types. Errors: text to raise.
    pub(crate) fn push_found(&self, found: Found) -> Result<(), String> {
        match found {
            Found::Type(ty) => self.push_handle(ty),
            Found::Unknown(name) => return Err(format!("unknown type {name}")),
        }
        Ok(())
    }

    /// Pushes the VM's handle to a type; of a declared one always the same, which the VM keeps.
    pub(super) fn push_handle(&self, ty: Arc<RuntimeType>) {
        if ty.made != Made::Declared {
            return self.push_own(ty);
        }
        assert!(self.reserve(4), "Lua stack exhausted");
        let key: *const c_void = Arc::as_ptr(&ty).cast();
        // SAFETY: raw access to the registry; the handle holds the type, so its address stays its own.
        unsafe {
            if ffi::lua_rawgetp(self.raw(), ffi::LUA_REGISTRYINDEX, key) == ffi::LUA_TUSERDATA {
                return;
            }
            self.pop_raw(1);
            self.push_own(ty);
            self.push_copy(-1);
            ffi::lua_rawsetp(self.raw(), ffi::LUA_REGISTRYINDEX, key);
        }
    }

    /// Pushes a handle of its own.
    fn push_own(&self, ty: Arc<RuntimeType>) {
        self.push_object(TypeObject { ty, counted: Cell::new(0) });
        if let Some(object) = self.object_at::<TypeObject>(-1) {
            object.count(self);
        }
    }

    /// Pushes what a program has taken out of `of`.
    fn push_part(&self, ty: TypeValue, of: &RuntimeType) {
        let built = of.made == Made::Built || of.value.is_instance();
        self.push_own(RuntimeType::new(ty, if built { Made::Built } else { Made::Part }));
    }
}

fn this<'c>(call: &Call<'c>, i: i32) -> Result<&'c RuntimeType, Raise> {
    call.userdata::<TypeObject>(i).map(|object| &*object.ty)
}

/// The type that the running function is bound to.
fn bound<'c>(call: &Call<'c>) -> Result<&'c TypeObject, Raise> {
    call.bound_object::<TypeObject>().ok_or_else(|| Raise::text("type expected"))
}

fn compare(call: &mut Call<'_>, holds: impl Fn(&TypeValue, &TypeValue) -> bool) -> Result<Ret, Raise> {
    let holds = match (call.object::<TypeObject>(1), call.object::<TypeObject>(2)) {
        (Some(a), Some(b)) => holds(&a.ty.value, &b.ty.value),
        // Only an ordering asks for something to be said about other values.
        _ if call.name() == "__eq" => false,
        _ => {
            let name = |i| if call.object::<TypeObject>(i).is_some() { "type" } else { call.type_of(i).name() };
            return Err(Raise::text(format!("attempt to compare {} with {}", name(1), name(2))));
        }
    };
    call.push_bool(holds);
    Ok(Ret::ONE)
}

/// `T.x`: a method, else the type of a field; of `string` what the library has.
fn index(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let ty = this(call, 1)?;
    let Some(key) = call.real_str(2).and_then(|key| std::str::from_utf8(key).ok()) else {
        call.push_nil();
        return Ok(Ret::ONE);
    };
    if key == "is" {
        if call.get_slot(1, 1) != Type::Function {
            call.pop(1);
            call.push_copy(1);
            call.push_bound(IS);
            call.push_copy(-1);
            call.set_slot(1, 1);
        }
    } else if METHODS.contains(&key) {
        let method = INTROSPECTION.iter().find(|method| method.name == key);
        let method = method.ok_or_else(|| Raise::text(format!("type has no method {key}")))?;
        call.push_copy(1);
        call.push_bound(*method);
    } else if let Some(field) = ty.value.field(key) {
        call.push_part(field, ty);
    } else if ty.text == "string" && ty.value.name() == Some("string") {
        push_string_function(call, key);
    } else {
        call.push_nil();
    }
    Ok(Ret::ONE)
}

fn push_string_function(call: &Call<'_>, name: &str) {
    call.push_members(base::strings());
    call.get_field(-1, "__index");
    call.get_field(-1, name);
}

/// `T(v)`, or `G(A, B)`.
fn call_type(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let object = call.userdata::<TypeObject>(1)?;
    let ty = &*object.ty;
    let given = call.arg_count() - 1;
    let types: Vec<&TypeValue> = match given {
        0 => return Err(Raise::text(format!("type {} expects at least 1 argument", ty.text))),
        _ => (2..=given + 1).filter_map(|i| Some(&call.object::<TypeObject>(i)?.ty.value)).collect(),
    };
    if types.len() as i32 == given {
        let made = ty.value.instantiate(&types).map_err(|why| Raise::text(why.0))?;
        call.push_own(RuntimeType::new(made, Made::Built));
        return Ok(Ret::ONE);
    }
    if !types.is_empty() {
        return Err(Raise::text(format!("type {} does not accept mixed type/value arguments", ty.text)));
    }
    if given > 1 {
        return Err(Raise::text(format!("type {} validation expects 1 value, got {given}", ty.text)));
    }
    let valid = validate(call, 2, ty, false);
    object.count(call);
    if valid.is_err() {
        let got = call.type_of(2).name();
        return Err(Raise::text(format!("expected {}, got {got}", ty.text)));
    }
    call.push_copy(2);
    Ok(Ret::ONE)
}

const IS: Function = native!("is", is);

/// With a colon, or a type in front, the value is the second argument, else the first.
fn is(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let object = bound(call)?;
    let own = call.object::<TypeObject>(1).is_some_and(|first| Arc::ptr_eq(&first.ty, &object.ty));
    let at = if call.arg_count() >= 2 || own { 2 } else { 1 };
    if call.arg_count() < at {
        call.push_nil();
    } else {
        call.push_copy(at);
    }
    let valid = validate(call, -1, &object.ty, true);
    object.count(call);
    match valid {
        Ok(()) => call.fine(),
        Err(wrong) => call.fail(wrong_to_error(wrong)),
    }
}

fn wrong_to_error(wrong: Wrong) -> wippy_runtime::Error {
    wrong.unwrap_or_default().into_error()
}

/// The methods beside `is`.
const INTROSPECTION: &[Function] = &[
    native!("kind", |call| {
        call.push_str(bound(call)?.ty.value.kind());
        Ok(Ret::ONE)
    }),
    native!("name", |call| {
        match bound(call)?.ty.value.name() {
            Some(name) => call.push_str(name),
            None => call.push_nil(),
        }
        Ok(Ret::ONE)
    }),
    native!("elem", |call| part(call, TypeValue::elem)),
    native!("key", |call| part(call, |ty| ty.entry().map(|(key, _)| key))),
    native!("val", |call| part(call, |ty| ty.entry().map(|(_, value)| value))),
    native!("inner", |call| part(call, TypeValue::inner)),
    native!("ret", |call| part(call, TypeValue::ret)),
    native!("fields", |call| {
        let fields = bound(call)?.ty.value.fields();
        iterate(call, fields.map(|all| all.into_iter().map(|(name, ty)| Given::Named(name.to_string(), Some(ty)))))
    }),
    native!("variants", |call| {
        let variants = bound(call)?.ty.value.variants();
        iterate(call, variants.map(|all| all.into_iter().map(Given::Type)))
    }),
    native!("params", |call| {
        let params = bound(call)?.ty.value.params();
        iterate(call, params.map(|all| all.into_iter().map(Given::Type)))
    }),
    native!("tparams", |call| {
        let params = bound(call)?.ty.value.type_params();
        iterate(call, params.map(|all| all.into_iter().map(|(name, ty)| Given::Named(name.to_string(), ty))))
    }),
];

fn part(call: &mut Call<'_>, take: impl Fn(&TypeValue) -> Option<TypeValue>) -> Result<Ret, Raise> {
    let of = bound(call)?;
    match take(&of.ty.value) {
        Some(ty) => call.push_part(ty, &of.ty),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

enum Given {
    Named(String, Option<TypeValue>),
    Type(TypeValue),
}

/// What an iterator has still to give, and the type it is taken from.
struct Items {
    left: RefCell<std::vec::IntoIter<Given>>,
    of: Arc<RuntimeType>,
    bytes: usize,
}

impl Object for Items {
    const EXPECTED: &'static str = "iterator";
    const METHODS: &'static [Member] = &[];
    fn held(&self) -> usize {
        self.bytes
    }
}

fn iterate(call: &mut Call<'_>, items: Option<impl Iterator<Item = Given>>) -> Result<Ret, Raise> {
    match items {
        Some(items) => {
            let items: Vec<Given> = items.collect();
            let bytes = items.len() * size_of::<Given>();
            let of = bound(call)?.ty.clone();
            call.push_object(Items { left: RefCell::new(items.into_iter()), of, bytes });
            call.count_held(bytes);
            call.push_bound(NEXT);
        }
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
}

const NEXT: Function = native!("next", |call| {
    let items = call.bound_object::<Items>();
    let next = items.and_then(|items| Some((items.left.borrow_mut().next()?, &items.of)));
    match next {
        Some((Given::Named(name, ty), of)) => {
            call.push_str(name);
            match ty {
                Some(ty) => call.push_part(ty, of),
                None => call.push_nil(),
            }
            return Ok(Ret::TWO);
        }
        Some((Given::Type(ty), of)) => call.push_part(ty, of),
        None => call.push_nil(),
    }
    Ok(Ret::ONE)
});
