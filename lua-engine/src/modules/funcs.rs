//! The `funcs` module: calling functions, at once or in the background, with
//! or without settings of their own (Executor).

use std::sync::Arc;

use wippy_runtime::Error;
use wippy_runtime::payload::{Flat, Map};
use wippy_runtime::process::Inherited;
use wippy_runtime::process::commands::CallFunction;

use super::overlay::{self, Overlaid, Overlay, Rules};
use super::{Module, ModuleValue, future};
use crate::member;
use crate::native::{Call, Member, Object, Raise, Ret};
use crate::process::module::encode_args;

pub static MODULE: Module = Module {
    name: "funcs",
    value: ModuleValue::Table(&[member!("call", call_now), member!("async", call_async), member!("new", new)]),
    class: &["workflow"],
    description: "Calls of functions",
};

/// Settings of calls.
#[derive(Clone, Default)]
struct Executor {
    overlay: Overlay,
}

impl Object for Executor {
    const EXPECTED: &'static str = "Executor";
    const METHODS: &'static [Member] = &[
        member!("with_context", overlay::with_context::<Executor>),
        member!("with_actor", overlay::with_actor::<Executor>),
        member!("with_scope", overlay::with_scope::<Executor>),
        member!("with_options", overlay::with_options::<Executor>),
        member!("call", executor_call),
        member!("async", executor_async),
    ];
}

impl Overlaid for Executor {
    const RULES: Rules = Rules {
        context: "funcs.context",
        no_context: "not allowed to call functions with custom context",
        security: "funcs.security",
        no_security: "not allowed to call functions with custom security context",
    };
    fn overlay_mut(&mut self) -> &mut Overlay {
        &mut self.overlay
    }
}

/// The id of a function in full form.
fn check_target(target: &str) -> Result<(), Error> {
    let problem = match target.split_once(':') {
        _ if target.is_empty() => "function ID required",
        None | Some(("", _)) => "namespace required in function ID",
        Some((_, "")) => "name required in function ID",
        Some(_) => return Ok(()),
    };
    Err(Error::invalid(problem))
}

/// The call of the target in argument `at` with the arguments behind it.
fn request(
    call: &Call<'_>,
    at: i32,
    inherited: Option<Arc<Inherited>>,
    options: Option<Arc<Map>>,
) -> Result<Result<CallFunction, Error>, Raise> {
    let target = call.text(at)?.into_owned();
    Ok(check_target(&target).and_then(|()| {
        let args = encode_args(call, at + 1, Flat::new())?;
        Ok(CallFunction { target, args, inherited, options })
    }))
}

/// [`request`] with the settings of the Executor in argument 1.
fn executor_request(call: &Call<'_>) -> Result<Result<CallFunction, Error>, Raise> {
    let overlay = &call.userdata::<Executor>(1)?.overlay;
    request(call, 2, Some(overlay.for_caller(call)?), overlay.options.clone())
}

fn new(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.push_object(Executor::default());
    Ok(Ret::ONE)
}

fn call_now(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match request(call, 1, None, None)? {
        Ok(request) => call.request(request, |call, reply| call.answer(reply)),
        Err(e) => call.fail(e),
    }
}

fn call_async(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let request = request(call, 1, None, None)?;
    future::begin(call, request)
}

fn executor_call(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match executor_request(call)? {
        Ok(request) => call.request(request, |call, reply| call.answer(reply)),
        Err(e) => call.fail(e),
    }
}

fn executor_async(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let request = executor_request(call)?;
    future::begin(call, request)
}
