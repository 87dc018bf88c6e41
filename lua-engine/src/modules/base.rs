//! The globals every program has: base functions and standard libraries.
//!
//! The names of the VM's libraries are handed to programs lazily like any other
//! module; `coroutine` and `os` are modules of the engine. Functions that meet lazy tables (`pairs`, `next`, `getmetatable`, `setmetatable`) are
//! wrapped, `print` and `require` are ours. Contains `unsafe`: the wrappers are
//! plain C functions that own nothing, so the C function they end in may raise.

use std::ffi::c_int;
use std::sync::OnceLock;

use wippy_runtime::payload::Map;

use wippy_lua_vm::library;

use crate::member;
use crate::native::ffi::{self, lua_State};
use crate::native::{Call, Function, Member, MemberValue, Raise, Ret, Stack, Type};
use crate::state::{LogLevel, LogRecord, State};

/// Names that exist besides what [`harvest`] finds.
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
    string: &'static [Member],
    next: ffi::lua_CFunction,
    getmetatable: ffi::lua_CFunction,
    setmetatable: ffi::lua_CFunction,
}

static LIBRARIES: OnceLock<Libraries> = OnceLock::new();

fn libraries() -> &'static Libraries {
    LIBRARIES.get_or_init(collect)
}

/// Learns the functions of the C libraries, once.
pub(crate) fn harvest() {
    libraries();
}

/// The globals that come from C libraries.
pub(crate) fn library_globals() -> &'static [Member] {
    &libraries().base
}

fn collect() -> Libraries {
    let mut base = members("_G");
    let pick = |name: &str| match base.iter().find(|m| m.name == name).map(|m| m.value) {
        Some(MemberValue::Function(f)) => f.raw(),
        _ => unreachable!("the base library has {name}"),
    };
    let (next, getmetatable, setmetatable) = (pick("next"), pick("getmetatable"), pick("setmetatable"));
    for (name, raw) in [
        ("pairs", pairs as ffi::lua_CFunction),
        ("next", wrapped_next),
        ("getmetatable", wrapped_getmetatable),
        ("setmetatable", wrapped_setmetatable),
    ] {
        base.retain(|m| m.name != name);
        base.push(Member::function(Function { name, raw }));
    }
    let string: &'static [Member] = Vec::leak(members("string"));
    base.push(Member::table("string", string));
    for name in ["table", "math"] {
        base.push(Member::table(name, Vec::leak(members(name))));
    }
    Libraries { base, string, next, getmetatable, setmetatable }
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

/// Gives strings their metatable: `__index` is the string library.
pub(crate) fn install_strings(stack: &Stack<'_>) {
    stack.push_str("");
    stack.push_table(0, 2);
    stack.push_members(libraries().string);
    stack.set_field(-2, "__index");
    stack.push_bool(false);
    stack.set_field(-2, "__metatable");
    // SAFETY: the string and the metatable are the two topmost values.
    unsafe {
        ffi::lua_setmetatable(stack.raw(), -2);
    }
    stack.pop_raw(1);
}

/// Completes the table in argument 1 if it is lazy.
///
/// # Safety
/// Called first in a C function of a live thread; returns with no Rust value left alive.
unsafe fn complete(l: *mut lua_State) {
    // SAFETY: suspended for the time of the work, as rule 2 of `native` asks.
    unsafe {
        if ffi::lua_type(l, 1) != ffi::LUA_TTABLE || ffi::lua_getmetatable(l, 1) == 0 {
            return;
        }
        ffi::lua_pop(l, 1);
        let _unlimited = State::of(l).memory().suspend();
        let stack = Stack::new(l);
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_RIDX_GLOBALS);
        let globals = stack.raw_equal(1, -1);
        ffi::lua_pop(l, 1);
        if globals {
            stack.complete_globals();
        } else {
            stack.complete(1);
        }
    }
}

unsafe extern "C-unwind" fn pairs(l: *mut lua_State) -> c_int {
    // SAFETY: this frame owns nothing, so luaL_checktype may raise.
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TTABLE);
        complete(l);
        ffi::lua_pushcclosure(l, libraries().next, 0);
        ffi::lua_pushvalue(l, 1);
        ffi::lua_pushnil(l);
    }
    3
}

unsafe extern "C-unwind" fn wrapped_next(l: *mut lua_State) -> c_int {
    // SAFETY: this frame owns nothing; the C function may raise.
    unsafe {
        complete(l);
        (libraries().next)(l)
    }
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
    // SAFETY: as above. A program may give its globals a metatable: then they must all be there.
    unsafe {
        if ffi::lua_type(l, 1) == ffi::LUA_TTABLE {
            ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_RIDX_GLOBALS);
            if ffi::lua_rawequal(l, 1, -1) != 0 && ffi::lua_getmetatable(l, 1) != 0 {
                ffi::lua_getfield(l, -1, c"__metatable".as_ptr());
                let ours = ffi::lua_type(l, -1) == ffi::LUA_TBOOLEAN;
                ffi::lua_pop(l, 2);
                if ours {
                    complete(l);
                    ffi::lua_pushnil(l);
                    ffi::lua_setmetatable(l, 1);
                }
            }
            ffi::lua_pop(l, 1);
        }
        (libraries().setmetatable)(l)
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
