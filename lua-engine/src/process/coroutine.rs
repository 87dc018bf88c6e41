//! The `coroutine` module: plain coroutines as generators, and managed ones.
//!
//! An *engine yield* (a blocking call, a preemption) inside a plain coroutine
//! must not surface as a return of `coroutine.resume`: when the inner thread
//! yields for the engine, `resume` yields in turn, and its continuation
//! resumes the inner one again, with whatever the engine put on it. So only
//! `coroutine.yield` returns to the resumer, through any nesting. Where the
//! resumer cannot yield (in a sort comparator), the inner thread is *pinned*:
//! it is neither preempted nor can it wait.
//!
//! Contains `unsafe`: threads given as arguments are alive while their slot
//! holds them; values are moved between threads of one VM with room reserved
//! on both.

use std::ffi::c_int;

use super::engine::{Engine, InProcess, anchor};
use crate::native::ffi::{self, lua_State};
use crate::native::{Call, Continuation, Function, Member, Raise, Resume, Ret};
use crate::{continuation, member, native};

/// Members of the global `coroutine`.
pub const MEMBERS: &[Member] = &[
    member!("create", create),
    member!("resume", resume),
    member!("yield", yield_values),
    member!("status", status),
    member!("running", running),
    member!("wrap", wrap),
    member!("spawn", spawn),
];

const RESUMED: Continuation = continuation!("resume", resume);
const WRAPPED: Continuation = continuation!("wrap", call_wrapped);
const WRAP: Function = native!("wrap", call_wrapped);

const DEAD: &str = "can not resume a dead thread";
const RUNNING: &str = "can not resume a running thread";

fn thread(call: &Call<'_>, i: i32) -> Result<*mut lua_State, Raise> {
    // SAFETY: reads only.
    let l = unsafe { ffi::lua_tothread(call.raw(), i) };
    if l.is_null() { Err(call.expected(i, "thread")) } else { Ok(l) }
}

/// Pushes a new thread that will run the function in slot 1.
fn new_thread(call: &mut Call<'_>) -> Result<*mut lua_State, Raise> {
    call.function(1)?;
    // SAFETY: reads only.
    if unsafe { ffi::lua_iscfunction(call.raw(), 1) } != 0 {
        return Err(call.bad_argument(1, "Lua function expected"));
    }
    if !call.reserve(4) {
        return Err(Raise::text("stack overflow"));
    }
    // SAFETY: room was made; allocation cannot fail inside native code.
    unsafe {
        let co = ffi::lua_newthread(call.raw());
        ffi::lua_pushvalue(call.raw(), 1);
        ffi::lua_xmove(call.raw(), co, 1);
        Ok(co)
    }
}

fn create(call: &mut Call<'_>) -> Result<Ret, Raise> {
    new_thread(call)?;
    Ok(Ret::ONE)
}

fn wrap(call: &mut Call<'_>) -> Result<Ret, Raise> {
    new_thread(call)?;
    // SAFETY: the thread on top becomes the upvalue.
    unsafe { ffi::lua_pushcclosure(call.raw(), WRAP.raw(), 1) };
    Ok(Ret::ONE)
}

/// How a resume ended.
enum Outcome {
    /// That many values are on top of the resumer.
    Values(i32),
    /// One error value is on top of the resumer.
    Failed,
    /// The engine has to run: the resumer yields too.
    Pass,
}

/// Resumes `co` with the values from slot `first` to the top, or again after an engine yield.
fn resume_thread(call: &mut Call<'_>, co: *mut lua_State, first: i32) -> Outcome {
    let engine = Engine::of(call);
    let l = call.raw();
    let args = match (call.resume(), engine) {
        (Resume::First, _) => {
            if let Some(problem) = cannot_resume(call, co, engine) {
                call.push_str(problem);
                return Outcome::Failed;
            }
            let n = call.top() - first + 1;
            // SAFETY: room is checked on both sides, then copies move over.
            let moved = unsafe {
                ffi::lua_checkstack(co, n + 4) != 0 && ffi::lua_checkstack(l, n + 4) != 0 && {
                    (first..first + n).for_each(|i| ffi::lua_pushvalue(l, i));
                    ffi::lua_xmove(l, co, n);
                    true
                }
            };
            if !moved {
                call.push_str("too many arguments to resume");
                return Outcome::Failed;
            }
            n
        }
        (_, Some(engine)) => {
            engine.end_passing(co);
            engine.args_for(co)
        }
        (_, None) => 0,
    };
    if let Some(engine) = engine {
        engine.set_system_yield(false);
    }
    let mut results: c_int = 0;
    // The resumed code runs under the memory limit; natives suspend it again themselves.
    let memory = call.state().memory();
    memory.resume_raw();
    // What cannot be suspended itself cannot pass a suspension on.
    // SAFETY: reads only.
    let pins = engine.filter(|_| unsafe { ffi::lua_isyieldable(l) } == 0);
    if let Some(engine) = pins {
        engine.pin(true);
    }
    // SAFETY: the thread is suspended or fresh and lua_resume stops every raise.
    let status = unsafe { ffi::lua_resume(co, l, args, &mut results) };
    if let Some(engine) = pins {
        engine.pin(false);
    }
    memory.suspend_raw();
    if status == ffi::LUA_YIELD
        && let Some(engine) = engine
        && engine.is_system_yield()
    {
        engine.begin_passing(co);
        return Outcome::Pass;
    }
    let (n, outcome) = match status {
        ffi::LUA_OK | ffi::LUA_YIELD => (results, Outcome::Values(results)),
        _ => (1, Outcome::Failed),
    };
    // SAFETY: the values are on top of the inner thread; room is checked.
    unsafe {
        if ffi::lua_checkstack(l, n + 4) == 0 {
            ffi::lua_settop(co, -n - 1);
            call.push_str("too many results to resume");
            return Outcome::Failed;
        }
        ffi::lua_xmove(co, l, n);
    }
    outcome
}

