//! One version of one entry, ready to run: compiled code, linked with what the
//! entry was granted. Shared by all its runs.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Type};
use wasmtime::{Engine, Module};
use wippy_runtime::process::{Control, OwnLimits};
use wippy_runtime::registry::EntryId;
use wippy_runtime::timers::{TimerKey, Timers};
use wippy_runtime::{Error, Result};

use crate::definition::{Definition, Transport, WasiSettings};
use crate::engine::compile::{Binary, Code, Compiled};
use crate::engine::ticker::Inside;
use crate::engine::{Engines, Seat};
use crate::grants::Group;
use crate::host::bindings::ProcessPre;
use crate::link;
use crate::process::GuestState;
use crate::shortcut::Shortcut;
use crate::signature::{self, Signature};

/// An exported function and its types.
pub struct Export {
    pub index: ComponentExportIndex,
    pub params: Vec<Type>,
    pub results: Vec<Type>,
}

/// What is run.
pub enum Body {
    /// A function of a component. A missing export is an error of each call.
    Function { pre: wasmtime::component::InstancePre<GuestState>, export: Result<Export, String> },
    /// A component of the world `process`: a process with a mailbox.
    Actor(ProcessPre<GuestState>),
    /// A core module; what it imports and nobody offers, and its signature, are errors of each call.
    Core { pre: wasmtime::Result<wasmtime::InstancePre<GuestState>>, signature: Result<Signature, String> },
}

/// See the module comment.
pub struct Program {
    id: EntryId,
    method: Arc<str>,
    definition: Definition,
    engines: Arc<Engines>,
    timers: Arc<Timers>,
    compiled: Arc<Compiled>,
    body: Body,
    /// WASI of core modules is linked.
    preview1: bool,
    shortcut: Option<Shortcut>,
}

impl Program {
    /// Links `compiled`. Errors: Invalid for imports of components in a core module; under `strict_imports` all imports
    /// that nobody offers.
    pub fn new(
        id: &EntryId,
        definition: Definition,
        compiled: Arc<Compiled>,
        engines: Arc<Engines>,
        timers: Arc<Timers>,
    ) -> Result<Program> {
        let engine = engines.get(compiled.profile);
        let mut preview1 = false;
        let body = match &compiled.code {
            Code::Component(component) => component_body(engine, component, &definition)?,
            Code::Module(module) => {
                if definition.strict_imports {
                    refuse(link::missing_of_module(module))?;
                }
                preview1 = link::wants_preview1(module);
                core_body(engine, module, &definition)
            }
        };
        let method = match (&body, definition.method.as_str()) {
            (Body::Actor(_), _) => RUN.into(),
            (_, "") => return Err(Error::internal(NO_METHOD)),
            (_, method) => method.into(),
        };
        let (id, shortcut) = (id.clone(), None);
        Ok(Program { id, method, definition, engines, timers, compiled, body, preview1, shortcut })
    }
    /// Looks whether calls can do without a process. `code` is what this was compiled from.
    pub fn find_shortcut(&mut self, code: &Binary<'_>) {
        let plain = self.definition.transport == Transport::Payload && self.definition.grants.is_empty();
        if plain && !self.needs_wasi() {
            self.shortcut =
                Shortcut::find(&self.compiled, &self.body, code, &self.method, self.definition.max_execution);
        }
    }
    pub fn shortcut(&self) -> Option<&Shortcut> {
        self.shortcut.as_ref()
    }

