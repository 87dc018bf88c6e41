//! From bytes to compiled code: recognises the format, compiles or takes from
//! the cache, and shares what several entries name.
//!
//! Contains `unsafe`: an artifact of the cache is executable code. It was
//! written by this very compiler for this very machine (both are part of its
//! name), into a directory as trusted as the program's own files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};
use wippy_runtime::registry::pipeline::CodeKey;
use wippy_runtime::{Error, Result};

use super::cache::ArtifactCache;
use super::inspect::{Needs, check_functions, inspect};
use super::{Engines, LARGE_DATA, Profile};

/// Compiled code and the engine it is for.
pub struct Compiled {
    pub profile: Profile,
    pub code: Code,
    pub needs: Needs,
}

/// Compiled code. Cheap to clone.
#[derive(Clone)]
pub enum Code {
    Component(Component),
    Module(Module),
}

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Module,
    Component,
}

/// Binary code whose format is known.
pub struct Binary<'a> {
    bytes: Cow<'a, [u8]>,
    format: Format,
}

impl<'a> Binary<'a> {
    /// Recognises the format; makes a component of a module that describes itself as one. Errors: as for
    /// [`Compiler::compile`].
    pub fn read(bytes: &'a [u8]) -> Result<Binary<'a>> {
        let format = format(bytes).map_err(invalid)?;
        match format == Format::Module && describes_component(bytes) {
            true => Ok(Binary { bytes: Cow::Owned(encode(bytes)?), format: Format::Component }),
            false => Ok(Binary { bytes: Cow::Borrowed(bytes), format }),
        }
    }
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    pub fn is_component(&self) -> bool {
        self.format == Format::Component
    }
}

/// Compiles; shared by all entries.
pub struct Compiler {
    cache: ArtifactCache,
    /// By content and engine, as long as anybody uses it.
    shared: Mutex<HashMap<CodeKey, Weak<Compiled>>>,
}

impl Compiler {
    pub fn new(cache: ArtifactCache) -> Compiler {
        Compiler { cache, shared: Mutex::default() }
    }

    /// Compiles binary code, or takes what was compiled before. `profile`: `None` chooses one for a process. Errors
    /// (Internal): `[load] invalid_data: load module (caused by: ...)` for what is no valid code; LimitExceeded for what
    /// asks for more than code may.
    pub fn compile(&self, engines: &Engines, code: &Binary<'_>, profile: Option<Profile>) -> Result<Arc<Compiled>> {
        let (bytes, format) = (code.bytes(), code.format);
        let wanted = profile.unwrap_or(if bytes.len() > LARGE_DATA { Profile::Fast } else { Profile::Dense });
        let compiled = self.with(engines, bytes, format, wanted)?;
        if profile.is_none() && wanted == Profile::Dense && !compiled.fits_dense() {
            return self.with(engines, bytes, format, Profile::Fast);
        }
        Ok(compiled)
    }

    fn with(&self, engines: &Engines, bytes: &[u8], format: Format, profile: Profile) -> Result<Arc<Compiled>> {
        let engine = engines.get(profile);
        let key = CodeKey::of(&[&fingerprint(engine).to_le_bytes(), &[profile as u8, format as u8], bytes]);
        if let Some(known) = self.shared.lock().get(&key).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let needs = inspect(bytes)?;
        let code = match self.cached(engine, format, &key) {
            Some(code) => code,
            None => {
                check_functions(bytes)?;
                let compiler = engines.compiler(profile)?;
                let artifact = match format {
                    Format::Component => compiler.precompile_component(bytes),
                    Format::Module => compiler.precompile_module(bytes),
                };
                drop(compiler);
                let artifact = artifact.map_err(|e| invalid(format!("{e:#}")))?;
                self.cache.store(&key, &artifact);
                let code = load(engine, format, Artifact::Bytes(&artifact));
                code.map_err(|e| Error::internal(format!("failed to compile wasm module: {e:#}")))?
            }
        };
        let compiled = Arc::new(Compiled { profile, code, needs });
        let mut shared = self.shared.lock();
        shared.retain(|_, code| code.strong_count() > 0);
        shared.insert(key, Arc::downgrade(&compiled));
        Ok(compiled)
    }

