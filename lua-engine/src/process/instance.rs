//! [`LuaProcess`]: one VM behind the runtime's process trait.
//!
//! A step takes in the events that arrived, then runs every ready coroutine
//! until all of them wait, the time slice is used up, or main ends. Fuel makes
//! the VM ask [`preempt`] every few thousand calls and back edges; only there
//! the clock and the kill flag are looked at.
//!
//! Contains `unsafe`: it owns the VM and is the only one to resume its
//! threads. The step context is reachable from native functions only while
//! [`LuaProcess::step`] runs, and no reference to it lives across a resume.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use wippy_lua_vm::sys;
use wippy_runtime::dispatch::StepContext;
use wippy_runtime::payload::Flat;
use wippy_runtime::process::{Control, Event, Exit, Invocation, OwnLimits, Process, Step, Upgrade};
use wippy_runtime::registry::EntryId;
use wippy_runtime::{Error, Kind};

use super::engine::{CoId, Engine, Killed, Leave, MAIN};
use super::mailbox::Content;
use crate::code::Plan;
use crate::modules::errors::ErrorObject;
use crate::native::ffi::{self, lua_State};
use crate::native::{Stack, Type};
use crate::state::State;
use crate::vm::Vm;

/// Calls and back edges between two looks at the clock: some ten microseconds.
const FUEL: c_int = 4000;
/// Fuel that code may burn without coming to a point where it can be suspended before it is taken for an endless loop:
/// some seconds.
const MAX_STUCK: u32 = 300_000_000;
/// Memory errors between two waits that a process survives.
const MEMORY_ERRORS: usize = 1;
/// As [`FUEL`], once the slice is used up where the code cannot be suspended.
const OVERDUE: u32 = 100;
/// Heaps up to this many bytes are cheap to collect (below a microsecond).
const SMALL_HEAP: usize = 12 << 10;
/// A process with a small heap is tidied when it waits for the first, second, fourth, eighth time and so on, and every so
/// many times: those that seldom get a message hold nothing they do not need, and those that get many hardly notice.
const TIDY: u16 = 256;

/// How an evaluation reports that an import is of no use.
pub(crate) const IMPORT_FAILED: &str = "failed to import";

/// Registry key of the method that runs, of an instance that may run again.
static METHOD: u8 = 0;

/// See the module comment.
pub struct LuaProcess {
    plan: Arc<Plan>,
    vm: Option<Vm>,
    /// The arguments of a run that loads its code in its own first step.
    unloaded: Option<Box<Invocation>>,
    /// Bytes alive after the last full collection, in units of 16.
    live: u32,
    /// How often it has waited, modulo 2^16.
    rests: u16,
    /// Its stack is cut to what a process that waits needs.
    trimmed: bool,
    /// The method is in the registry; otherwise it is on the stack until it runs, and it runs once.
    again: bool,
}

impl LuaProcess {
    /// A process that has not been initialised.
    pub fn new(plan: Arc<Plan>) -> LuaProcess {
        let again = plan.pooled;
        LuaProcess { plan, vm: None, unloaded: None, live: 0, rests: 0, trimmed: false, again }
    }

    /// A process whose chunks have run already, outside of any host. Errors: those of loading.
    pub fn loaded(plan: Arc<Plan>) -> Result<LuaProcess, Error> {
        let mut process = LuaProcess::new(plan);
        process.again = true;
        process.vm = Some(process.load(None, "", std::ptr::null_mut())?);
        Ok(process)
    }

    /// Whether the host grants every module that the entry or one of its imports names.
    fn check_capabilities(&self, control: &Arc<Control>) -> Result<(), Error> {
        let (host, program) = (&control.host, &self.plan.program);
        if !host.capabilities.is_restricted() {
            return Ok(());
        }
        match program.modules().find(|module| !host.capabilities.allows(module.name)) {
            None => Ok(()),
            Some(module) => Err(Error::permission_denied(format!(
                "capability \"{}\" is denied by host {} (entry {})",
                module.name,
                host.id.text(),
                program.id
            ))),
        }
    }

