//! The `expr` module: expressions over plain data.
//!
//! Compiled programs are shared by all VMs and bounded together. A Program
//! object holds its source in the memory of its VM, and the program itself only
//! as long as others keep it; it is compiled again if need be.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock, Weak};

use lru::LruCache;
use parking_lot::Mutex;
use wippy_expr::{Env, Limits, Names, Program};
use wippy_runtime::expression::{self, to_plain, type_of};
use wippy_runtime::{Error, Result};

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Object, Raise, Ret};

pub static MODULE: Module = Module {
    name: "expr",
    value: ModuleValue::Table(&[member!("eval", eval), member!("compile", compile)]),
    class: &["deterministic"],
    description: "Expressions over data",
};

/// Most programs kept, and most bytes they take together.
const MAX_PROGRAMS: usize = 1_000;
const MAX_WEIGHT: usize = 32 << 20;

struct Cache {
    programs: LruCache<Arc<str>, Arc<Program>>,
    weight: usize,
}

static CACHE: LazyLock<Mutex<Cache>> =
    LazyLock::new(|| Mutex::new(Cache { programs: LruCache::unbounded(), weight: 0 }));

/// The program of a source. Errors: Invalid if it is empty, Internal if it does not compile.
fn program(source: &str) -> Result<Arc<Program>> {
    if source.is_empty() {
        return Err(Error::invalid("expression cannot be empty"));
    }
    if let Some(known) = CACHE.lock().programs.get(source) {
        return Ok(known.clone());
    }
    let program = Arc::new(Program::compile(source).map_err(internal)?);
    let cache = &mut *CACHE.lock();
    cache.weight += program.weight();
    if let Some((_, old)) = cache.programs.push(source.into(), program.clone()) {
        cache.weight -= old.weight();
    }
    while (cache.weight > MAX_WEIGHT || cache.programs.len() > MAX_PROGRAMS)
        && let Some((_, oldest)) = cache.programs.pop_lru()
    {
        cache.weight -= oldest.weight();
    }
    Ok(program)
}

fn internal(e: wippy_expr::Error) -> Error {
    Error::internal(e.to_string())
}

/// A compiled program as a Lua object. Its source is in its slot.
struct ProgramObject(RefCell<Weak<Program>>);

impl Object for ProgramObject {
    const EXPECTED: &'static str = "Program";
    const METHODS: &'static [Member] = &[member!("run", run)];
    const SLOTS: i32 = 1;
}

/// Runs a program with the names in argument `i`, if there are any, and pushes the result.
fn answer(call: &mut Call<'_>, program: Result<Arc<Program>>, i: i32) -> Result<Ret, Raise> {
    let env = if call.is_nil_or_none(i) { None } else { Some(call.value(i)?) };
    let surroundings = call.state().surroundings();
    let now = || surroundings.unix_nanos();
    let mut steps = 0;
    let run = |program: Arc<Program>| {
        let names = env.as_ref().map(expression::Names::of).transpose()?;
        let env = names.as_ref().map(|n| n as &dyn Env);
        let result;
        (result, steps) = program.run_counted(env, &now, Limits::default());
        to_plain(&result.map_err(internal)?)
    };
    let result = program.and_then(run);
    // One takes about as long as four calls.
    call.charge_steps(steps.saturating_mul(4));
    match result {
        Ok(value) => call.push_value(&value)?,
        Err(e) => return call.fail(e),
    }
    call.fine()
}

fn eval(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let source = call.text(1)?;
    let program = program(&source);
    answer(call, program, 2)
}

fn compile(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let source = call.text(1)?;
    let mut env = None;
    if !call.is_nil_or_none(2) {
        call.table(2)?;
        env = Some(call.value(2)?);
    }
    let checked = program(&source).and_then(|program| {
        if let Some(env) = &env {
            let known = |name: &str| env.get(name).map(type_of);
            program.check(&Names::Only(&known)).map_err(internal)?;
        }
        Ok(program)
    });
    match checked {
        Ok(program) => {
            call.push_object(ProgramObject(RefCell::new(Arc::downgrade(&program))));
            call.push_str(source.as_bytes());
            call.set_slot(-2, 1);
        }
        Err(e) => return call.fail(e),
    }
    call.fine()
}

fn run(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let object = call.userdata::<ProgramObject>(1)?;
    if !call.is_nil_or_none(2) {
        call.table(2)?;
    }
    let kept = object.0.borrow().upgrade();
    let program = match kept {
        Some(program) => Ok(program),
        None => {
            call.get_slot(1, 1);
            let source = String::from_utf8_lossy(call.bytes(-1).unwrap_or_default()).into_owned();
            call.pop(1);
            program(&source).inspect(|program| *object.0.borrow_mut() = Arc::downgrade(program))
        }
    };
    answer(call, program, 2)
}
