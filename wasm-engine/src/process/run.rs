//! What the future of a run does: makes the instance, converts the arguments,
//! calls the guest, converts what it gives.

use std::sync::Arc;

use wasmtime::component::{Func as ComponentFunc, Val};
use wasmtime::{AsContextMut, Store, StoreContextMut, UpdateDeadline};
use wippy_runtime::payload::Flat;
use wippy_runtime::process::{Step, Upgrade};
use wippy_runtime::{Error, Result};

use super::failure;
use super::instance::{Run, done};
use super::state::{GuestState, Leave};
use crate::core_call;
use crate::definition::Transport;
use crate::host::bindings::ProcessPre;
use crate::host::{TableForm, payload};
use crate::program::{Body, Export, Program};
use crate::values::{lift, lower, plain};
use crate::wasi;

/// Bytes that one call of a host function may make of its arguments, whatever memory the guest may have: lists may name
/// the same bytes again and again.
const MAX_COPIED: usize = 128 << 20;

/// One run, from its arguments to how it ends. A process keeps its future as long as it lives, so those of processes
/// have no room for what only functions need.
pub fn run(state: GuestState, args: Flat) -> Run {
    let program = state.program.clone();
    let store = store(&program, state);
    match program.is_actor() {
        true => Box::pin(process(program, store, args)),
        false => Box::pin(call(program, store, args)),
    }
}

async fn process(program: Arc<Program>, mut store: Store<GuestState>, args: Flat) -> Step {
    let Body::Actor(pre) = program.body() else {
        return done(Err(Error::internal("this component is no process")));
    };
    let result = match surround(&program, &mut store).await {
        Ok(()) => actor(&program, pre, &mut store, args).await,
        Err(e) => Err(e),
    };
    let state = store.data_mut();
    match state.leave.take() {
        None => done(result),
        Some(Leave::Exit(exit)) => Step::Done(exit),
        Some(Leave::Upgrade { entry, args }) => {
            Step::Upgrade(Box::new(Upgrade { entry, args, retained: state.mailbox.drain() }))
        }
    }
}

async fn call(program: Arc<Program>, mut store: Store<GuestState>, args: Flat) -> Step {
    match surround(&program, &mut store).await {
        Ok(()) => done(function(&program, &mut store, &args).await),
        Err(e) => done(Err(e)),
    }
}

/// Counts what the instance takes, and gives the guest its WASI environment, if it is to see one.
async fn surround(program: &Program, store: &mut Store<GuestState>) -> Result<()> {
    let taken = store.data_mut().memory.take(program.instance_bytes());
    taken.map_err(|e| failure::refused(program, e))?;
    if program.needs_wasi() {
        Box::pin(wasi::prepare(store.data_mut())).await?;
    }
    Ok(())
}

/// A component of the world `process`.
async fn actor(
    program: &Program,
    pre: &ProcessPre<GuestState>,
    store: &mut Store<GuestState>,
    args: Flat,
) -> Result<Flat> {
    let guest = pre.instantiate_async(&mut *store).await;
    let guest = guest.map_err(|e| failure::instantiation(program, store.data().memory.refusal(), &e))?;
    let values = payload::read_all(&mut store.data_mut().table, &mut args.reader(), TableForm::Flat);
    drop(args);
    let outcome = guest.call_run(&mut *store, &values).await;
    let outcome = outcome.map_err(|e| failure::stopped(program, store.data().memory.refusal(), &e))?;
    store.data_mut().exit_of(outcome).into_result()
}

/// The store of a run, with everything in force that limits it.
fn store(program: &Program, state: GuestState) -> Store<GuestState> {
    let copied = state.memory.limit().saturating_mul(2).min(MAX_COPIED);
    let mut store = Store::new(program.engine(), state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(copied);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|cx: StoreContextMut<'_, GuestState>| {
        let state = cx.data();
        let others = state.with_step(|step| step.is_killed() || step.slice_used())?;
        Ok(if others { UpdateDeadline::Yield(1) } else { UpdateDeadline::Continue(1) })
    });
    store
}

async fn function(program: &Program, store: &mut Store<GuestState>, args: &Flat) -> Result<Flat> {
    if program.transport() == Transport::WasiHttp && args.is_empty() {
        return Err(Error::internal("failed to prepare transport input: http request context not found"));
    }
    let args = plain::values(args).map_err(|e| Error::internal("failed to transcode payload").because(e))?;
    let result = match program.body() {
        Body::Function { pre, export } => {
            let instance = pre.instantiate_async(&mut *store).await;
            let instance = instance.map_err(|e| failure::instantiation(program, store.data().memory.refusal(), &e))?;
            let export = export.as_ref().map_err(|cause| failure::call(program, cause))?;
            let func = instance.get_func(&mut *store, export.index);
            let func = func.ok_or_else(|| failure::call(program, export_missing(program)))?;
            component(program, store, func, export, &args).await?
        }
        Body::Actor(_) => return Err(failure::call(program, "a process is not called as a function")),
        Body::Core { pre, signature } => {
            let pre = pre.as_ref().map_err(|e| failure::instantiation(program, store.data().memory.refusal(), e))?;
            let instance = pre.instantiate_async(&mut *store).await;
            let instance = instance.map_err(|e| failure::instantiation(program, store.data().memory.refusal(), &e))?;
            let initialized = core_call::initialize(store, &instance).await;
            initialized.map_err(|e| failure::instantiation(program, store.data().memory.refusal(), &e))?;
            let signature = signature.as_ref().map_err(|cause| failure::call(program, cause))?;
            let called = core_call::call(store, &instance, program.method(), signature, &args).await;
            called.map_err(|problem| match problem {
                core_call::Problem::Text(cause) => failure::call(program, cause),
                core_call::Problem::Stopped(error) => failure::stopped(program, store.data().memory.refusal(), &error),
            })?
        }
    };
    match program.transport() {
        Transport::Payload => Ok(result),
        Transport::WasiHttp => {
            Err(Error::internal("failed to encode transport result: http request context not found"))
        }
    }
}

fn export_missing(program: &Program) -> String {
    format!("export \"{}\" not found in component", program.method())
}

async fn component(
    program: &Program,
    store: &mut Store<GuestState>,
    func: ComponentFunc,
    export: &Export,
    args: &[wippy_runtime::payload::Value],
) -> Result<Flat> {
    let params = lower::arguments(args, &export.params);
    let params = params.map_err(|text| failure::call(program, format_args!("encode params: {text}")))?;
    let mut results = vec![Val::Bool(false); export.results.len()];
    let called = func.call_async(store.as_context_mut(), &params, &mut results).await;
    called.map_err(|e| failure::stopped(program, store.data().memory.refusal(), &e))?;
    let mut flat = Flat::new();
    let lifted = flat.append(|w| match (&results[..], &export.results[..]) {
        ([], _) => {
            w.map(0);
            Ok(())
        }
        ([value], [ty]) => lift::lift(w, value, ty),
        (values, types) => {
            w.list(values.len() as u32);
            values.iter().zip(types).try_for_each(|(value, ty)| lift::lift(w, value, ty))
        }
    });
    lifted.map_err(|text| failure::call(program, format_args!("decode results: {text}")))?;
    Ok(flat)
}