    /// Makes the VM and runs libraries and the entry's own chunk; the method stays on the stack, or in the registry.
    /// `step`: the context of the step in which that happens, null outside of steps.
    fn load(&self, control: Option<&Arc<Control>>, method: &str, step: *mut c_void) -> Result<Vm, Error> {
        let vm = Vm::new(self.plan.program.clone(), self.plan.image()?, usize::MAX)?;
        let engine = Engine::new();
        engine.set_control(control.cloned());
        engine.loading.set(step);
        vm.state().set_engine(engine);
        // SAFETY: the VM is ours and not running.
        unsafe {
            ffi::lua_gc(vm.raw(), ffi::LUA_GCSTOP);
            sys::wippy_setpreempt(vm.raw(), Some(preempt));
            sys::wippy_setfuel(vm.raw(), FUEL);
        }
        vm.memory().set_limit(control.map_or(usize::MAX, |c| memory_limit(c)));
        vm.enter(|stack| {
            for (i, unit) in self.plan.libraries.iter().enumerate() {
                vm.push_chunk(i);
                if !stack.call(0, 1) {
                    let error = error_on(stack);
                    return Err(Error::internal(match &self.plan.evaluation {
                        Some(_) => format!("{IMPORT_FAILED} \"{}\" ({}): {error}", unit.aliases.join(", "), unit.id),
                        None => format!("failed to load dependency {}: {error}", unit.id),
                    }));
                }
                for alias in &unit.aliases {
                    stack.push_copy(-1);
                    stack.set_global(alias);
                }
                stack.drop_top(1);
            }
            for (name, value) in self.plan.evaluation.iter().flat_map(|e| &e.globals) {
                stack.decode_one(&mut value.reader())?;
                stack.set_global(name);
            }
            vm.push_chunk(self.plan.libraries.len());
            if self.plan.evaluation.as_ref().is_some_and(|e| e.whole) {
                return Ok(());
            }
            if !stack.call(0, 1) {
                let e = error_on(stack);
                return Err(Error::internal("failed to execute script").because(e));
            }
            select_method(stack, if method.is_empty() { &self.plan.method } else { method })
        })?;
        if self.is_own(method) {
            self.plan.has_loaded();
        }
        if self.again {
            // SAFETY: raw access to the registry with the function on top.
            vm.enter(|stack| unsafe {
                ffi::lua_rawsetp(stack.raw(), ffi::LUA_REGISTRYINDEX, (&raw const METHOD).cast());
            });
        }
        // SAFETY: as above.
        unsafe { ffi::lua_gc(vm.raw(), ffi::LUA_GCRESTART) };
        if let Some(engine) = vm.state().engine() {
            engine.loading.set(std::ptr::null_mut());
        }
        Ok(vm)
    }

    /// Whether `method` is the one that the entry names.
    fn is_own(&self, method: &str) -> bool {
        method.is_empty() || *method == *self.plan.method
    }

    /// Loads the code unless that has been done, and makes main ready to run.
    fn begin(&mut self, call: &Invocation, control: &Arc<Control>) -> Result<(), Error> {
        match &self.vm {
            None => self.vm = Some(self.load(Some(control), &call.method, std::ptr::null_mut())?),
            // A pooled instance may serve callers on different hosts.
            Some(vm) => {
                vm.memory().set_limit(memory_limit(control));
                if vm.memory().is_over() {
                    self.collect();
                }
            }
        }
        let Some(vm) = &self.vm else { return Err(Error::internal("process has no code")) };
        let Some(engine) = vm.state().engine() else {
            return Err(Error::internal("process has no engine"));
        };
        engine.set_control(Some(control.clone()));
        vm.enter(|stack| {
            stack.reserve(8);
            if self.again {
                // SAFETY: raw access to the registry.
                unsafe { ffi::lua_rawgetp(vm.raw(), ffi::LUA_REGISTRYINDEX, (&raw const METHOD).cast()) };
            }
            if stack.top() == 0 || stack.type_of(-1) != Type::Function {
                return Err(Error::internal("process has run already"));
            }
            let n = stack.decode(call.args.as_bytes())?;
            let id = engine.adopt(vm.raw(), n)?;
            debug_assert_eq!(id, MAIN);
            engine.push_ready(id);
            Ok(())
        })
    }

    /// What [`Process::init`] left to the first step.
    fn load_in_step(&mut self, call: &Invocation, cx: &mut StepContext<'_>) -> Result<(), Error> {
        let control = cx.control().clone();
        self.vm = Some(self.load(Some(&control), &call.method, std::ptr::from_mut(cx).cast())?);
        self.begin(call, &control)
    }

