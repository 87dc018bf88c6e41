//! The keys of `.wippy.yaml` that the runtime knows, with their types and
//! defaults: the reference for messages about misspelt keys and wrong types.
//! Reading a key does not need this table; a new key belongs here too, so that
//! users are warned when they misspell it.

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    Bool,
    Int,
    Float,
    Str,
    /// Text such as `500ms` or `1h30m`.
    Duration,
    /// A list of texts; a single text counts as a list of one.
    List,
    Any,
}

impl KeyType {
    pub fn describe(self) -> &'static str {
        match self {
            KeyType::Bool => "a boolean",
            KeyType::Int => "an integer",
            KeyType::Float => "a number with a decimal point",
            KeyType::Str => "a string",
            KeyType::Duration => "a duration such as \"500ms\" or \"1h30m\"",
            KeyType::List => "a list of strings",
            KeyType::Any => "any value",
        }
    }
}

/// One known key.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub section: &'static str,
    /// A key that ends in `*` stands for all keys with that beginning.
    pub key: &'static str,
    pub ty: KeyType,
    /// For messages; `""` if there is none.
    pub default: &'static str,
}

macro_rules! known {
    ($($section:literal { $($key:literal: $ty:ident = $default:literal),* $(,)? })*) => {
        /// Every known key, section by section.
        pub const KNOWN: &[Known] = &[$($(
            Known { section: $section, key: $key, ty: KeyType::$ty, default: $default },
        )*)*];
    };
}

known! {
    "logger" { "encoding": Str = "console", "mode": Str = "", "level": Str = "" }
    "logmanager" {
        "propagate_downstream": Bool = "true", "stream_to_events": Bool = "false", "min_level": Int = "",
    }
    "profiler" {
        "enabled": Bool = "false", "address": Str = "localhost:6060", "read_timeout": Duration = "15s",
        "write_timeout": Duration = "15s", "idle_timeout": Duration = "60s",
    }
    "security" { "strict_mode": Bool = "false" }
    "registry" {
        "enable_history": Bool = "true", "history_type": Str = "memory", "history_path": Str = ".wippy/registry.db",
        "history_dsn": Str = "", "history_schema": Str = "", "event_wait_timeout": Duration = "30s",
        "dispatch_internal_kinds": List = "registry.entry, ns.dependency, ns.requirement, ns.definition",
        "dependency_resolve_timeout": Duration = "", "dependency_download_timeout": Duration = "",
        "dependency_lock_path": Str = "", "dependency_vendor_dir": Str = "",
    }
    "relay" { "node_name": Str = "" }
    "supervisor" { "host.buffer_size": Int = "1024", "host.worker_count": Int = "16" }
    "finder" { "query_cache_size": Int = "1000", "regex_cache_size": Int = "100" }
    "functions" { "*": Any = "" }
    "lua" {
        "proto_cache_size": Int = "60000", "main_cache_size": Int = "10000",
        "invalidation_wait_timeout": Duration = "30s", "type_system.enabled": Bool = "false",
        "type_system.strict": Bool = "false", "cache.enabled": Bool = "false", "cache.dir": Str = ".wippy/cache/lua",
        "cache.mode": Str = "readwrite", "cache.compile.enabled": Bool = "true",
        "cache.typecheck.enabled": Bool = "true", "eval.cache_size": Int = "256", "eval.cache_ttl": Duration = "",
        "expr.*": Any = "", "json.*": Any = "",
    }
    "wasm" { "cache.enabled": Bool = "true", "cache.dir": Str = ".wippy/cache/wasm" }
    "shutdown" { "timeout": Duration = "30s" }
    "metrics" { "buffer.size": Int = "10000", "interceptor.enabled": Bool = "false" }
    "prometheus" { "enabled": Bool = "false", "address": Str = "" }
    "otel" {
        "enabled": Bool = "false", "endpoint": Str = "localhost:4318", "protocol": Str = "http/protobuf",
        "service_name": Str = "wippy-runtime", "service_version": Str = "", "insecure": Bool = "true",
        "sample_rate": Float = "1.0", "propagators": List = "tracecontext, baggage", "traces_enabled": Bool = "true",
        "metrics_enabled": Bool = "false", "http.enabled": Bool = "true", "http.extract_headers": Bool = "true",
        "http.inject_headers": Bool = "true", "process.enabled": Bool = "true",
        "process.trace_lifecycle": Bool = "true", "interceptor.enabled": Bool = "true",
        "interceptor.order": Int = "100", "queue.enabled": Bool = "true", "temporal.enabled": Bool = "false",
    }
    "lsp" {
        "enabled": Bool = "false", "address": Str = ":7777", "http_enabled": Bool = "false",
        "http_address": Str = ":7778", "http_path": Str = "/lsp", "http_allow_origin": Str = "*",
        "max_message_bytes": Int = "8388608",
    }
    "network_service" { "state_dir": Str = ".wippy/net", "default_network": Str = "" }
    "dispatcher" {
        "http.timeout": Duration = "0s", "http.max_idle_conns": Int = "0", "http.max_idle_per_host": Int = "0",
        "http.idle_conn_timeout": Duration = "0s", "http.max_clients": Int = "0",
    }
    "modules" { "registry_url": Str = "" }
    "extensions" { "enabled": Bool = "true", "paths": List = "" }
    "override" { "*": Any = "" }
    "disable" {
        "namespaces": List = "", "namespaces.add": List = "", "namespaces.remove": List = "",
        "entries": List = "", "entries.add": List = "", "entries.remove": List = "",
    }
    "cluster" {
        "enabled": Bool = "false", "name": Str = "", "failure_domain": Str = "", "internode.*": Any = "",
        "membership.*": Any = "", "raft.*": Any = "", "kv_crdt_tombstone_*": Any = "",
    }
    "workspace" { "replacements": Any = "", "replacements.*": Any = "" }
    "boot" { "config_path": Str = "", "config_dir": Str = "" }
}

/// Top-level keys that are no sections.
pub const TOP_LEVEL: &[&str] = &["version", "vars", "profiles"];

pub fn sections() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    KNOWN.iter().map(|k| k.section).filter(move |s| std::mem::replace(&mut last, s) != *s)
}

pub fn keys(section: &str) -> impl Iterator<Item = &'static Known> {
    KNOWN.iter().filter(move |k| k.section == section)
}

pub fn find(section: &str, key: &str) -> Option<&'static Known> {
    keys(section).find(|k| k.key == key || k.key.strip_suffix('*').is_some_and(|start| key.starts_with(start)))
}
