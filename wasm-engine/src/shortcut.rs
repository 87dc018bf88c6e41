//! Calls without a process: a function that leaves no trace and works on
//! numbers alone is run on its caller's thread, in an instance that is kept.
//!
//! No call can tell what was called before, as the reference promises, because
//! nothing that the function runs can change anything ([`crate::stateless`]).
//! For the same reason a call that takes longer than a moment is given up and
//! made again as a process, which can be preempted.

use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use wasmtime::component::types::Type;
use wasmtime::component::{self, ComponentExportIndex};
use wasmtime::{ExternType, InstancePre, Linker, ResourceLimiter, Store, UpdateDeadline, ValType};
use wippy_runtime::Result;
use wippy_runtime::payload::{Flat, Value};

use crate::core_call;
use crate::engine::Seat;
use crate::engine::compile::{Binary, Code, Compiled};
use crate::process::failure;
use crate::program::{Body, Program};
use crate::signature::{Primitive, Signature};
use crate::stateless;
use crate::values::{lift, lower, plain};

/// Ticks of the epoch that a call may take: up to so many milliseconds.
const TICKS: u64 = 2;
/// Calls that are made as processes after one that took longer.
const PAUSE: u32 = 256;
/// A limit on the time of a call that is not far above the ticks is left to processes, which keep it exactly.
const SHORT_LIMIT: Duration = Duration::from_millis(20);
/// Values that a component's function takes before they go through its memory.
const MAX_PARAMS: usize = 16;

/// How such a function is called.
enum Callee {
    Component {
        pre: component::InstancePre<Room>,
        index: ComponentExportIndex,
        params: Vec<Type>,
        result: Option<Type>,
    },
    Core {
        pre: InstancePre<Room>,
        signature: Signature,
    },
}

/// See the module comment. Shared by all instances of a function.
pub struct Shortcut {
    callee: Callee,
    /// Calls that do not come this way.
    pause: AtomicU32,
}

/// The memory that an instance may take: that of the entry and of the host that it was made for.
struct Room {
    limit: usize,
    used: usize,
}

/// An instance. Nothing has ever changed in it.
pub struct Kept {
    store: Store<Room>,
    func: Func,
    _seat: Seat,
}

enum Func {
    Component(component::Func),
    Core(wasmtime::Func),
}

impl Shortcut {
    /// `None`: every call needs a process.
    pub fn find(
        compiled: &Compiled,
        body: &Body,
        code: &Binary<'_>,
        method: &str,
        max_execution: Option<Duration>,
    ) -> Option<Shortcut> {
        if max_execution.is_some_and(|limit| limit <= SHORT_LIMIT) {
            return None;
        }
        let callee = match (body, &compiled.code) {
            (Body::Function { export: Ok(export), .. }, Code::Component(component)) => {
                let plain = export.params.iter().chain(&export.results).all(is_number);
                if !plain || export.params.len() > MAX_PARAMS || export.results.len() > 1 {
                    return None;
                }
                let mut linker = component::Linker::new(component.engine());
                linker.define_unknown_imports_as_traps(component).ok()?;
                let pre = linker.instantiate_pre(component).ok()?;
                let (params, result) = (export.params.clone(), export.results.first().cloned());
                Callee::Component { pre, index: export.index, params, result }
            }
            (Body::Core { signature: Ok(signature), .. }, Code::Module(module)) => {
                let plain = signature.params.iter().chain(&signature.results).all(|ty| *ty != Primitive::String);
                if !plain
                    || signature.results.len() > 1
                    || module.imports().len() > 0
                    || !fits(signature, module, method)
                {
                    return None;
                }
                let pre = Linker::new(module.engine()).instantiate_pre(module).ok()?;
                Callee::Core { pre, signature: signature.clone() }
            }
            _ => return None,
        };
        let stateless = stateless::is_stateless(code.bytes(), code.is_component(), method);
        stateless.then(|| Shortcut { callee, pause: AtomicU32::new(0) })
    }

    /// Calls the function, in `kept` if there is one. `memory`: the limit of the caller's host in bytes, 0 for none.
    /// `None`: make the call as a process.
    pub fn call(
        &self,
        program: &Program,
        kept: &mut Option<Box<Kept>>,
        args: &Flat,
        memory: usize,
    ) -> Option<Result<Flat>> {
        let pause = self.pause.load(Ordering::Relaxed);
        if pause > 0 {
            // Lost updates only make the pause longer.
            self.pause.store(pause - 1, Ordering::Relaxed);
            return None;
        }
        let own = program.limits().memory.map_or(0, NonZero::get);
        let limit = [memory, own].into_iter().filter(|l| *l > 0).min().unwrap_or(usize::MAX);
        if kept.as_ref().is_some_and(|kept| kept.store.data().used > limit) {
            return None;
        }
        let args = plain::values(args).ok()?;
        let _running = program.enter();
        let mut instance = match kept.take() {
            Some(instance) => instance,
            None => self.make(program, limit)?,
        };
        instance.store.set_epoch_deadline(TICKS);
        let called = match (&self.callee, &instance.func) {
            (Callee::Component { params, result, .. }, Func::Component(func)) => {
                call_component(&mut instance.store, func, params, result.as_ref(), &args)
            }
            (Callee::Core { signature, .. }, Func::Core(func)) => {
                call_core(&mut instance.store, func, signature, &args)
            }
            _ => return None,
        };
        let problem = match called {
            Ok(result) => {
                *kept = Some(instance);
                return Some(Ok(result));
            }
            Err(problem) => problem,
        };
        Some(Err(match problem {
            Problem::Text(cause) => {
                *kept = Some(instance);
                failure::call(program, cause)
            }
            Problem::Stopped(error) if error.is::<TooLong>() => {
                self.pause.store(PAUSE, Ordering::Relaxed);
                return None;
            }
            // An instance that trapped is not entered again.
            Problem::Stopped(error) => failure::stopped(program, None, &error),
        }))
    }

