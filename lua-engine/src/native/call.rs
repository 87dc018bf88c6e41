//! One call of a native function: the trampoline, arguments, results, raises.
//!
//! A native function is a plain `fn(&mut Call) -> Result<Ret, Raise>` wrapped
//! by [`native!`](crate::native) into a [`Function`]: a C function of its own,
//! without upvalues, so handing it to a VM allocates nothing. Rules 1 to 3 of
//! the module comment of `native` are kept here.

use std::borrow::Cow;
use std::ffi::{CStr, c_int};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wippy_lua_vm::sys;
use wippy_runtime::Error;

use super::ffi::{self, lua_State};
use super::object::{self, Object};
use super::stack::{Stack, Type};
use crate::modules::errors;
use crate::state::State;

/// How a native function ends well.
#[derive(Clone, Copy)]
pub enum Ret {
    /// The topmost values are the results.
    Values(i32),
    /// The coroutine is suspended; the topmost values go to the resumer. What it is resumed with are the results.
    Yield(i32),
    /// As `Yield`, but when resumed the continuation runs and gives the results. The number comes back in
    /// [`Call::context`]. Below what it is resumed with, the continuation finds the values that lay under the yielded ones.
    YieldThen(i32, Continuation, isize),
}

impl Ret {
    pub const NONE: Ret = Ret::Values(0);
    pub const ONE: Ret = Ret::Values(1);
    pub const TWO: Ret = Ret::Values(2);
}

