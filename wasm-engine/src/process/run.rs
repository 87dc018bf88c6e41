//! What the future of a run does: makes the instance, converts the arguments,
//! calls the guest, converts what it gives.

use std::sync::Arc;

use wasmtime::component::{Func as ComponentFunc, Val};
use wasmtime::{AsContextMut, Store, StoreContextMut, UpdateDeadline};
use wippy_runtime::payload::Flat;
use wippy_runtime::process::{Step, Upgrade};
use wippy_runtime::{Error, Result};

use super::failure;
use super::instance::done;
use super::state::{GuestState, Leave};
use crate::core_call;
use crate::definition::Transport;
use crate::host::bindings::ProcessPre;
use crate::host::{TableForm, payload};
use crate::program::{Body, Export, Program};
use crate::values::{lift, lower, plain};
use crate::wasi::WasiState;

/// One run, from its arguments to how it ends.
pub async fn run(state: GuestState, args: Flat) -> Step {
    let program = state.program.clone();
    let mut store = match store(&program, state).await {
        Ok(store) => store,
        Err(e) => return done(Err(e)),
    };
    match program.body() {
        Body::Actor(pre) => {
            let result = actor(&program, pre, &mut store, &args).await;
            let state = store.data_mut();
            match state.leave.take() {
                None => done(result),
                Some(Leave::Exit(exit)) => Step::Done(exit),
                Some(Leave::Upgrade { entry, args }) => {
                    Step::Upgrade(Box::new(Upgrade { entry, args, retained: state.mailbox.drain() }))
                }
            }
        }
        _ => done(function(&program, &mut store, &args).await),
    }
}

/// A component of the world `process`.
async fn actor(
    program: &Program,
    pre: &ProcessPre<GuestState>,
    store: &mut Store<GuestState>,
    args: &Flat,
) -> Result<Flat> {
    let guest = pre.instantiate_async(&mut *store).await.map_err(|e| failure::instantiation(program, &e))?;
    let args = payload::read_all(&mut store.data_mut().table, &mut args.reader(), TableForm::Flat);
    let outcome = guest.call_run(&mut *store, &args).await.map_err(|e| failure::stopped(program, &e))?;
    store.data_mut().exit_of(outcome).into_result()
}

/// The store of a run, with everything in force that limits it.
async fn store(program: &Arc<Program>, mut state: GuestState) -> Result<Store<GuestState>> {
    if program.needs_wasi() {
        let node = state.with_step(|cx| cx.node().clone()).map_err(|e| Error::internal(e.to_string()))?;
        state.wasi = Some(WasiState::new(program, &state.control, &node).await?);
    }
    let mut store = Store::new(program.engine(), state);
    store.limiter(|state| &mut state.memory);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|cx: StoreContextMut<'_, GuestState>| {
        let state = cx.data();
        state.program.touch();
        let others = state.with_step(|step| step.is_killed() || step.slice_used())?;
        Ok(if others { UpdateDeadline::Yield(1) } else { UpdateDeadline::Continue(1) })
    });
    Ok(store)
}

async fn function(program: &Program, store: &mut Store<GuestState>, args: &Flat) -> Result<Flat> {
    if program.transport() == Transport::WasiHttp && args.is_empty() {
        return Err(Error::internal("failed to prepare transport input: http request context not found"));
    }
    let args = plain::values(args).map_err(|e| Error::internal("failed to transcode payload").because(e))?;
    let result = match program.body() {
        Body::Function { pre, export } => {
            let instance = pre.instantiate_async(&mut *store).await.map_err(|e| failure::instantiation(program, &e))?;
            let export = export.as_ref().map_err(|cause| failure::call(program, cause))?;
            let func = instance.get_func(&mut *store, export.index);
            let func = func.ok_or_else(|| failure::call(program, export_missing(program)))?;
            component(program, store, func, export, &args).await?
        }
        Body::Actor(_) => return Err(failure::call(program, "a process is not called as a function")),
        Body::Core { pre, signature } => {
            let unlinked = |e: &wasmtime::Error| failure::instantiation(program, e);
            let pre = pre.as_ref().map_err(unlinked)?;
            let instance = pre.instantiate_async(&mut *store).await.map_err(|e| unlinked(&e))?;
            core_call::initialize(store, &instance).await.map_err(|e| unlinked(&e))?;
            let signature = signature.as_ref().map_err(|cause| failure::call(program, cause))?;
            let called = core_call::call(store, &instance, program.method(), signature, &args).await;
            called.map_err(|problem| match problem {
                core_call::Problem::Text(cause) => failure::call(program, cause),
                core_call::Problem::Stopped(error) => failure::stopped(program, &error),
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
    called.map_err(|e| failure::stopped(program, &e))?;
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
