//! `wippy run`: boots the runtime, installs the application, runs one of its
//! commands or waits for a signal, and stops in order.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use wippy_hosts::terminal::{self, Command};
use wippy_runtime::boot::{App, Config, Shutdown};
use wippy_runtime::clock::{Clock, RealClock};
use wippy_runtime::entropy::SystemEntropy;
use wippy_runtime::events::Bus;
use wippy_runtime::logging::{Logging, Options};
use wippy_runtime::payload::Value;
use wippy_runtime::registry::{self, Entry, EntryId, Registry, history};
use wippy_runtime::supervisor::Supervisor;
use wippy_runtime::terminal::Terminal;
use wippy_runtime::{Error, Node};

use crate::args::{Global, RunArgs};
use crate::components::{self, Shared};
use crate::failure::{Failure, show};
use crate::{identity, output, project, signals};

/// Budget of a graceful stop unless `shutdown.timeout` says otherwise.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// What to run besides the application's services.
enum Target {
    Nothing,
    /// A command by name.
    Command(String),
    /// An entry, as written.
    Entry(String),
}

pub fn run(global: &Global, args: RunArgs) -> Result<u8, Failure> {
    if args.words.first().is_some_and(|word| word == "list") {
        return list(global, &args).map(|()| 0);
    }
    let (target, arguments) = target(&args)?;
    let silent = global.silent || (!matches!(target, Target::Nothing) && !wants_logs(global));
    let shutdown = Shutdown::new();
    let asked = shutdown.clone();
    let terminal = wippy_terminal::stdio();
    let restored = terminal.clone();
    signals::watch(move || asked.interrupt(), move || restored.restore())
        .map_err(|e| anyhow!("cannot listen for signals: {e}"))?;
    if !silent {
        output::banner();
    }
    let config = project::config(global, &args.set)?;
    let app = boot(global, config, silent, &shutdown, terminal)?;
    let started = start(&app, &args, &target, arguments, &shutdown);
    if started.is_ok() {
        shutdown.wait();
    }
    app.shutdown(app.config.get_duration("shutdown", "timeout", STOP_WITHIN));
    started.map(|()| shutdown.code())
}

/// A runtime without entries.
fn boot(
    global: &Global,
    config: Config,
    silent: bool,
    shutdown: &Arc<Shutdown>,
    terminal: Arc<Terminal>,
) -> Result<Arc<App>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let logging = Logging::install(Options::from_config(&config, project::switches(global), silent), clock.clone());
    let node = Node::new(&identity::node_name(&config), clock, Arc::new(SystemEntropy))?;
    node.timers().start().map_err(|e| anyhow!("cannot start the timer thread: {e}"))?;
    let bus = Bus::new();
    logging.connect(&bus);
    let kind = match config.get_bool("registry", "enable_history", true) {
        true => config.get_str("registry", "history_type", "memory"),
        false => "nil".to_owned(),
    };
    let history = history::open(&kind, &crate::registry::history_path(&config))?;
    let registry = Registry::new(settings(&config), history, bus);
    let shared = Shared { shutdown: shutdown.clone(), logging, terminal, memory_limit: global.memory_limit };
    Ok(App::boot(node, registry, config, components::all(shared))?)
}

fn settings(config: &Config) -> registry::Config {
    let default = registry::Config::default();
    let size = |key: &str, default: usize| match config.int("finder", key) {
        Some(n) => usize::try_from(n).unwrap_or(0).max(1),
        None => default,
    };
    registry::Config {
        internal_kinds: config.list("registry", "dispatch_internal_kinds").unwrap_or(default.internal_kinds),
        query_cache_size: size("query_cache_size", default.query_cache_size),
        regex_cache_size: size("regex_cache_size", default.regex_cache_size),
    }
}

/// Installs the application and starts what was asked for.
fn start(
    app: &Arc<App>,
    args: &RunArgs,
    target: &Target,
    arguments: Vec<String>,
    shutdown: &Arc<Shutdown>,
) -> Result<(), Failure> {
    let entries = match project::read(&args.lock_file, &app.config, &args.overrides)? {
        Some(project) if project.problems.iter().any(|p| p.is_error()) => {
            let message = "the application cannot be started because of these problems";
            return Err(Failure::Problems(project.problems, message.into()));
        }
        Some(project) => {
            show(&project.problems);
            app.node.filesystems().set_module_roots(project.module_roots);
            project.entries
        }
        None => {
            tracing::info!("no lock file found, starting with empty registry");
            Vec::new()
        }
    };
    app.install(entries)?;
    if shutdown.is_requested() {
        return Ok(());
    }
    let Some(entry) = resolve(&app.registry, target)? else {
        app.context.need::<Supervisor>()?.when_settled(STOP_WITHIN, |_| tracing::info!("runtime ready"));
        return Ok(());
    };
    let command = Command { entry, host: args.host.clone(), arguments };
    terminal::run(app, command)?;
    Ok(())
}