    fn run(&mut self, cx: &mut StepContext<'_>) -> Step {
        let Some(vm) = &self.vm else { return Step::Done(Exit::Error(Error::internal("process has no code"))) };
        let Some(engine) = vm.state().engine() else {
            return Step::Done(Exit::Error(Error::internal("process has no engine")));
        };
        // A coroutine that was preempted while it computed goes on first, as if nothing had happened meanwhile.
        let mut current = !engine.computing.get();
        if current {
            tell_others(vm, engine);
        }
        engine.overdue.set(0);
        // SAFETY: the VM is ours and not running.
        unsafe { sys::wippy_setfuel(vm.raw(), FUEL) };
        // Whoever wakes up goes on through what has arrived.
        while engine.has_ready() || take_in(vm, engine, cx) {
            let Some(id) = engine.next_ready() else { break };
            if !engine.computing.take() {
                engine.acted.set(false);
            }
            if let Some(step) = run_coroutine(vm, engine, id, &self.plan) {
                return step;
            }
            if !current {
                current = true;
                tell_others(vm, engine);
            }
        }
        if engine.ready_yielded() {
            return Step::Yielded;
        }
        if engine.is_deadlocked() {
            let threads = engine.coroutine_count();
            let what = format!("deadlock: all coroutines blocked with no pending operations (threads={threads})");
            return Step::Done(Exit::Error(Error::new(Kind::INTERNAL, what)));
        }
        if engine.has_pending() {
            cx.mark_blocked();
        }
        Step::Waiting
    }

    /// Whether nothing from outside can wake it up: it waits for no answer, no timer, no message.
    pub(crate) fn waits_for_nothing(&self) -> bool {
        let engine = self.vm.as_ref().and_then(|vm| vm.state().engine());
        engine.is_some_and(Engine::waits_for_nothing)
    }

    /// Before it waits: gives back what it does not need, if that is due. A large heap is collected when it has grown by
    /// half since the last time.
    fn tidy(&mut self) {
        let Some(vm) = &self.vm else { return };
        self.rests = self.rests.wrapping_add(1);
        let (used, live) = (vm.memory().used(), self.live as usize * 16);
        let due = if used > SMALL_HEAP {
            used > live + live / 2
        } else {
            self.rests.is_power_of_two() || self.rests.is_multiple_of(TIDY)
        };
        if !due {
            return;
        }
        if let Some(engine) = vm.state().engine() {
            engine.destination.take();
        }
        self.collect();
        self.trim();
    }

    fn collect(&mut self) {
        let Some(vm) = &self.vm else { return };
        let _unlimited = vm.memory().suspend();
        // SAFETY: the VM is ours and not running; finalisers are native and expect the limit to be suspended.
        unsafe { ffi::lua_gc(vm.raw(), ffi::LUA_GCCOLLECT) };
        self.live = u32::try_from(vm.memory().used() / 16).unwrap_or(u32::MAX);
    }

    fn trim(&mut self) {
        let Some(vm) = &self.vm else { return };
        // SAFETY: the VM is ours and not running; `untrim` comes before anything is done with it.
        unsafe { sys::wippy_trimstack(vm.raw()) };
        self.trimmed = true;
    }

    /// Undoes [`LuaProcess::trim`].
    fn untrim(&mut self) {
        let Some(vm) = self.vm.as_ref().filter(|_| self.trimmed) else { return };
        let _unlimited = vm.memory().suspend();
        // SAFETY: the VM is ours and not running.
        let whole = unsafe { sys::wippy_restorestack(vm.raw()) } != 0;
        assert!(whole, "allocation does not fail without a limit");
        self.trimmed = false;
    }
}

/// When all wait: lets what has arrived wake somebody up. False if it does not.
fn take_in(vm: &Vm, engine: &Engine, cx: &mut StepContext<'_>) -> bool {
    if !cx.has_events() {
        return false;
    }
    cx.rest();
    vm.enter(|stack| engine.take_in_until(stack, || engine.has_ready()))
}

/// Runs coroutine `id` until it waits; gives how the step ends, if it does.
fn run_coroutine(vm: &Vm, engine: &Engine, id: CoId, plan: &Plan) -> Option<Step> {
    let mut results = 0;
    // SAFETY: the VM is not running, the limit is in force, nothing is borrowed.
    let (status, thread) = unsafe { engine.resume(id, &mut results) };
    if let Some(killed) = engine.killed.get() {
        return Some(Step::Done(Exit::Error(error_of(killed))));
    }
    if let Some(leave) = engine.known_rare().and_then(|rare| rare.leave.borrow_mut().take()) {
        let Leave::Upgrade(entry, args) = *leave;
        return Some(upgrade(vm, engine, entry, args));
    }
    match status {
        ffi::LUA_YIELD if engine.preempted.take() => {
            engine.push_preempted(id);
            Some(Step::Yielded)
        }
        ffi::LUA_YIELD => None,
        ffi::LUA_OK if id == MAIN => Some(Step::Done(main_result(vm, engine, results, plan))),
        ffi::LUA_OK => {
            let _unlimited = vm.memory().suspend();
            engine.forget(id);
            None
        }
        _ => {
            let _unlimited = vm.memory().suspend();
            // SAFETY: a thread of our VM that has failed; its error is on top.
            Some(Step::Done(Exit::Error(error_on(&unsafe { Stack::new(thread) }))))
        }
    }
}