/// How a native function fails: what `pcall` will see.
#[derive(Debug)]
pub enum Raise {
    /// Text; gets the position of the Lua caller in front.
    Text(Cow<'static, str>),
    /// Text as it is.
    Bare(Cow<'static, str>),
    /// An Error object.
    Object(Box<Error>),
    /// Whatever lies on top of the stack.
    Top,
}

impl Raise {
    /// `bad argument #i to NAME (reason)` for the function of `call`.
    pub fn argument(call: &Call<'_>, i: i32, reason: impl std::fmt::Display) -> Raise {
        Raise::Text(format!("bad argument #{i} to {} ({reason})", call.name).into())
    }
    /// Text with position.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Raise {
        Raise::Text(text.into())
    }
}

impl From<Error> for Raise {
    fn from(e: Error) -> Raise {
        Raise::Object(Box::new(e))
    }
}

/// A Rust function that Lua can call; implemented by [`native!`](crate::native).
pub trait Native {
    /// The name in error messages.
    const NAME: &'static str;
    fn call(call: &mut Call<'_>) -> Result<Ret, Raise>;
}

/// A native function as Lua sees it.
#[derive(Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    pub(crate) raw: ffi::lua_CFunction,
}

impl Function {
    pub const fn of<N: Native>() -> Function {
        Function { name: N::NAME, raw: trampoline::<N> }
    }
    /// The C function; light, without upvalues.
    pub fn raw(self) -> ffi::lua_CFunction {
        self.raw
    }
}

/// The second half of a native function that yielded.
#[derive(Clone, Copy)]
pub struct Continuation(ffi::lua_KFunction);

impl Continuation {
    pub const fn of<N: Native>() -> Continuation {
        Continuation(resume::<N>)
    }
}

/// Makes a [`Function`] of a Rust function: `native!("encode", encode)`. Usable in constants.
#[macro_export]
macro_rules! native {
    ($name:expr, $f:expr) => {{
        struct Item;
        impl $crate::native::Native for Item {
            const NAME: &'static str = $name;
            #[inline]
            fn call(call: &mut $crate::native::Call<'_>) -> Result<$crate::native::Ret, $crate::native::Raise> {
                let f: fn(&mut $crate::native::Call<'_>) -> Result<$crate::native::Ret, $crate::native::Raise> = $f;
                f(call)
            }
        }
        $crate::native::Function::of::<Item>()
    }};
}

/// Makes a [`Continuation`] of a Rust function, as [`native!`](crate::native).
#[macro_export]
macro_rules! continuation {
    ($name:expr, $f:expr) => {{
        struct Item;
        impl $crate::native::Native for Item {
            const NAME: &'static str = $name;
            #[inline]
            fn call(call: &mut $crate::native::Call<'_>) -> Result<$crate::native::Ret, $crate::native::Raise> {
                let f: fn(&mut $crate::native::Call<'_>) -> Result<$crate::native::Ret, $crate::native::Raise> = $f;
                f(call)
            }
        }
        $crate::native::Continuation::of::<Item>()
    }};
}

/// Why a continuation runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// It does not: this is the function itself.
    First,
    /// The coroutine was resumed.
    Yielded,
    /// A protected call below failed; its error is on top.
    Failed,
}

/// What the trampoline has to do; plain numbers, see rule 1.
#[derive(Clone, Copy)]
enum Outcome {
    Values(c_int),
    Yield(c_int, Option<ffi::lua_KFunction>, isize),
    Raise,
}

unsafe extern "C-unwind" fn trampoline<N: Native>(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a live thread of one of our VMs.
    let outcome = unsafe { invoke(l, N::call, N::NAME, Resume::First, 0) };
    // SAFETY: nothing with a destructor lives in this frame.
    unsafe { leave(l, outcome) }
}

unsafe extern "C-unwind" fn resume<N: Native>(l: *mut lua_State, status: c_int, context: isize) -> c_int {
    let resume = if status == ffi::LUA_YIELD { Resume::Yielded } else { Resume::Failed };
    // SAFETY: as in `trampoline`.
    let outcome = unsafe { invoke(l, N::call, N::NAME, resume, context) };
    // SAFETY: as in `trampoline`.
    unsafe { leave(l, outcome) }
}

/// # Safety
/// Must be the last thing its caller does, and no frame between it and Lua may own anything.
#[inline(always)]
unsafe fn leave(l: *mut lua_State, outcome: Outcome) -> c_int {
    // SAFETY: promised by the caller.
    unsafe {
        match outcome {
            Outcome::Values(n) => n,
            Outcome::Yield(n, None, _) => ffi::lua_yield(l, n),
            Outcome::Yield(n, Some(k), context) => ffi::lua_yieldk(l, n, context, Some(k)),
            Outcome::Raise => ffi::lua_error(l),
        }
    }
}

/// # Safety
/// `l` is the thread Lua passed to the running C function.
unsafe fn invoke(
    l: *mut lua_State,
    f: fn(&mut Call<'_>) -> Result<Ret, Raise>,
    name: &'static str,
    resume: Resume,
    context: isize,
) -> Outcome {
    // SAFETY: rule 5.
    let state = unsafe { State::of(l) };
    let memory = state.memory();
    let unlimited = memory.suspend();
    // SAFETY: touches the fuel of the VM.
    unsafe { sys::wippy_chargecall(l) };
    // SAFETY: the VM is ours until this returns, and the limit is suspended.
    let stack = unsafe { Stack::new(l) };
    let args = stack.top();
    let mut call = Call { stack, name, args, resume, context };
    // What nearly all calls give is a number, and goes through a register.
    let mut other = None;
    let values = catch_unwind(AssertUnwindSafe(|| match f(&mut call) {
        Ok(Ret::Values(n)) => n,
        result => {
            other = Some(result);
            0
        }
    }));
    let result = match other {
        None => values.map(|n| Ok(Ret::Values(n))),
        Some(result) => Ok(result),
    };
    let outcome = match result {
        Ok(Ok(Ret::Values(n))) => Outcome::Values(n),
        Ok(Ok(Ret::Yield(n))) => Outcome::Yield(n, None, 0),
        Ok(Ok(Ret::YieldThen(n, k, context))) => Outcome::Yield(n, Some(k.0), context),
        Ok(Err(raise)) => {
            call.push_raise(raise);
            Outcome::Raise
        }
        Err(_) => {
            call.push_raise(Raise::Text(format!("internal error in {name}").into()));
            Outcome::Raise
        }
    };
    drop(unlimited);
    // A function called by the engine itself, limit off, leaves the check to the engine.
    if memory.is_over() && !memory.is_suspended() && !matches!(outcome, Outcome::Raise) && !fits(&call.stack) {
        return Outcome::Raise;
    }
    outcome
}

/// Collects garbage, since the use is over the limit. If it still is, pushes the error and gives false.
#[cold]
fn fits(stack: &Stack<'_>) -> bool {
    let memory = stack.state().memory();
    let _unlimited = memory.suspend();
    stack.collect_garbage();
    if !memory.is_over() {
        return true;
    }
    // SAFETY: counts.
    unsafe { sys::wippy_countmemoryerror(stack.raw()) };
    stack.push_str("not enough memory");
    false
}

/// See the module comment.
pub struct Call<'a> {
    stack: Stack<'a>,
    name: &'static str,
    args: i32,
    resume: Resume,
    context: isize,
}

impl<'a> Deref for Call<'a> {
    type Target = Stack<'a>;
    #[inline]
    fn deref(&self) -> &Stack<'a> {
        &self.stack
    }
}

impl<'a> Call<'a> {
    /// Number of arguments that were passed.
    #[inline]
    pub fn arg_count(&self) -> i32 {
        self.args
    }
    /// The function's name in messages.
    pub fn name(&self) -> &'static str {
        self.name
    }
    /// Why this runs, see [`Resume`].
    pub fn resume(&self) -> Resume {
        self.resume
    }
    /// The number given to [`Ret::YieldThen`].
    pub fn context(&self) -> isize {
        self.context
    }
    /// The text that the running function is bound to, see [`Stack::push_bound`]; empty if it is not.
    pub fn bound_text(&self) -> &'a [u8] {
        // SAFETY: the closure runs, so its upvalue stays; without one the index is valid and holds nothing.
        unsafe { self.stack.bytes_raw(ffi::lua_upvalueindex(1)) }.unwrap_or_default()
    }
    /// The object of type `T` that the running function is bound to, see [`Stack::push_bound`].
    pub fn bound_object<T: Object>(&self) -> Option<&'a T> {
        // SAFETY: as in `bound_text`.
        unsafe { object::get::<T>(self.raw(), ffi::lua_upvalueindex(1)) }
    }
    /// Drops the top `n` values, never an argument (rule 3).
    pub fn pop(&mut self, n: i32) {
        let n = n.min(self.top() - self.args).max(0);
        self.stack.pop_raw(n);
    }
    /// Drops everything above slot `top`, never an argument.
    pub fn truncate(&mut self, top: i32) {
        self.pop(self.top() - top);
    }

    // ---- arguments

    /// The raise for an argument of the wrong type.
    #[cold]
    pub fn expected(&self, i: i32, what: &str) -> Raise {
        Raise::argument(self, i, format_args!("{what} expected, got {}", self.type_of(i).name()))
    }
    /// The raise for an argument with a problem.
    #[cold]
    pub fn bad_argument(&self, i: i32, reason: impl std::fmt::Display) -> Raise {
        Raise::argument(self, i, reason)
    }
    fn is_argument(&self, i: i32) -> bool {
        i >= 1 && i <= self.args
    }
    /// A required string: also accepts numbers and Error objects (their text).
    #[inline]
    pub fn str(&self, i: i32) -> Result<&'a [u8], Raise> {
        match self.real_str(i) {
            Some(s) => Ok(s),
            None => self.str_of_other(i),
        }
    }
    fn str_of_other(&self, i: i32) -> Result<&'a [u8], Raise> {
        if self.is_argument(i) {
            if self.type_of(i) == Type::Number {
                // SAFETY: an argument slot; the number is replaced by its text and stays there.
                unsafe {
                    ffi::lua_tolstring(self.raw(), i, std::ptr::null_mut());
                    if let Some(s) = self.stack.bytes_raw(i) {
                        return Ok(s);
                    }
                }
            }
            if let Some(e) = self.object::<errors::ErrorObject>(i) {
                return Ok(e.text().as_bytes());
            }
        }
        Err(self.expected(i, "string"))
    }
    /// As [`Call::str`], for functions that need UTF-8: other bytes become U+FFFD.
    pub fn text(&self, i: i32) -> Result<Cow<'a, str>, Raise> {
        self.str(i).map(|s| match std::str::from_utf8(s) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(s),
        })
    }
    /// An argument that really is a string, without conversion.
    #[inline]
    pub fn real_str(&self, i: i32) -> Option<&'a [u8]> {
        if !self.is_argument(i) {
            return None;
        }
        // SAFETY: an argument slot keeps its value for 'a (rule 3).
        unsafe { self.stack.bytes_raw(i) }
    }
    /// An optional string: nil and absence give `None`; anything but a real string raises.
    pub fn opt_str(&self, i: i32) -> Result<Option<&'a [u8]>, Raise> {
        match self.type_of(i) {
            Type::None | Type::Nil => Ok(None),
            Type::String => Ok(self.real_str(i)),
            _ => Err(self.expected(i, "string")),
        }
    }
    /// A number without fraction.
    pub fn int(&self, i: i32) -> Result<i64, Raise> {
        match self.stack.integer(i) {
            Some(n) => Ok(n),
            // Fractions are cut off, as the dialect's library does.
            None => match self.stack.number(i) {
                Some(f) => Ok(f as i64),
                None => Err(self.expected(i, "number")),
            },
        }
    }
    pub fn opt_int(&self, i: i32) -> Result<Option<i64>, Raise> {
        if self.is_nil_or_none(i) { Ok(None) } else { self.int(i).map(Some) }
    }
    pub fn float(&self, i: i32) -> Result<f64, Raise> {
        self.stack.number(i).ok_or_else(|| self.expected(i, "number"))
    }
    pub fn bool(&self, i: i32) -> Result<bool, Raise> {
        if self.type_of(i) == Type::Boolean { Ok(self.truth(i)) } else { Err(self.expected(i, "boolean")) }
    }
    /// Checks that argument `i` is a table.
    pub fn table(&self, i: i32) -> Result<i32, Raise> {
        if self.type_of(i) == Type::Table { Ok(i) } else { Err(self.expected(i, "table")) }
    }
    /// Checks that argument `i` is a function.
    pub fn function(&self, i: i32) -> Result<i32, Raise> {
        if self.type_of(i) == Type::Function { Ok(i) } else { Err(self.expected(i, "function")) }
    }
    /// Checks that there is an argument `i` at all.
    pub fn any(&self, i: i32) -> Result<i32, Raise> {
        if self.type_of(i) != Type::None { Ok(i) } else { Err(self.bad_argument(i, "value expected")) }
    }
    /// The object of type `T` in argument `i`; raises `T::EXPECTED` when it is something else.
    pub fn userdata<T: Object>(&self, i: i32) -> Result<&'a T, Raise> {
        self.object::<T>(i).ok_or_else(|| self.bad_argument(i, format_args!("{} expected", T::EXPECTED)))
    }
    /// The object of type `T` in argument `i`, if that is what it is.
    #[inline]
    pub fn object<T: Object>(&self, i: i32) -> Option<&'a T> {
        if !self.is_argument(i) {
            return None;
        }
        // SAFETY: an argument slot keeps its value for 'a (rule 3).
        unsafe { object::get::<T>(self.raw(), i) }
    }

    // ---- results

    /// Pushes `nil, err`.
    pub fn fail(&self, e: Error) -> Result<Ret, Raise> {
        self.push_nil();
        self.push_error(e);
        Ok(Ret::TWO)
    }
    /// Pushes `false, err`.
    pub fn fail_false(&self, e: Error) -> Result<Ret, Raise> {
        self.push_bool(false);
        self.push_error(e);
        Ok(Ret::TWO)
    }
    /// One value is on the stack; adds the nil that says "no error".
    pub fn fine(&self) -> Result<Ret, Raise> {
        self.push_nil();
        Ok(Ret::TWO)
    }

    /// Calls the function below the top `args` values in protected mode, leaving `results` values
    /// (-1: all). The memory limit applies meanwhile. The callee cannot yield. On failure the error is
    /// on top and `Raise::Top` passes it on.
    pub fn call_protected(&mut self, args: i32, results: i32) -> Result<(), Raise> {
        if self.top() - args - 1 < self.args {
            return Err(Raise::text(format!("internal error in {}", self.name)));
        }
        if self.stack.call(args, results) { Ok(()) } else { Err(Raise::Top) }
    }

    fn push_raise(&mut self, raise: Raise) {
        // Makes room without fail: Lua gives 20 free slots above the arguments.
        if !matches!(raise, Raise::Top) {
            self.truncate(self.args);
        }
        match raise {
            Raise::Text(text) => {
                let mut at = self.position(1);
                at.push_str(&text);
                self.push_str(at);
            }
            Raise::Bare(text) => self.push_str(text.as_bytes()),
            Raise::Object(e) => self.push_error(*e),
            Raise::Top => {}
        }
    }
}

impl Stack<'_> {
    /// `source:line: ` of the function at `level` (1: who called the running native function), or nothing.
    pub fn position(&self, level: i32) -> String {
        match self.frame(level) {
            Some((source, line)) if line > 0 => format!("{source}:{line}: "),
            _ => String::new(),
        }
    }
    /// Source (the entry id) and current line of the function at `level`.
    pub fn frame(&self, level: i32) -> Option<(String, i32)> {
        // SAFETY: the debug interface fills what the letters ask for and cannot raise here.
        unsafe {
            let mut ar: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(self.raw(), level, &mut ar) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.raw(), c"Sl".as_ptr(), &mut ar);
            Some((source_name(&ar), ar.currentline))
        }
    }
}

/// The name of a chunk: the entry id, without the mark Lua puts in front.
///
/// # Safety
/// `ar` was filled with the letter `S` and its function is alive.
pub(crate) unsafe fn source_name(ar: &ffi::lua_Debug) -> String {
    // SAFETY: Lua gives a terminated string.
    let source = unsafe { CStr::from_ptr(ar.source) }.to_string_lossy();
    source.strip_prefix(['=', '@']).unwrap_or(&source).to_owned()
}
