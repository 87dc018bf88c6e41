//! The core function behind an export of a component: through the aliases,
//! nested components and instances that tool chains put in between.

use std::collections::HashMap;

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, ExternalKind, Instance, Parser, Payload,
};

/// Deepest nesting of components that is followed.
const MAX_DEPTH: usize = 4;
/// Steps from an export to its function.
const MAX_STEPS: usize = 64;

/// A module, and the functions of it that a call of the export runs.
pub struct Lifted<'a> {
    pub module: &'a [u8],
    pub names: Vec<String>,
}

/// What is behind the function `name`, or `interface#name`, of a component. `None`: it is not there or not plain, or the
/// component imports something and runs code when it is made.
pub fn lifted<'a>(component: &'a [u8], method: &str) -> Option<Lifted<'a>> {
    let mut payloads = Parser::new(0).parse_all(component);
    let root = Shape::read(&mut payloads, component, 0)?;
    if root.imports && root.starts {
        return None;
    }
    let (shape, func) = match method.split_once('#') {
        None => (&root, root.exported(method, Kind::Func)?),
        Some((interface, name)) => {
            let instance = root.exported(interface, Kind::Instance)?;
            (&root, root.func_of_instance(instance, name, MAX_STEPS)?)
        }
    };
    let (core, after) = shape.lift(func, MAX_STEPS)?;
    let (module, name) = shape.core_func(core)?;
    let mut names = vec![name.to_owned()];
    for func in after {
        let (other, name) = shape.core_func(func)?;
        if !std::ptr::eq(other, module) {
            return None;
        }
        names.push(name.to_owned());
    }
    Some(Lifted { module, names })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Func,
    Instance,
}

/// A component's function.
#[derive(Debug)]
enum Func {
    Import(String),
    /// A core function, and those that run after it.
    Lift(u32, Vec<u32>),
    OfInstance(u32, String),
    Same(u32),
}

#[derive(Debug)]
enum Inst {
    Component(u32, HashMap<String, u32>),
    /// Functions by name.
    Bundle(HashMap<String, u32>),
    Same(u32),
    Unknown,
}

#[derive(Debug)]
enum CoreInst {
    Module(u32),
    Bundle,
}

/// The parts of a component that lead from exports to core functions.
#[derive(Debug, Default)]
struct Shape<'a> {
    modules: Vec<Option<&'a [u8]>>,
    /// `None`: made by the component model itself.
    core_funcs: Vec<Option<(u32, String)>>,
    core_instances: Vec<CoreInst>,
    components: Vec<Option<Shape<'a>>>,
    funcs: Vec<Func>,
    instances: Vec<Inst>,
    exports: HashMap<String, (ComponentExternalKind, u32)>,
    /// It imports functions or instances.
    imports: bool,
    /// A module in it has a start function.
    starts: bool,
}

type Payloads<'p, 'a> = &'p mut dyn Iterator<Item = wasmparser::Result<Payload<'a>>>;

impl<'a> Shape<'a> {
    /// Reads up to the end of this component.
    fn read(payloads: Payloads<'_, 'a>, all: &'a [u8], depth: usize) -> Option<Shape<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut shape = Shape::default();
        while let Some(payload) = payloads.next() {
            match payload.ok()? {
                Payload::ModuleSection { unchecked_range: range, .. } => {
                    shape.modules.push(all.get(range));
                    shape.starts |= skip_module(payloads)?;
                }
                Payload::ComponentSection { .. } => {
                    let inner = Shape::read(payloads, all, depth + 1)?;
                    shape.starts |= inner.starts;
                    shape.components.push(Some(inner));
                }
                Payload::End(_) => return Some(shape),
                other => shape.section(other)?,
            }
        }
        None
    }

