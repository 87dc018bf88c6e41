//! What entries of the kinds `process.host` and `terminal.host` say: fields,
//! defaults, bounds. What nobody knows is refused, never ignored: a misspelt
//! limit would be none.

use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::process::{Limits, Walls};
use wippy_runtime::registry::decode::Fields;
use wippy_runtime::registry::{Entry, Lifecycle};
use wippy_runtime::scheduler::MAX_WORKERS;
use wippy_runtime::security::Filter;
use wippy_runtime::{Result, duration, size};

/// What a host of foreign code may use unless it says otherwise.
const SANDBOX_ALLOW: [&str; 12] = [
    "process",
    "channel",
    "coroutine",
    "time",
    "json",
    "errors",
    "payload",
    "logger",
    "funcs",
    "base64",
    "hash",
    "uuid",
];

/// Which of the two kinds of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    Process,
    Terminal,
}

impl HostKind {
    pub const PROCESS: &'static str = "process.host";
    pub const TERMINAL: &'static str = "terminal.host";

    pub fn of(entry: &Entry) -> HostKind {
        if entry.kind == HostKind::TERMINAL { HostKind::Terminal } else { HostKind::Process }
    }
}

/// A validated host entry.
#[derive(Clone, Debug, PartialEq)]
pub struct HostConfig {
    pub kind: HostKind,
    /// Threads, at least 1.
    pub workers: usize,
    /// What programs print is not mixed with log lines while a process runs; terminal hosts only.
    pub hide_logs: bool,
    /// `host.queue_size` and `host.local_queue_size`: the queues grow, so these are only checked.
    queues: (i64, i64),
    pub capabilities: CapabilitySet,
    pub limits: Limits,
    pub walls: Walls,
    /// Components that import what nobody gives them fail at load.
    pub strict_imports: bool,
    pub lifecycle: Lifecycle,
}

impl HostConfig {
    /// Reads an entry of either kind. Errors (Invalid) name the field.
    pub fn decode(entry: &Entry) -> Result<HostConfig> {
        let kind = HostKind::of(entry);
        let data = Fields::new(entry)?;
        let (workers, queues) = match kind {
            HostKind::Process => decode_host(&data)?,
            HostKind::Terminal => (1, (0, 0)),
        };
        let sandbox = data.bool("sandbox", false)?;
        let capabilities = decode_capabilities(&data, sandbox)?;
        let config = HostConfig {
            kind,
            workers,
            hide_logs: kind == HostKind::Terminal && data.bool("hide_logs", false)?,
            queues,
            capabilities: match kind {
                HostKind::Process => capabilities,
                HostKind::Terminal => capabilities.with_terminal(),
            },
            limits: decode_limits(&data, sandbox)?,
            walls: decode_walls(&data, sandbox)?,
            strict_imports: data.bool("strict_imports", false)?,
            lifecycle: Lifecycle::decode(&data)?,
        };
        data.finish_and_log();
        Ok(config)
    }

    /// The fields in which two versions of an entry differ and that cannot change while the host exists.
    pub fn fixed_changes(&self, new: &HostConfig) -> Vec<&'static str> {
        let mut changed = Vec::new();
        let mut note = |differs: bool, field| {
            if differs {
                changed.push(field);
            }
        };
        note(self.queues.0 != new.queues.0, "host.queue_size");
        note(self.queues.1 != new.queues.1, "host.local_queue_size");
        note(self.capabilities != new.capabilities, "capabilities");
        note(self.limits != new.limits, "limits");
        note(self.walls != new.walls, "messages");
        note(self.strict_imports != new.strict_imports, "strict_imports");
        changed
    }
}

const LIMITS: [&str; 9] =
    ["memory", "processes", "mailbox", "message", "slice", "cpu", "timers", "coroutines", "handles"];

fn decode_host(data: &Fields<'_>) -> Result<(usize, (i64, i64))> {
    let cpus = || std::thread::available_parallelism().map_or(1, usize::from);
    let Some(host) = data.nested("host")? else { return Ok((cpus(), (0, 0))) };
    let size = |key: &str, what: &str| match host.int(key, 0)? {
        n if n < 0 => Err(host.error(key, format_args!("{what} must be greater than 0"))),
        n => Ok(n),
    };
    let workers = match size("workers", "workers")? {
        0 => cpus(),
        n if n > MAX_WORKERS as i64 => {
            return Err(host.error("workers", format_args!("workers must be at most {MAX_WORKERS}")));
        }
        n => n as usize,
    };
    Ok((workers, (size("queue_size", "queue size")?, size("local_queue_size", "local queue size")?)))
}

fn decode_capabilities(data: &Fields<'_>, sandbox: bool) -> Result<CapabilitySet> {
    let default: &[&str] = if sandbox { &SANDBOX_ALLOW } else { &["*"] };
    let Some(fields) = data.nested("capabilities")? else { return Ok(CapabilitySet::new(default, &[])) };
    only(&fields, data, "capabilities", &["allow", "deny"])?;
    let (allow, deny) = (fields.list_of_str("allow")?, fields.list_of_str("deny")?);
    for (list, items) in [("allow", &allow), ("deny", &deny)] {
        for (n, item) in items.iter().enumerate() {
            let key = format!("{list}.{n}");
            if item.is_empty() {
                return Err(fields.error(&key, "a capability needs a name"));
            }
        }
    }
    let allow = if fields.has("allow") { &allow[..] } else { default };
    Ok(CapabilitySet::new(allow, &deny))
}