    pub fn id(&self) -> &EntryId {
        &self.id
    }
    pub fn method(&self) -> &Arc<str> {
        &self.method
    }
    pub fn body(&self) -> &Body {
        &self.body
    }
    pub fn engine(&self) -> &Engine {
        self.engines.get(self.compiled.profile)
    }
    pub fn transport(&self) -> Transport {
        self.definition.transport
    }
    pub fn wasi(&self) -> &WasiSettings {
        &self.definition.wasi
    }
    /// Whether it has a mailbox.
    pub fn is_actor(&self) -> bool {
        matches!(self.body, Body::Actor(_))
    }
    pub fn max_execution(&self) -> Option<Duration> {
        self.definition.max_execution
    }
    /// Below those of the host.
    pub fn limits(&self) -> OwnLimits {
        self.definition.limits
    }
    /// Bytes that a run's instances take beside memories and tables, as far as they are worth counting.
    pub fn instance_bytes(&self) -> usize {
        self.compiled.needs.bytes.saturating_sub(SMALL_INSTANCE)
    }
    /// Whether the guest sees a WASI environment, or one is to be looked up.
    pub fn needs_wasi(&self) -> bool {
        self.preview1 || self.definition.grants.needs_wasi() || self.definition.wasi.needs_look_ups()
    }
    pub fn has_grant(&self, group: Group) -> bool {
        self.definition.grants.has(group)
    }
    pub fn is_preview1(&self) -> bool {
        self.preview1
    }
    /// A guest runs until the answer is dropped.
    pub fn enter(&self) -> Inside<'_> {
        self.engines.ticker.enter()
    }
    /// A guest is about to wait for the first time; to be called on its stack.
    pub fn settle(&self) {
        self.engines.stacks.trim_stack();
    }
    pub fn cancel_timer(&self, timer: TimerKey) {
        self.timers.cancel(timer);
    }
    pub fn check_host(&self, control: &Control) -> Result<()> {
        self.definition.grants.check_host(control, &self.id)
    }
    /// Room for one more instance.
    pub fn admit(&self) -> Result<Seat> {
        self.engines.admit(self.compiled.profile)
    }
}

/// Bytes that the instances of a run may take without being counted: what those of ordinary guests do.
const SMALL_INSTANCE: usize = 256 << 10;
/// The export of the world `process`.
const RUN: &str = "run";
const NO_METHOD: &str = "failed to unpack process.wasm config: invalid configuration: method is required";

/// One error for all imports that are missing.
fn refuse(missing: Vec<String>) -> Result<()> {
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid(format!("imports that nothing offers: {}", missing.join(", ")))),
    }
}

fn component_body(engine: &Engine, component: &Component, definition: &Definition) -> Result<Body> {
    let failed = |e: wasmtime::Error| Error::internal(format!("failed to compile wasm module: {e:#}"));
    let mut linker = link::component_linker(engine, &definition.grants).map_err(failed)?;
    if definition.strict_imports {
        refuse(link::missing_of_component(engine, component, &definition.grants))?;
    } else {
        link::stub_missing(&mut linker, component, &definition.grants).map_err(failed)?;
    }
    let pre = linker.instantiate_pre(component).map_err(|e| match link::newer_package(component) {
        Some(newer) => Error::invalid(format!("{newer}: {e:#}")),
        None => failed(e),
    })?;
    if matches!(definition.method.as_str(), "" | RUN)
        && let Ok(actor) = ProcessPre::new(pre.clone())
    {
        return Ok(Body::Actor(actor));
    }
    Ok(Body::Function { pre, export: find_export(component, &definition.method) })
}

/// The function `method`: `name`, or `interface#name`.
fn find_export(component: &Component, method: &str) -> Result<Export, String> {
    let missing = || format!("export \"{method}\" not found in component");
    let found = match method.split_once('#') {
        None => component.get_export(None, method),
        Some((interface, name)) => {
            let (_, instance) = component.get_export(None, interface).ok_or_else(missing)?;
            component.get_export(Some(&instance), name)
        }
    };
    let (ComponentItem::ComponentFunc(func), index) = found.ok_or_else(missing)? else { return Err(missing()) };
    Ok(Export { index, params: params(&func), results: func.results().collect() })
}

fn params(func: &ComponentFunc) -> Vec<Type> {
    func.params().map(|(_, ty)| ty).collect()
}

fn core_body(engine: &Engine, module: &Module, definition: &Definition) -> Body {
    let pre = link::module_linker(engine, module).and_then(|linker| linker.instantiate_pre(module));
    Body::Core { pre, signature: signature::find(&definition.wit, &definition.method) }
}
