//! Linkers: which interfaces a guest finds behind its imports. Nothing is there
//! unless it was granted; what is not there traps when it is called.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasData, HasSelf, Linker, LinkerInstance, ResourceTable, ResourceType};
use wasmtime::{Engine, Module};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random, sockets};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};

use crate::grants::{Grants, Group};
use crate::host::bindings::Process;
use crate::host::{funcs, processes};
use crate::process::GuestState;
use crate::wasi;

/// A linker with the granted groups.
pub fn component_linker(engine: &Engine, grants: &Grants) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    if grants.has(Group::Cli) {
        cli::environment::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::exit::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::stdin::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::stdout::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::stderr::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::terminal_input::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::terminal_output::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::terminal_stdin::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::terminal_stdout::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
        cli::terminal_stderr::add_to_linker::<GuestState, WasiCli>(l, GuestState::cli)?;
    }
    if grants.has_streams() {
        io::error::add_to_linker::<GuestState, HasTable>(l, |s| s.ctx().table)?;
        io::streams::add_to_linker::<GuestState, HasTable>(l, |s| s.ctx().table)?;
    }
    if grants.has_poll() {
        io::poll::add_to_linker::<GuestState, HasTable>(l, |s| s.ctx().table)?;
    }
    if grants.has(Group::Clocks) {
        clocks::wall_clock::add_to_linker::<GuestState, WasiClocks>(l, GuestState::clocks)?;
        clocks::monotonic_clock::add_to_linker::<GuestState, WasiClocks>(l, GuestState::clocks)?;
    }
    if grants.has(Group::Random) {
        random::random::add_to_linker::<GuestState, WasiRandom>(l, |s| s.ctx().ctx.random())?;
        random::insecure::add_to_linker::<GuestState, WasiRandom>(l, |s| s.ctx().ctx.random())?;
        random::insecure_seed::add_to_linker::<GuestState, WasiRandom>(l, |s| s.ctx().ctx.random())?;
    }
    if grants.has(Group::Filesystem) {
        filesystem::types::add_to_linker::<GuestState, WasiFilesystem>(l, GuestState::filesystem)?;
        filesystem::preopens::add_to_linker::<GuestState, WasiFilesystem>(l, GuestState::filesystem)?;
    }
    if grants.has(Group::Sockets) {
        let options = sockets::network::LinkOptions::default();
        sockets::network::add_to_linker::<GuestState, WasiSockets>(l, &options, GuestState::sockets)?;
        sockets::instance_network::add_to_linker::<GuestState, WasiSockets>(l, GuestState::sockets)?;
        sockets::tcp::add_to_linker::<GuestState, WasiSockets>(l, GuestState::sockets)?;
        sockets::tcp_create_socket::add_to_linker::<GuestState, WasiSockets>(l, GuestState::sockets)?;
        sockets::udp::add_to_linker::<GuestState, WasiSockets>(l, GuestState::sockets)?;
        sockets::udp_create_socket::add_to_linker::<GuestState, WasiSockets>(l, GuestState::sockets)?;
        sockets::ip_name_lookup::add_to_linker::<GuestState, HasSelf<GuestState>>(l, |state| state)?;
    }
    if grants.has(Group::Http) {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(l)?;
    }
    Process::add_to_linker::<GuestState, HasSelf<GuestState>>(l, |state| state)?;
    processes::add_send(l)?;
    if grants.has(Group::Funcs) {
        funcs::add_to_linker(l)?;
    }
    Ok(linker)
}

/// Streams and pollables live in the guest's resource table.
struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Whether a core module imports WASI.
pub fn wants_preview1(module: &Module) -> bool {
    module.imports().any(|import| import.module() == wasi::PREVIEW1)
}

/// A linker with what core modules may import: WASI, if they do.
pub fn module_linker(engine: &Engine, module: &Module) -> wasmtime::Result<wasmtime::Linker<GuestState>> {
    let mut linker = wasmtime::Linker::new(engine);
    if wants_preview1(module) {
        wasmtime_wasi::p1::add_to_linker_async(&mut linker, wasi::preview1)?;
    }
    Ok(linker)
}