impl Process for LuaProcess {
    fn init(&mut self, call: &Invocation, control: &Arc<Control>) -> Result<(), Error> {
        self.check_capabilities(control)?;
        // Code that may not compute long is not loaded in the time of whoever starts it. Nor is code that cannot fail to
        // load, which so is loaded by the worker that runs it.
        let later = control.cpu_limit() > 0 || (self.is_own(&call.method) && self.plan.loads_surely());
        if self.vm.is_none() && later {
            self.unloaded = Some(Box::new(call.clone()));
            return Ok(());
        }
        self.begin(call, control)
    }

    fn step(&mut self, cx: &mut StepContext<'_>) -> Step {
        if let Some(call) = self.unloaded.take()
            && let Err(error) = self.load_in_step(&call, cx)
        {
            return Step::Done(Exit::Error(error));
        }
        self.untrim();
        if let Some(vm) = &self.vm {
            vm.state().step.set(std::ptr::from_mut(cx).cast());
        }
        let step = self.run(cx);
        if let Some(vm) = &self.vm {
            vm.state().step.set(std::ptr::null_mut());
        }
        if matches!(step, Step::Waiting) {
            self.tidy();
            if let Some(vm) = &self.vm
                && let Some(engine) = vm.state().engine()
            {
                engine.forgiven.set(vm.memory_errors());
            }
        }
        if let Some(vm) = &self.vm {
            let control = cx.control();
            control.memory.store(vm.memory().used() as u64, Ordering::Relaxed);
            control.memory_peak.store(vm.memory().peak() as u64, Ordering::Relaxed);
            if control.host.limits.has_mailbox()
                && let Some(engine) = vm.state().engine()
            {
                let (messages, bytes) = engine.unread();
                control.report_unread(messages, bytes);
            }
        }
        step
    }

    fn limits(&self) -> OwnLimits {
        self.plan.limits
    }

    fn close(&mut self) {
        self.unloaded = None;
        self.untrim();
        let Some(vm) = &self.vm else { return };
        vm.state().step.set(std::ptr::null_mut());
        let Some(engine) = vm.state().engine() else { return };
        vm.enter(|stack| {
            let mut armed = engine.clear(vm.raw());
            if let Some(rare) = engine.known_rare() {
                armed.extend(rare.sources.borrow_mut().clear());
                rare.orphans.borrow_mut().clear();
            }
            engine.cancel_timers(armed);
            if !self.again {
                return;
            }
            drop(engine.drain_mailbox(stack));
            engine.set_control(None);
            engine.forgiven.set(vm.memory_errors());
            // SAFETY: nothing runs; the main thread is made fresh for another run. What it failed with stays on it.
            unsafe {
                sys::lua_closethread(vm.raw(), std::ptr::null_mut());
                ffi::lua_settop(vm.raw(), 0);
            }
        });
        if !self.again {
            self.vm = None;
        }
    }
}

/// Bytes that the host of a run allows it.
fn memory_limit(control: &Control) -> usize {
    match control.memory_limit() {
        0 => usize::MAX,
        limit => limit,
    }
}

/// When somebody has to go on already: all others hear what has arrived before that takes another slice.
fn tell_others(vm: &Vm, engine: &Engine) {
    if engine.has_ready() && engine.coroutine_count() > 1 {
        vm.enter(|stack| engine.take_in_until(stack, || false));
    }
    if engine.has_orphans() {
        vm.enter(|stack| engine.end_orphans(stack));
    }
}

/// Why a killed process ended. Says nothing about retrying: its supervisor may well start it again.
fn error_of(killed: Killed) -> Error {
    let kind = if killed == Killed::Canceled { Kind::INTERNAL } else { Kind::LIMIT_EXCEEDED };
    Error::new(kind, killed.text().to_string_lossy())
}

/// Leaves nothing on the stack but the method of what the chunk returned.
fn select_method(stack: &Stack<'_>, method: &str) -> Result<(), Error> {
    match stack.type_of(-1) {
        Type::Function => return Ok(()),
        Type::Table if stack.get_field(-1, method) == Type::Function => {}
        _ => return Err(Error::not_found(format!("method \"{method}\" not found in module"))),
    }
    stack.rotate(-2, 1);
    stack.drop_top(1);
    Ok(())
}