fn cannot_resume(call: &Call<'_>, co: *mut lua_State, engine: Option<&Engine>) -> Option<&'static str> {
    // SAFETY: reads only.
    match unsafe { ffi::lua_status(co) } {
        ffi::LUA_YIELD => {
            let engine = engine?;
            let busy = engine.is_passing(co) || (engine.coroutine_count() > 1 && engine.is_managed(co));
            busy.then_some(RUNNING)
        }
        ffi::LUA_OK => match state_of(call, co) {
            "suspended" => None,
            "dead" => Some(DEAD),
            _ => Some(RUNNING),
        },
        _ => Some(DEAD),
    }
}

fn resume(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let co = thread(call, 1)?;
    match resume_thread(call, co, 2) {
        Outcome::Pass => Ok(Ret::YieldThen(0, RESUMED, 0)),
        Outcome::Values(n) => {
            call.push_bool(true);
            call.rotate(-n - 1, 1);
            Ok(Ret::Values(n + 1))
        }
        Outcome::Failed => {
            call.push_bool(false);
            call.rotate(-2, 1);
            Ok(Ret::TWO)
        }
    }
}

fn call_wrapped(call: &mut Call<'_>) -> Result<Ret, Raise> {
    // SAFETY: reads the upvalue that `wrap` set.
    let co = unsafe { ffi::lua_tothread(call.raw(), ffi::lua_upvalueindex(1)) };
    match resume_thread(call, co, 1) {
        Outcome::Pass => Ok(Ret::YieldThen(0, WRAPPED, 0)),
        Outcome::Values(n) => Ok(Ret::Values(n)),
        Outcome::Failed => Err(Raise::Top),
    }
}

fn yield_values(call: &mut Call<'_>) -> Result<Ret, Raise> {
    // SAFETY: reads only.
    if unsafe { ffi::lua_isyieldable(call.raw()) } == 0 {
        return Err(Raise::text("attempt to yield from outside a coroutine"));
    }
    if let Some(engine) = Engine::of(call) {
        if engine.is_current_root(call.raw()) {
            // Others get their turn; it continues in the next step.
            engine.paused(call.raw());
            engine.push_yielded(engine.current());
            return Ok(Ret::Yield(0));
        }
        engine.set_system_yield(false);
    }
    Ok(Ret::Yield(call.arg_count()))
}

/// What `coroutine.status` says.
fn state_of(call: &Call<'_>, co: *mut lua_State) -> &'static str {
    if co == call.raw() {
        return "running";
    }
    // SAFETY: looks at a live thread.
    unsafe {
        match ffi::lua_status(co) {
            ffi::LUA_YIELD if Engine::of(call).is_some_and(|e| e.is_passing(co)) => "normal",
            ffi::LUA_YIELD => "suspended",
            ffi::LUA_OK => {
                let mut ar: ffi::lua_Debug = std::mem::zeroed();
                if ffi::lua_getstack(co, 0, &mut ar) != 0 {
                    "normal"
                } else if ffi::lua_gettop(co) == 0 {
                    "dead"
                } else {
                    "suspended"
                }
            }
            _ => "dead",
        }
    }
}

fn status(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let co = thread(call, 1)?;
    call.push_str(state_of(call, co));
    Ok(Ret::ONE)
}

fn running(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let in_process = Engine::of(call).is_none_or(|e| e.is_running());
    // SAFETY: one push, room is guaranteed to a C function.
    let main = unsafe { ffi::lua_pushthread(call.raw()) } != 0;
    if main && !in_process {
        call.push_nil();
    }
    Ok(Ret::ONE)
}

/// Starts a managed coroutine. It runs first, until it blocks; then its spawner goes on.
fn spawn(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.function(1)?;
    let engine = call.engine()?;
    engine.check_can_block(call)?;
    let co = new_thread(call)?;
    let id = engine.adopt(co, 0)?;
    // SAFETY: a live thread of this VM.
    unsafe { anchor(call.raw(), co, true) };
    engine.push_ready_first(engine.current());
    engine.push_ready_first(id);
    // The thread on top is what the spawner is resumed with.
    engine.paused(call.raw());
    engine.keep_args(1);
    Ok(Ret::Yield(0))
}