    /// What goes wrong here shows when the process is made.
    fn make(&self, program: &Program, limit: usize) -> Option<Box<Kept>> {
        let seat = program.admit().ok()?;
        let mut store = Store::new(program.engine(), Room { limit, used: 0 });
        store.limiter(|room| room);
        store.set_epoch_deadline(TICKS);
        store.epoch_deadline_callback(|_| -> wasmtime::Result<UpdateDeadline> { Err(wasmtime::Error::new(TooLong)) });
        let func = match &self.callee {
            Callee::Component { pre, index, .. } => {
                let instance = pre.instantiate(&mut store).ok()?;
                Func::Component(instance.get_func(&mut store, index)?)
            }
            Callee::Core { pre, .. } => {
                let instance = pre.instantiate(&mut store).ok()?;
                if let Some(init) = core_call::initializer(&mut store, &instance) {
                    init.call(&mut store, &[], &mut []).ok()?;
                }
                Func::Core(instance.get_func(&mut store, program.method())?)
            }
        };
        Some(Box::new(Kept { store, func, _seat: seat }))
    }
}

/// Whether the code has the function that the signature describes; the error is that of a process.
fn fits(signature: &Signature, module: &wasmtime::Module, method: &str) -> bool {
    let Some(ExternType::Func(ty)) = module.get_export(method) else { return false };
    let same = |types: &mut dyn ExactSizeIterator<Item = ValType>, wanted: &[Primitive]| {
        types.len() == wanted.len() && types.zip(wanted).all(|(t, w)| ValType::eq(&t, &core_call::core_type(*w)))
    };
    same(&mut ty.params(), &signature.params) && same(&mut ty.results(), &signature.results)
}

fn is_number(ty: &Type) -> bool {
    use Type::*;
    matches!(ty, Bool | S8 | U8 | S16 | U16 | S32 | U32 | S64 | U64 | Float32 | Float64 | Char)
}

enum Problem {
    Text(String),
    Stopped(wasmtime::Error),
}

fn encode(problem: String) -> Problem {
    Problem::Text(format!("encode params: {problem}"))
}

fn call_component(
    store: &mut Store<Room>,
    func: &component::Func,
    params: &[Type],
    result: Option<&Type>,
    args: &[Value],
) -> Result<Flat, Problem> {
    let params = lower::arguments(args, params).map_err(encode)?;
    let mut results = [component::Val::Bool(false)];
    let n = usize::from(result.is_some());
    func.call(&mut *store, &params, &mut results[..n]).map_err(Problem::Stopped)?;
    let mut flat = Flat::new();
    let lifted = flat.append(|w| match result {
        None => {
            w.map(0);
            Ok(())
        }
        Some(ty) => lift::lift(w, &results[0], ty),
    });
    lifted.map_err(|text| Problem::Text(format!("decode results: {text}")))?;
    Ok(flat)
}

fn call_core(
    store: &mut Store<Room>,
    func: &wasmtime::Func,
    signature: &Signature,
    args: &[Value],
) -> Result<Flat, Problem> {
    lower::check_count(args.len(), signature.params.len()).map_err(encode)?;
    let mut params = Vec::with_capacity(args.len());
    for (i, (value, ty)) in args.iter().zip(&signature.params).enumerate() {
        params.push(core_call::scalar(value, *ty).map_err(|misfit| encode(lower::at_parameter(i, &misfit)))?);
    }
    let mut results = [wasmtime::Val::I32(0)];
    func.call(&mut *store, &params, &mut results[..signature.results.len()]).map_err(Problem::Stopped)?;
    let mut flat = Flat::new();
    let written = flat.append(|w| match signature.results.first() {
        None => {
            w.map(0);
            Ok(())
        }
        Some(ty) => core_call::write(w, &results[0], *ty),
    });
    written.map_err(Problem::Text)?;
    Ok(flat)
}

/// The call is not one of a moment.
#[derive(Debug)]
struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the call takes longer than a moment")
    }
}

impl std::error::Error for TooLong {}

impl Room {
    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<bool> {
        self.used = (self.used - current.min(self.used)).saturating_add(desired);
        Ok(self.used <= self.limit)
    }
}

impl ResourceLimiter for Room {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired)
    }
    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current.saturating_mul(ELEMENT), desired.saturating_mul(ELEMENT))
    }
}

/// Bytes of a table element.
const ELEMENT: usize = 16;