/// Names of all imports of a module that nobody offers.
pub fn missing_of_module(module: &Module) -> Vec<String> {
    let foreign = module.imports().filter(|import| import.module() != wasi::PREVIEW1);
    foreign.map(|import| format!("{}.{}", import.module(), import.name())).collect()
}

/// Puts traps behind all that the component imports and the grants do not cover. What is covered is left alone, other
/// versions of it too; a resource that an interface only passes on is the one of the interface that makes it.
pub fn stub_missing(linker: &mut Linker<GuestState>, component: &Component, grants: &Grants) -> wasmtime::Result<()> {
    let engine = component.engine();
    let ty = component.component_type();
    let mut made: Vec<ResourceType> = Vec::new();
    for (name, import) in ty.imports(engine) {
        let covered = grants.offers(name);
        match import.ty {
            ComponentItem::ComponentInstance(instance) => {
                let mut stubs = if covered { None } else { Some(linker.instance(name)?) };
                for (item, export) in instance.exports(engine) {
                    let resource = match &export.ty {
                        ComponentItem::Resource(resource) if made.contains(resource) => continue,
                        ComponentItem::Resource(resource) => {
                            made.push(*resource);
                            true
                        }
                        _ => false,
                    };
                    match (&mut stubs, export.ty) {
                        (Some(stubs), ComponentItem::ComponentFunc(_)) => stub(stubs, Some(name), item)?,
                        (Some(stubs), _) if resource => {
                            stubs.resource(item, ResourceType::host::<()>(), |_, _| Ok(()))?;
                        }
                        _ => {}
                    }
                }
            }
            ComponentItem::ComponentFunc(_) => stub(&mut linker.root(), None, name)?,
            ComponentItem::Resource(_) => linker.root().resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?,
            _ => {}
        }
    }
    Ok(())
}

fn stub(at: &mut LinkerInstance<'_, GuestState>, interface: Option<&str>, name: &str) -> wasmtime::Result<()> {
    let full = interface.map_or_else(|| name.to_owned(), |interface| format!("{interface}#{name}"));
    at.func_new(name, move |_, _, _, _| wasmtime::bail!("unknown import: `{full}` has not been defined"))
}

/// The version of the package `wippy:process` that is linked.
const PACKAGE: &str = "0.1.0";

/// If the component was built against a newer `wippy:process`, a sentence that says so.
pub fn newer_package(component: &Component) -> Option<String> {
    let ty = component.component_type();
    let mut versions = ty.imports(component.engine()).filter_map(|(name, _)| {
        let (interface, version) = name.split_once('@')?;
        interface.starts_with("wippy:process/").then(|| version.to_owned())
    });
    let newer = versions.find(|version| numbers(version) > numbers(PACKAGE))?;
    Some(format!("the guest is built against wippy:process {newer}, and this runtime has {PACKAGE}"))
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).take(3).map(|n| n.parse().unwrap_or_default()).collect()
}

/// Names of all imports of a component that the grants do not cover, those that only define types excepted.
pub fn missing_of_component(engine: &Engine, component: &Component, grants: &Grants) -> Vec<String> {
    let ty = component.component_type();
    let needed = |item: &ComponentItem| match item {
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).any(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
        }
        ComponentItem::ComponentFunc(_) => true,
        _ => false,
    };
    let missing = ty.imports(engine).filter(|(name, import)| needed(&import.ty) && !grants.offers(name));
    missing.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_that_of_the_sdk() {
        let world = include_str!("../../wasm-guest-sdk/wit/world.wit");
        assert!(world.contains(&format!("package wippy:process@{PACKAGE};")));
        assert!(numbers("0.1.7") > numbers(PACKAGE) && numbers("9.0.0-rc.1") > numbers(PACKAGE));
        assert!(numbers("0.0.9") < numbers(PACKAGE));
    }
}