    fn cached(&self, engine: &Engine, format: Format, key: &CodeKey) -> Option<Code> {
        let path = self.cache.find(key)?;
        match load(engine, format, Artifact::File(&path)) {
            Ok(code) => Some(code),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "compiling again: a cached file is not usable");
                self.cache.remove(&path);
                None
            }
        }
    }
}

impl Compiled {
    /// Whether the memories it begins with fit into slots of the dense engine.
    fn fits_dense(&self) -> bool {
        let required = match &self.code {
            Code::Component(component) => component.resources_required(),
            Code::Module(module) => Some(module.resources_required()),
        };
        required.is_none_or(|r| r.max_initial_memory_size.is_none_or(|bytes| bytes <= super::DENSE_MEMORY as u64))
    }
}

enum Artifact<'a> {
    Bytes(&'a [u8]),
    File(&'a Path),
}

fn load(engine: &Engine, format: Format, artifact: Artifact<'_>) -> wasmtime::Result<Code> {
    // SAFETY: see the module comment. wasmtime checks its own version and settings again.
    unsafe {
        Ok(match (format, artifact) {
            (Format::Component, Artifact::Bytes(bytes)) => Code::Component(Component::deserialize(engine, bytes)?),
            (Format::Component, Artifact::File(path)) => Code::Component(Component::deserialize_file(engine, path)?),
            (Format::Module, Artifact::Bytes(bytes)) => Code::Module(Module::deserialize(engine, bytes)?),
            (Format::Module, Artifact::File(path)) => Code::Module(Module::deserialize_file(engine, path)?),
        })
    }
}

fn invalid(cause: impl std::fmt::Display) -> Error {
    Error::internal(format!("[load] invalid_data: load module (caused by: {cause})"))
}

fn format(bytes: &[u8]) -> Result<Format, String> {
    match bytes {
        [0, b'a', b's', b'm', v @ ..] if v.len() >= 4 => match u32::from_le_bytes([v[0], v[1], v[2], v[3]]) {
            1 => Ok(Format::Module),
            0 => Err("unknown version 0".into()),
            _ => Ok(Format::Component),
        },
        [0, b'a', b's', b'm', ..] => Err("the file ends after the magic number".into()),
        _ => Err("magic number not found: this is no WebAssembly".into()),
    }
}

/// Whether a module says which component it is to become: a custom section `component-type` of its tool chain. Looks at
/// the sections only.
fn describes_component(module: &[u8]) -> bool {
    let mut rest = module.get(8..).unwrap_or_default();
    while let [id, tail @ ..] = rest {
        let Some((size, tail)) = number(tail) else { return false };
        let Some((content, after)) = tail.split_at_checked(size) else { return false };
        if *id == 0
            && let Some((length, name)) = number(content)
            && name.get(..length).is_some_and(|name| name.starts_with(b"component-type"))
        {
            return true;
        }
        rest = after;
    }
    false
}

/// An unsigned LEB128 number, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut n = 0_usize;
    for (i, b) in bytes.iter().take(5).enumerate() {
        n |= usize::from(b & 0x7f) << (7 * i);
        if b & 0x80 == 0 {
            return Some((n, &bytes[i + 1..]));
        }
    }
    None
}

/// Makes the component that a module describes.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let encoder = wit_component::ComponentEncoder::default().module(module);
    let component = encoder.and_then(|encoder| encoder.validate(true).encode());
    component.map_err(|e| invalid(format!("the module cannot become the component that it describes: {e:#}")))
}

/// All settings of the engine and the version of the compiler, as a number.
fn fingerprint(engine: &Engine) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    // Which that hash does not know: the revision of our changes to the compiler, and what it is told about memories.
    (1_u32, super::DENSE_MEMORY, super::slab::SLACK).hash(&mut hasher);
    hasher.finish()
}