    fn section(&mut self, payload: Payload<'a>) -> Option<()> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.core_instances.push(match instance.ok()? {
                        Instance::Instantiate { module_index, .. } => CoreInst::Module(module_index),
                        Instance::FromExports(_) => CoreInst::Bundle,
                    });
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    self.instance(instance.ok()?);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(alias.ok()?);
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    self.canonical(function.ok()?)?;
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.ok()?;
                    self.import(import.name.name, import.ty);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    self.exports.insert(export.name.name.to_owned(), (export.kind, export.index));
                    // An export is one more name of the thing, with an index of its own.
                    match export.kind {
                        ComponentExternalKind::Func => self.funcs.push(Func::Same(export.index)),
                        ComponentExternalKind::Instance => self.instances.push(Inst::Same(export.index)),
                        ComponentExternalKind::Component => self.components.push(None),
                        ComponentExternalKind::Module => self.modules.push(None),
                        _ => {}
                    }
                }
            }
            Payload::ComponentStartSection { .. } => return None,
            _ => {}
        }
        Some(())
    }

    fn import(&mut self, name: &str, ty: ComponentTypeRef) {
        match ty {
            ComponentTypeRef::Func(_) => self.funcs.push(Func::Import(name.to_owned())),
            ComponentTypeRef::Instance(_) => self.instances.push(Inst::Unknown),
            ComponentTypeRef::Component(_) => self.components.push(None),
            ComponentTypeRef::Module(_) => self.modules.push(None),
            _ => return,
        }
        self.imports = true;
    }

    fn instance(&mut self, instance: ComponentInstance<'_>) {
        self.instances.push(match instance {
            ComponentInstance::Instantiate { component_index, args } => {
                let functions = args.iter().filter(|arg| arg.kind == ComponentExternalKind::Func);
                Inst::Component(component_index, functions.map(|arg| (arg.name.to_owned(), arg.index)).collect())
            }
            ComponentInstance::FromExports(exports) => {
                let functions = exports.iter().filter(|export| export.kind == ComponentExternalKind::Func);
                Inst::Bundle(functions.map(|export| (export.name.name.to_owned(), export.index)).collect())
            }
        });
    }

    fn alias(&mut self, alias: ComponentAlias<'_>) {
        match alias {
            ComponentAlias::InstanceExport { kind, instance_index, name } => match kind {
                ComponentExternalKind::Func => self.funcs.push(Func::OfInstance(instance_index, name.to_owned())),
                ComponentExternalKind::Instance => self.instances.push(Inst::Unknown),
                ComponentExternalKind::Component => self.components.push(None),
                ComponentExternalKind::Module => self.modules.push(None),
                _ => {}
            },
            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Func, instance_index, name } => {
                self.core_funcs.push(Some((instance_index, name.to_owned())));
            }
            ComponentAlias::CoreInstanceExport { .. } => {}
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. } => self.modules.push(None),
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, .. } => self.components.push(None),
            ComponentAlias::Outer { .. } => {}
        }
    }

    /// `None` for functions that this does not know: they may count among either kind.
    fn canonical(&mut self, function: CanonicalFunction) -> Option<()> {
        match function {
            CanonicalFunction::Lift { core_func_index, options, .. } => {
                let mut after = Vec::new();
                for option in options.iter() {
                    match option {
                        CanonicalOption::PostReturn(func) => after.push(*func),
                        // Without texts and lists nothing is allocated.
                        CanonicalOption::UTF8
                        | CanonicalOption::UTF16
                        | CanonicalOption::CompactUTF16
                        | CanonicalOption::Memory(_)
                        | CanonicalOption::Realloc(_) => {}
                        _ => return None,
                    }
                }
                self.funcs.push(Func::Lift(core_func_index, after));
            }
            CanonicalFunction::Lower { .. }
            | CanonicalFunction::ResourceNew { .. }
            | CanonicalFunction::ResourceDrop { .. }
            | CanonicalFunction::ResourceRep { .. } => self.core_funcs.push(None),
            _ => return None,
        }
        Some(())
    }

    fn exported(&self, name: &str, kind: Kind) -> Option<u32> {
        let (found, index) = self.exports.get(name)?;
        let wanted = match kind {
            Kind::Func => ComponentExternalKind::Func,
            Kind::Instance => ComponentExternalKind::Instance,
        };
        (*found == wanted).then_some(*index)
    }

    /// The lifted core function behind `func`, and those after it.
    fn lift(&self, func: u32, steps: usize) -> Option<(u32, Vec<u32>)> {
        let steps = steps.checked_sub(1)?;
        match self.funcs.get(func as usize)? {
            Func::Lift(core, after) => Some((*core, after.clone())),
            Func::Same(func) => self.lift(*func, steps),
            Func::OfInstance(instance, name) => self.lift(self.func_of_instance(*instance, name, steps)?, steps),
            Func::Import(_) => None,
        }
    }

    /// The function that is `name` of an instance.
    fn func_of_instance(&self, instance: u32, name: &str, steps: usize) -> Option<u32> {
        let steps = steps.checked_sub(1)?;
        match self.instances.get(instance as usize)? {
            Inst::Same(instance) => self.func_of_instance(*instance, name, steps),
            Inst::Bundle(functions) => functions.get(name).copied(),
            Inst::Component(component, args) => {
                let inner = self.components.get(*component as usize)?.as_ref()?;
                let import = inner.passed_on(inner.exported(name, Kind::Func)?, steps)?;
                args.get(import).copied()
            }
            Inst::Unknown => None,
        }
    }

    /// The import that `func` is.
    fn passed_on(&self, func: u32, steps: usize) -> Option<&str> {
        let steps = steps.checked_sub(1)?;
        match self.funcs.get(func as usize)? {
            Func::Import(name) => Some(name),
            Func::Same(func) => self.passed_on(*func, steps),
            _ => None,
        }
    }

    /// The module and the name of its export.
    fn core_func(&self, func: u32) -> Option<(&'a [u8], &str)> {
        let (instance, name) = self.core_funcs.get(func as usize)?.as_ref()?;
        let CoreInst::Module(module) = self.core_instances.get(*instance as usize)? else { return None };
        Some(((*self.modules.get(*module as usize)?)?, name))
    }
}

/// Goes to the end of a module. True if it has a start function.
fn skip_module(payloads: Payloads<'_, '_>) -> Option<bool> {
    let mut starts = false;
    for payload in payloads {
        match payload.ok()? {
            Payload::StartSection { .. } => starts = true,
            Payload::End(_) => return Some(starts),
            _ => {}
        }
    }
    None
}
