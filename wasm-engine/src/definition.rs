//! What an entry says: its fields, read and checked in the order of the
//! reference. Whether the things it names exist is not looked at here.

use std::time::Duration;

use wippy_runtime::payload::Value;
use wippy_runtime::process::OwnLimits;
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::{Error, Kind, Result};

use crate::engine::Profile;
use crate::grants::Grants;

/// A limit in the entry that is not among [`OwnLimits`].
const MAX_EXECUTION: &str = "max_execution_ms";

pub const KINDS: [&str; 3] = ["function.wat", "function.wasm", "process.wasm"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Function,
    Process,
}

/// Where the code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Text(String),
    /// A file, and the SHA-256 it must have.
    File {
        fs: EntryId,
        path: String,
        sha256: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Payload,
    WasiHttp,
}

/// A variable that the guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvItem {
    pub id: EntryId,
    pub name: String,
    pub required: bool,
}

/// A filesystem as directory of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub fs: EntryId,
    /// Absolute, as written.
    pub guest: String,
    pub read_only: bool,
}

/// What WASI shows to the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WasiSettings {
    pub args: Vec<String>,
    /// Empty: `/`.
    pub cwd: String,
    pub env: Vec<EnvItem>,
    pub mounts: Vec<Mount>,
}

impl WasiSettings {
    /// Whether there is something that a run has to look up first.
    pub fn needs_look_ups(&self) -> bool {
        !self.env.is_empty() || !self.mounts.is_empty()
    }
}

/// The fields of an entry.
#[derive(Clone, Debug)]
pub struct Definition {
    pub role: Role,
    pub source: Source,
    /// Empty where the entry names none: only a component of the world `process` can do without.
    pub method: String,
    pub wit: String,
    pub transport: Transport,
    pub grants: Grants,
    pub wasi: WasiSettings,
    pub max_execution: Option<Duration>,
    /// Below those of the host.
    pub limits: OwnLimits,
    /// Missing imports are an error of the entry.
    pub strict_imports: bool,
    /// `None`: chosen by the code.
    pub profile: Option<Profile>,
}

impl Definition {
    /// A process without an entry, with everything as it is when nothing is said.
    pub fn process() -> Definition {
        Definition {
            role: Role::Process,
            source: Source::Text(String::new()),
            method: String::new(),
            wit: String::new(),
            transport: Transport::Payload,
            grants: Grants::default(),
            wasi: WasiSettings::default(),
            max_execution: None,
            limits: OwnLimits::default(),
            strict_imports: false,
            profile: None,
        }
    }
}

/// Reads an entry. Errors (Internal): `failed to unpack KIND config: invalid configuration: ...`; Invalid for imports
/// that nothing offers.
pub fn read(entry: &Entry) -> Result<Definition> {
    let fields = Fields::new(entry)?;
    fields.known(&["meta"]);
    let read = Reader { entry, fields: &fields };
    let role = if entry.kind == "process.wasm" { Role::Process } else { Role::Function };
    let source = match entry.kind == "function.wat" {
        true => Source::Text(read.required("source")?.to_owned()),
        false => {
            let (fs, path, hash) = (read.required("fs")?, read.required("path")?, read.required("hash")?);
            let sha256 = sha256(hash).map_err(|text| fields.error("hash", text))?;
            Source::File { fs: EntryId::parse(fs), path: path.to_owned(), sha256 }
        }
    };
    let method = match role {
        Role::Function => read.required("method")?,
        Role::Process => fields.opt_str("method")?.unwrap_or_default(),
    };
    let imports = read.imports()?;
    let transport = match fields.str_or("transport", "payload")? {
        "payload" => Transport::Payload,
        "wasi-http" => Transport::WasiHttp,
        _ => return Err(read.invalid("transport", "invalid transport type")),
    };
    read.pool()?;
    let (max_execution, limits) = read.limits()?;
    let definition = Definition {
        role,
        source,
        method: method.to_owned(),
        wit: fields.str_or("wit", "")?.to_owned(),
        transport,
        wasi: read.wasi()?,
        max_execution,
        limits,
        strict_imports: fields.bool("strict_imports", false)?,
        profile: match fields.one_of("engine", &["", "dense", "fast"])? {
            "dense" => Some(Profile::Dense),
            "fast" => Some(Profile::Fast),
            _ => None,
        },
        grants: granted(&fields, &imports)?,
    };
    fields.finish_and_log();
    Ok(definition)
}

/// The groups that the items name.
fn granted(fields: &Fields<'_>, imports: &[String]) -> Result<Grants> {
    let mut grants = Grants::default();
    for (n, item) in imports.iter().enumerate() {
        let name = if item.contains(':') { item.clone() } else { format!(":{item}") };
        let problem = || fields.error(&format!("imports.{n}"), format!("unsupported wasm host import: {name}"));
        grants.add(Grants::group(item).ok_or_else(problem)?);
    }
    Ok(grants)
}

/// The hex digits of `sha256:<hex>`.
fn sha256(hash: &str) -> Result<String, String> {
    match hash.split_once(':') {
        None => Err(format!("hash verification failed: invalid hash format: {hash}")),
        Some(("sha256", hex)) => Ok(hex.to_owned()),
        Some((algorithm, _)) => Err(format!("hash verification failed: unsupported hash algorithm: {algorithm}")),
    }
}

