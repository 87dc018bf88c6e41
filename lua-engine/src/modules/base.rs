//! The globals every program has: base functions and standard libraries.
//!
//! The VM's libraries are handed to programs like any other module; `coroutine`
//! and `os` are modules of the engine, `print` and `require` are ours, and
//! `getmetatable` and `setmetatable` hide the metatables of the engine. Contains
//! `unsafe`: their wrappers are plain C functions that own nothing, so the ones
//! they end in may raise.

use std::ffi::c_int;
use std::sync::OnceLock;

use wippy_runtime::payload::Map;

use wippy_lua_vm::library;

use crate::member;
use crate::native::ffi::{self, lua_State};
use crate::native::{Call, Function, Member, MemberValue, Raise, Ret, Stack, Type};
use crate::state::{LogLevel, LogRecord, State};

/// Names that exist besides those of the VM's libraries.
pub(crate) const GLOBALS: &[Member] = &[
    member!("print", print),
    member!("require", require),
    Member::table("package", PACKAGE),
    Member::table("coroutine", crate::process::coroutine::MEMBERS),
    crate::process::module::GLOBALS[0],
    crate::process::module::GLOBALS[1],
];

const PACKAGE: &[Member] =
    &[member!("loadlib", loadlib), member!("seeall", seeall), Member::str("path", ""), Member::str("cpath", "")];

/// Members of the C libraries.
struct Libraries {
    base: Vec<Member>,
    /// The metatable of strings.
    strings: &'static [Member],
    getmetatable: ffi::lua_CFunction,
    setmetatable: ffi::lua_CFunction,
}

static LIBRARIES: OnceLock<Libraries> = OnceLock::new();

fn libraries() -> &'static Libraries {
    LIBRARIES.get_or_init(collect)
}

/// The globals that come from C libraries.
pub(crate) fn library_globals() -> &'static [Member] {
    &libraries().base
}

fn collect() -> Libraries {
    let mut base = members("_G");
    let mut wrap = |name: &str, raw| {
        let own = base.iter_mut().find(|m| m.name == name).expect("the base library has it");
        let MemberValue::Function(wrapped) = own.value else { unreachable!("a function") };
        *own = Member::function(Function { name: own.name, raw });
        wrapped.raw()
    };
    let getmetatable = wrap("getmetatable", wrapped_getmetatable);
    let setmetatable = wrap("setmetatable", wrapped_setmetatable);
    let string: &'static [Member] = Vec::leak(members("string"));
    base.push(Member::table("string", string));
    for name in ["table", "math"] {
        base.push(Member::table(name, Vec::leak(members(name))));
    }
    let strings = [Member::table("__index", string), Member::bool("__metatable", false)];
    Libraries { base, strings: Vec::leak(strings.into()), getmetatable, setmetatable }
}

/// The names of a library of the VM.
fn members(library_name: &str) -> Vec<Member> {
    let value = |entry| match entry {
        library::Entry::Function(raw) => MemberValue::Function(Function { name: "", raw }),
        library::Entry::Text(s) => MemberValue::Str(s),
        library::Entry::Number(n) => MemberValue::Float(n),
        library::Entry::Integer(n) => MemberValue::Int(n),
    };
    library::entries(library_name).map(|(name, entry)| Member { name, value: value(entry) }).collect()
}

/// The metatable of strings: `__index` is the string library.
pub(crate) fn strings() -> &'static [Member] {
    libraries().strings
}

unsafe extern "C-unwind" fn wrapped_getmetatable(l: *mut lua_State) -> c_int {
    // SAFETY: as above. Protected metatables of the engine show as none.
    unsafe {
        let n = (libraries().getmetatable)(l);
        if ffi::lua_type(l, -1) == ffi::LUA_TBOOLEAN && ffi::lua_toboolean(l, -1) == 0 {
            ffi::lua_pushnil(l);
            return 1;
        }
        n
    }
}

unsafe extern "C-unwind" fn wrapped_setmetatable(l: *mut lua_State) -> c_int {
    // SAFETY: as above. A program may give its globals a metatable: then its types must all be there.
    unsafe {
        release_globals(l);
        (libraries().setmetatable)(l)
    }
}

/// Takes the engine's metatable from the table in argument 1, if that is the globals and has it.
///
/// # Safety
/// Called first in a C function of a live thread; returns with no Rust value left alive.
unsafe fn release_globals(l: *mut lua_State) {
    // SAFETY: suspended for the time of the work, as rule 2 of `native` asks.
    unsafe {
        if ffi::lua_type(l, 1) != ffi::LUA_TTABLE || ffi::lua_getmetatable(l, 1) == 0 {
            return;
        }
        let _unlimited = State::of(l).memory().suspend();
        let stack = Stack::new(l);
        let ours = stack.get_field(-1, "__metatable") == Type::Boolean;
        stack.push_globals();
        let globals = stack.raw_equal(1, -1);
        stack.drop_top(3);
        if ours && globals {
            stack.complete_types();
            ffi::lua_pushnil(l);
            ffi::lua_setmetatable(l, 1);
        }
    }
}

/// Writes a log record; only strings and numbers show.
fn print(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let mut line = Vec::new();
    for i in 1..=call.arg_count() {
        if i > 1 {
            line.push(b' ');
        }
        if matches!(call.type_of(i), Type::String | Type::Number) {
            line.extend_from_slice(call.str(i)?);
        }
    }
    let message = String::from_utf8_lossy(&line);
    call.log(LogLevel::Info, &message, "", &Map::new());
    Ok(Ret::NONE)
}

impl Call<'_> {
    /// Writes a log record at the place of the Lua caller.
    pub(crate) fn log(&self, level: LogLevel, message: &str, logger: &str, fields: &Map) {
        let location = match self.frame(1) {
            Some((source, line)) => format!("{source}:{line}"),
            None => self.state().program.id.clone(),
        };
        let state = self.state();
        state.surroundings().log(state, LogRecord { level, message, logger, location: &location, fields });
    }
}

/// The global of that name; nothing is loaded.
fn require(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.real_str(1).ok_or_else(|| call.expected(1, "string"))?;
    let name = String::from_utf8_lossy(name);
    if call.push_global(&name) == Type::Nil {
        return Err(Raise::text(format!("module '{name}' not found")));
    }
    Ok(Ret::ONE)
}

fn loadlib(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let name = call.text(1)?;
    Err(Raise::text(format!("cannot load module '{name}': loadlib disabled")))
}

fn seeall(_: &mut Call<'_>) -> Result<Ret, Raise> {
    Ok(Ret::NONE)
}