/// The process entry to run.
fn resolve(registry: &Registry, target: &Target) -> Result<Option<EntryId>, Failure> {
    let snapshot = registry.snapshot();
    let processes = || snapshot.state.iter().filter(|e| e.kind.starts_with("process."));
    let named = |name: &str| processes().find(|e| command_of(e).is_some_and(|(n, ..)| n == name));
    Ok(Some(match target {
        Target::Nothing => return Ok(None),
        Target::Command(name) => named(name).map(|e| e.id.clone()).ok_or_else(|| unknown_command(name))?,
        Target::Entry(text) => match text.split_once(':') {
            Some(("", _)) => return Err(invalid_exec("namespace cannot be empty")),
            Some((_, "")) => return Err(invalid_exec("entry name cannot be empty")),
            Some((ns, name)) => EntryId::new(ns, name),
            // A bare name is a command, else the only process entry of that name.
            None => {
                let mut same = processes().filter(|e| e.id.name() == text);
                match (named(text), same.next(), same.next()) {
                    (Some(entry), ..) | (None, Some(entry), None) => entry.id.clone(),
                    _ => return Err(invalid_exec("missing separator ':', expected format: namespace:entry")),
                }
            }
        },
    }))
}

fn unknown_command(name: &str) -> Error {
    Error::not_found(format!("command \"{name}\" not found. Use 'wippy run list' to see available commands"))
}

fn invalid_exec(why: &str) -> Failure {
    Error::invalid(format!("invalid exec spec: {why}")).into()
}

/// A command's own output is all there is, unless logs are asked for.
fn wants_logs(global: &Global) -> bool {
    global.verbose || global.very_verbose || global.console
}

/// Which process to run, and its arguments.
fn target(args: &RunArgs) -> Result<(Target, Vec<String>), Failure> {
    let mut words = args.words.iter();
    let target = match (words.next(), &args.exec) {
        (Some(first), _) => {
            refuse_packs(first)?;
            Target::Command(first.clone())
        }
        (None, Some(entry)) => Target::Entry(entry.clone()),
        (None, None) => Target::Nothing,
    };
    Ok((target, words.chain(&args.rest).cloned().collect()))
}

/// What the reference can run and this version cannot.
fn refuse_packs(word: &str) -> Result<(), Failure> {
    if word.ends_with(".wapp") {
        return Err(anyhow!("packs cannot be run by this version: {word}; run the project's directory instead").into());
    }
    let name = word.split('@').next().unwrap_or(word);
    if wippy_runtime::boot::lock::is_module_name(name) && !std::path::Path::new(word).exists() {
        return Err(anyhow!("modules cannot be fetched by this version: {word}").into());
    }
    Ok(())
}

/// `wippy run list`.
fn list(global: &Global, args: &RunArgs) -> Result<(), Failure> {
    let config = project::config(global, &args.set)?;
    let project = project::require(&args.lock_file, &config)?;
    show(&project.problems);
    let mut commands: Vec<(&str, &str, &Entry)> = project.entries.iter().filter_map(command_of).collect();
    commands.sort_by_key(|(name, _, entry)| (*name, entry.id.clone()));
    if commands.is_empty() {
        output::print("No commands found.");
        output::print("Give a process entry a name to run it by: meta: { command: { name: hello } }");
        return Ok(());
    }
    output::print("Available commands:");
    let width = commands.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
    for (name, short, entry) in commands {
        output::print(&format!("  {name:<width$}  {short}  ({})", entry.id));
    }
    output::print("Run with: wippy run <command>");
    Ok(())
}

/// Name and description of the command an entry is, if it is one.
fn command_of(entry: &Entry) -> Option<(&str, &str, &Entry)> {
    let command = entry.kind.starts_with("process.").then(|| entry.meta.get("command"))??;
    let name = command.get("name").and_then(Value::as_str).filter(|name| !name.is_empty())?;
    Some((name, command.get("short").and_then(Value::as_str).unwrap_or_default(), entry))
}