struct Reader<'a, 'e> {
    entry: &'e Entry,
    fields: &'a Fields<'e>,
}

impl<'e> Reader<'_, 'e> {
    fn invalid(&self, key: &str, text: &str) -> Error {
        let text = format!("failed to unpack {} config: invalid configuration: {text}", self.entry.kind);
        self.fields.error(key, text).with_kind(Kind::INTERNAL)
    }
    fn required(&self, key: &str) -> Result<&'e str> {
        let value = self.fields.opt_str(key)?.filter(|text| !text.is_empty());
        value.ok_or_else(|| self.invalid(key, &format!("{key} is required")))
    }
    fn imports(&self) -> Result<Vec<String>> {
        let items = self.fields.list_of_str("imports")?;
        match items.iter().find(|item| item.trim().trim_end_matches(':').is_empty()) {
            Some(_) => Err(self.invalid("imports", "import :name cannot be empty")),
            None => Ok(items.into_iter().map(str::to_owned).collect()),
        }
    }
    /// What the reference checks for all kinds; functions read it again when their pool is made.
    fn pool(&self) -> Result<()> {
        let Some(pool) = self.fields.nested("pool")? else { return Ok(()) };
        let [size, workers, max, _] = {
            let mut numbers = [0; 4];
            for (n, key) in numbers.iter_mut().zip(["size", "workers", "max_size", "buffer"]) {
                *n = pool.int(key, 0)?;
                if *n < 0 {
                    return Err(self.invalid("pool", "pool values cannot be negative"));
                }
            }
            numbers
        };
        pool.bool("warm_start", false)?;
        if !["", "inline", "lazy", "static", "adaptive"].contains(&pool.str_or("type", "")?) {
            return Err(self.invalid("pool", "invalid pool type"));
        }
        let flexible = workers == 0 && (size == 0 || max > 0);
        if !flexible && size == 0 {
            return Err(self.invalid("pool", "pool.size must be greater than 0 for non-flex pools"));
        }
        Ok(())
    }
    fn limits(&self) -> Result<(Option<Duration>, OwnLimits)> {
        let Some(limits) = self.fields.nested("limits")? else { return Ok((None, OwnLimits::default())) };
        let millis = limits.int(MAX_EXECUTION, 0)?;
        let millis =
            u64::try_from(millis).map_err(|_| self.invalid("limits", "limits.max_execution_ms cannot be negative"))?;
        let max = (millis > 0).then(|| Duration::from_millis(millis));
        Ok((max, OwnLimits::decode_beside(self.fields, &[MAX_EXECUTION])?))
    }
    fn wasi(&self) -> Result<WasiSettings> {
        let Some(wasi) = self.fields.nested("wasi")? else { return Ok(WasiSettings::default()) };
        let cwd = wasi.str_or("cwd", "")?.to_owned();
        if !cwd.is_empty() && !cwd.starts_with('/') {
            return Err(self.invalid("wasi", "wasi.cwd must be absolute"));
        }
        let mut env: Vec<EnvItem> = Vec::new();
        for item in wasi.list("env")? {
            let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
            let (id, name) = (EntryId::parse(text("id")), text("name"));
            if id.name().is_empty() {
                return Err(self.invalid("wasi", "wasi.env[].id is required"));
            }
            if name.trim().is_empty() {
                return Err(self.invalid("wasi", "wasi.env[].name is required"));
            }
            if env.iter().any(|e| e.name.trim() == name.trim()) {
                return Err(self.invalid("wasi", "wasi.env[].name must be unique"));
            }
            let required = item.get("required").and_then(Value::as_bool).unwrap_or(false);
            let id = EntryId::resolve(id.as_str(), self.entry.id.ns());
            env.push(EnvItem { id, name: name.to_owned(), required });
        }
        let mounts = self.mounts(wasi.list("mounts")?)?;
        let args = wasi.list_of_str("args")?.into_iter().map(str::to_owned).collect();
        Ok(WasiSettings { args, cwd, env, mounts })
    }
    fn mounts(&self, items: &[Value]) -> Result<Vec<Mount>> {
        let mut seen: Vec<String> = Vec::new();
        let mut mounts = Vec::new();
        for mount in items {
            let text = |key: &str| mount.get(key).and_then(Value::as_str).unwrap_or_default();
            let (fs, guest) = (text("fs"), text("guest"));
            let clean = format!("/{}", guest.split('/').filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/"));
            let problem = if EntryId::parse(fs).name().is_empty() {
                "wasi.mounts[].fs is required"
            } else if guest.trim().is_empty() {
                "wasi.mounts[].guest is required"
            } else if !guest.starts_with('/') {
                "wasi.mounts[].guest must be absolute"
            } else if seen.contains(&clean) {
                "wasi.mounts[].guest must be unique"
            } else {
                seen.push(clean);
                let read_only = mount.get("read_only").and_then(Value::as_bool).unwrap_or(false);
                mounts.push(Mount { fs: EntryId::parse(fs), guest: guest.to_owned(), read_only });
                continue;
            };
            return Err(self.invalid("wasi", problem));
        }
        Ok(mounts)
    }
}
