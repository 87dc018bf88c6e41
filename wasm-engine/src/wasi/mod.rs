//! What WASI shows to one guest: arguments, variables, clocks and randomness of
//! the node, and the terminal where there is one. Elsewhere input is at its end
//! and output goes nowhere.
//!
//! What leads out of the guest asks the gate (`commands`): directories
//! (`mounts`), `sockets` and `http`. Its work is done on the IO runtime, which
//! wakes the guest; no worker waits for it.

mod commands;
mod http;
mod mounts;
mod sockets;
mod terminal;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rand_core::TryRng;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wippy_runtime::clock::Clock;
use wippy_runtime::dispatch::{Caller, CapabilitySet};
use wippy_runtime::entropy::Entropy;
use wippy_runtime::io::blocking;
use wippy_runtime::terminal::TerminalSession;
use wippy_runtime::{Error, Kind, Node, Result};

use crate::definition::EnvItem;
use crate::grants::Group;
use crate::process::GuestState;
use crate::program::Program;

pub use commands::register;
pub use http::Outgoing;

/// The module that core modules import WASI from.
pub const PREVIEW1: &str = "wasi_snapshot_preview1";
/// Bytes of randomness one call gives at most.
const MAX_RANDOM: u64 = 1 << 20;

/// Which WASI a guest speaks.
pub enum WasiState {
    Component(Box<WasiCtx>),
    Module(Box<WasiP1Ctx>),
}

/// Reads the settings of the entry for one run. Errors: NotFound `required wasi env variable not found: ID`; Internal
/// `failed to resolve wasi env mapping: ID: ...`; those of [`mounts::find`] and [`mounts::open`].
pub async fn prepare(state: &mut GuestState) -> Result<()> {
    let program = state.program.clone();
    let caller = state.with_step(|cx| cx.caller().clone()).map_err(|e| Error::internal(e.to_string()))?;
    let node = &caller.node;
    let mut variables = Vec::new();
    for item in &program.wasi().env {
        let value = variable(node, item, program.id().ns()).await?;
        variables.extend(value.map(|value| (item.name.clone(), value)));
    }
    variables.sort();
    let directories = mounts::find(state).await?;
    let mut builder = WasiCtx::builder();
    clocks(&mut builder, node);
    if program.is_preview1() {
        state.wasi = Some(WasiState::Module(Box::new(builder.build_p1())));
        return Ok(());
    }
    builder.envs(&variables);
    of_terminal(&mut builder, &program, &caller);
    if program.has_grant(Group::Sockets) {
        sockets::allow(&mut builder, caller.clone());
    }
    if program.has_grant(Group::Http) {
        state.http = Some(Box::new(Outgoing::new(caller.clone())));
    }
    let mut builder = mounts::open(builder, directories).await?;
    state.wasi = Some(WasiState::Component(Box::new(builder.build())));
    Ok(())
}

/// Arguments, working directory and standard streams.
fn of_terminal(builder: &mut WasiCtxBuilder, program: &Program, caller: &Caller) {
    let (settings, control) = (program.wasi(), &caller.control);
    let session = control.attached::<TerminalSession>();
    let session = session.filter(|_| control.host.capabilities.allows(CapabilitySet::TERMINAL));
    match &session {
        _ if !settings.args.is_empty() => builder.args(&settings.args),
        Some(session) => {
            let args: Vec<String> = session.args.iter().map(|a| String::from_utf8_lossy(a).into_owned()).collect();
            builder.args(&args)
        }
        None => builder,
    };
    builder.initial_cwd(if settings.cwd.is_empty() { "/" } else { &settings.cwd });
    if let Some(session) = session {
        terminal::attach(builder, &session, &caller.node);
    }
}

/// The value of a variable; an empty one counts as none.
async fn variable(node: &Arc<Node>, item: &EnvItem, ns: &str) -> Result<Option<String>> {
    let environment = node.environment().clone();
    let name = item.id.as_str();
    let found = match environment.blocks(name, ns) {
        false => environment.get(name, ns),
        true => {
            let (name, ns) = (name.to_owned(), ns.to_owned());
            blocking(move || environment.get(&name, &ns)).await
        }
    };
    let value = match found {
        Ok(value) => Some(value).filter(|v| !v.is_empty()),
        Err(e) if *e.kind() == Kind::NOT_FOUND => None,
        Err(e) => {
            let text = format!("failed to resolve wasi env mapping: {}", item.id);
            return Err(Error::internal(text).because(e));
        }
    };
    if value.is_none() && item.required {
        return Err(Error::not_found(format!("required wasi env variable not found: {}", item.id)));
    }
    Ok(value)
}

/// Time and randomness as the node has them.
fn clocks(builder: &mut WasiCtxBuilder, node: &Node) {
    builder.wall_clock(NodeClock(node.clock().clone()));
    builder.monotonic_clock(NodeClock(node.clock().clone()));
    builder.secure_random(NodeRandom(node.entropy().clone()));
    builder.insecure_random(NodeRandom(node.entropy().clone()));
    let seed = u128::from(node.entropy().next()) << 64 | u128::from(node.entropy().next());
    builder.insecure_random_seed(seed);
    builder.max_random_size(MAX_RANDOM);
}

struct NodeClock(Arc<dyn Clock>);

impl HostWallClock for NodeClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.wall()).unwrap_or_default())
    }
}

impl HostMonotonicClock for NodeClock {
    fn resolution(&self) -> u64 {
        1
    }
    fn now(&self) -> u64 {
        self.0.now()
    }
}

struct NodeRandom(Arc<dyn Entropy>);

impl TryRng for NodeRandom {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next() as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next())
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        // Linked only for components that were granted WASI, and those have their state before they run.
        let empty = || WasiState::Component(Box::new(WasiCtx::builder().build()));
        if !matches!(self.wasi, Some(WasiState::Component(_))) {
            self.wasi = Some(empty());
        }
        match self.wasi.get_or_insert_with(empty) {
            WasiState::Component(ctx) => WasiCtxView { ctx, table: &mut self.table },
            WasiState::Module(_) => unreachable!("replaced above"),
        }
    }
}

/// The WASI of a core module.
pub fn preview1(state: &mut GuestState) -> &mut WasiP1Ctx {
    let empty = || WasiState::Module(Box::new(WasiCtx::builder().build_p1()));
    if !matches!(state.wasi, Some(WasiState::Module(_))) {
        state.wasi = Some(empty());
    }
    match state.wasi.get_or_insert_with(empty) {
        WasiState::Module(ctx) => ctx,
        WasiState::Component(_) => unreachable!("replaced above"),
    }
}