fn decode_walls(data: &Fields<'_>, sandbox: bool) -> Result<Walls> {
    let mut walls = if sandbox { Walls::closed() } else { Walls::default() };
    let Some(fields) = data.nested("messages")? else { return Ok(walls) };
    only(&fields, data, "messages", &["accept_from", "send_to"])?;
    for (key, list) in [("accept_from", &mut walls.accept_from), ("send_to", &mut walls.send_to)] {
        if fields.has(key) {
            *list = Some(Filter::new(fields.list_of_str(key)?));
        }
    }
    Ok(walls)
}

fn decode_limits(data: &Fields<'_>, sandbox: bool) -> Result<Limits> {
    let mut limits = Limits::default();
    if sandbox {
        limits.memory = 16 << 20;
        limits.processes = 1000;
        (limits.mailbox_messages, limits.mailbox_bytes) = (10_000, 4 << 20);
        limits.message = 1 << 20;
        (limits.timers, limits.coroutines, limits.handles) = (100, 100, 32);
        (limits.cpu_share, limits.cpu_call) = (250, 5_000_000_000);
    }
    let Some(fields) = data.nested("limits")? else { return Ok(limits) };
    only(&fields, data, "limits", &LIMITS)?;
    limits.memory = bytes(&fields, "memory", limits.memory)?;
    limits.message = bytes(&fields, "message", limits.message)?;
    limits.processes = count(&fields, "processes", limits.processes)?;
    limits.timers = count(&fields, "timers", limits.timers)?;
    limits.coroutines = count(&fields, "coroutines", limits.coroutines)?;
    limits.handles = count(&fields, "handles", limits.handles)?;
    if let Some(mailbox) = fields.nested("mailbox")? {
        only(&mailbox, &fields, "mailbox", &["messages", "bytes"])?;
        limits.mailbox_messages = count(&mailbox, "messages", limits.mailbox_messages)?;
        limits.mailbox_bytes = bytes(&mailbox, "bytes", limits.mailbox_bytes)?;
    }
    if let Some(cpu) = fields.nested("cpu")? {
        only(&cpu, &fields, "cpu", &["share", "call"])?;
        limits.cpu_share = share(&cpu, limits.cpu_share)?;
        if let Some(call) = cpu.opt_duration("call")? {
            limits.cpu_call = call.as_nanos() as u64;
            if limits.cpu_call < 1_000_000 {
                return Err(cpu.error("call", "must be at least 1ms"));
            }
        }
    }
    if let Some(slice) = fields.opt_duration("slice")? {
        let nanos = slice.as_nanos() as u64;
        if !(10_000..=1_000_000_000).contains(&nanos) {
            let got = duration::format(nanos as i64);
            return Err(fields.error("slice", format_args!("must be between 10us and 1s, got {got}")));
        }
        limits.slice = nanos;
    }
    Ok(limits)
}

/// A part of the machine such as `20%`, in thousandths.
fn share(fields: &Fields<'_>, default: u32) -> Result<u32> {
    let Some(text) = fields.opt_str("share")? else { return Ok(default) };
    let percent = text.strip_suffix('%').and_then(|n| n.trim_end().parse::<f64>().ok());
    match percent.map(|p| (p * 10.0).round()) {
        Some(thousandths) if (1.0..=1000.0).contains(&thousandths) => Ok(thousandths as u32),
        _ => Err(fields.error("share", format_args!("expected a share from 0.1% to 100%, got {text:?}"))),
    }
}

/// An amount of bytes as a number or a text such as `16MiB`, greater than 0.
fn bytes(fields: &Fields<'_>, key: &str, default: usize) -> Result<usize> {
    let Some(value) = fields.value(key) else { return Ok(default) };
    let amount = match (value.as_str(), value.as_int()) {
        (Some(text), _) => size::parse(text).map_err(|e| fields.error(key, e))?,
        (None, Some(n)) => u64::try_from(n).unwrap_or(0),
        _ => return Err(fields.error(key, format_args!("expected a size such as 16MiB, got {}", value.type_name()))),
    };
    match usize::try_from(amount) {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(fields.error(key, "must be greater than 0")),
    }
}

fn count(fields: &Fields<'_>, key: &str, default: usize) -> Result<usize> {
    Ok(fields.int_in(key, 1..=i64::MAX, default as i64)? as usize)
}

/// Refuses members of the map `key` that are not `known`: a misspelt limit would be none.
fn only(fields: &Fields<'_>, outer: &Fields<'_>, key: &str, known: &[&str]) -> Result<()> {
    let members = outer.map(key)?.into_iter().flat_map(|map| map.keys());
    match members.into_iter().find(|name| !known.iter().any(|k| k.eq_ignore_ascii_case(name))) {
        Some(name) => Err(fields.error(name, format_args!("unknown field, expected one of {}", known.join(", ")))),
        None => Ok(()),
    }
}