/// The error value on top of the stack as an error. A text says nothing about whether a retry may help.
fn error_on(stack: &Stack<'_>) -> Error {
    if let Some(e) = stack.error_at(-1) {
        return e;
    }
    let text = match stack.bytes(-1) {
        Some(text) => String::from_utf8_lossy(text).into_owned(),
        None => stack.printed(-1),
    };
    Error::new(Kind::INTERNAL, text)
}

/// The outcome of main: its first result, unless the second is an error. A text as second result is final for a process;
/// a function leaves it to its caller whether to try again.
fn main_result(vm: &Vm, engine: &Engine, results: i32, plan: &Plan) -> Exit {
    vm.enter(|stack| {
        let first = stack.top() - results + 1;
        if results >= 2 && plan.evaluation.is_none() {
            if let Some(e) = stack.object_at::<ErrorObject>(first + 1).map(ErrorObject::to_error) {
                let known = !e.kind().as_str().is_empty();
                return Exit::Error(if known { e } else { e.with_kind(Kind::INTERNAL) });
            }
            if let Some(text) = stack.bytes(first + 1) {
                let error = Error::new(Kind::INTERNAL, String::from_utf8_lossy(text));
                return Exit::Error(error.with_retryable((!plan.pooled).then_some(false)));
            }
        }
        let mut flat = Flat::new();
        if results >= 1
            && stack.type_of(first) != Type::Nil
            && let Err(e) = stack.encode(first, first, &mut flat, engine.message_limit())
        {
            return Exit::Error(e);
        }
        Exit::Value(flat)
    })
}

fn upgrade(vm: &Vm, engine: &Engine, entry: Option<EntryId>, args: Flat) -> Step {
    let mut retained = Vec::new();
    for content in vm.enter(|stack| engine.drain_mailbox(stack)) {
        match content {
            Content::Message(m) => retained.push(Event::Message(m)),
            Content::Notice(n) => retained.push(Event::Notice(n)),
            Content::End => {}
        }
    }
    Step::Upgrade(Box::new(Upgrade { entry, args, retained }))
}

/// Asked by the VM when its fuel has run out: 1 suspends the coroutine.
///
/// # Safety
/// Called by the VM only, with a live thread that runs. It may raise, so nothing here has a destructor then.
unsafe extern "C-unwind" fn preempt(l: *mut lua_State, yieldable: c_int) -> c_int {
    // SAFETY: rule 5 of `native`; the step context is the one of the step that runs this code.
    unsafe {
        let state = State::of(l);
        let Some(engine) = state.engine() else {
            sys::wippy_setfuel(l, c_int::MAX);
            return 0;
        };
        let step = if state.step.get().is_null() { engine.loading.get() } else { state.step.get() };
        let step = step.cast::<StepContext<'_>>();
        let can_yield = yieldable != 0 && !step.is_null() && !engine.is_pinned();
        let stuck = if can_yield { 0 } else { engine.stuck.get() };
        let killed = if engine.killed.get().is_some() {
            engine.killed.get()
        } else if !step.is_null() && (*step).is_killed() {
            Some(Killed::Canceled)
        } else if sys::wippy_memoryerrors(l) - engine.forgiven.get() > MEMORY_ERRORS {
            Some(Killed::Memory)
        } else if stuck > MAX_STUCK {
            Some(if state.step.get().is_null() { Killed::Loading } else { Killed::Stuck })
        } else {
            None
        };
        if let Some(reason) = killed {
            engine.killed.set(killed);
            if can_yield {
                engine.paused(l);
                return 1;
            }
            // Raised again at every call and back edge, should a pcall catch it.
            sys::wippy_charge(l, usize::MAX);
            ffi::lua_pushstring(l, reason.text().as_ptr());
            ffi::lua_error(l);
        }
        // The look counts even where nobody can yield: it finds that the CPU is used up.
        let late = !step.is_null() && (engine.overdue.get() > 0 || (*step).slice_used());
        if can_yield || !late {
            sys::wippy_setfuel(l, FUEL);
            engine.stuck.set(if can_yield { 0 } else { stuck + FUEL as u32 });
            engine.overdue.set(0);
        } else {
            // Overdue code is asked again soon, and after a different way each time: a loop that always meets the end
            // of its fuel inside a callback would otherwise never be interrupted.
            let fuel = OVERDUE + stuck % 64;
            sys::wippy_setfuel(l, fuel as c_int);
            engine.stuck.set(stuck + fuel);
            let left = engine.overdue.get().checked_sub(fuel);
            engine.overdue.set(left.unwrap_or(if engine.overdue.get() == 0 { FUEL as u32 } else { 0 }));
        }
        if !can_yield || !late {
            return 0;
        }
        engine.paused(l);
        engine.preempted.set(true);
        1
    }
}
