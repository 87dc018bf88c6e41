//! The program `wippy` as a library, so that tests can run it: reads the command line, picks the components, shows
//! what people need to see. Knows how to use the parts, not how they work.
#![forbid(unsafe_code)]

mod args;
pub mod components;
mod failure;
mod identity;
mod init;
mod lint;
mod output;
mod project;
mod registry;
mod run;
mod signals;

use std::process::ExitCode;

use args::{Command, RegistryCommand};
use clap::{CommandFactory, Parser};

/// As `wippy version` shows it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // Help and version are answers, everything else is a failed command.
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let console = cli.global.console;
    match execute(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print(console);
            ExitCode::FAILURE
        }
    }
}

/// All commands, those of commands included: `run`, `registry list`.
pub fn command_names() -> Vec<String> {
    let mut names = Vec::new();
    for command in args::Cli::command().get_subcommands() {
        names.push(command.get_name().to_owned());
        names.extend(command.get_subcommands().map(|sub| format!("{} {}", command.get_name(), sub.get_name())));
    }
    names
}

fn execute(cli: args::Cli) -> Result<u8, failure::Failure> {
    if let Some(dir) = &cli.global.directory {
        // Before anything else looks at a path; nothing changes it later.
        std::env::set_current_dir(dir)
            .map_err(|e| anyhow::anyhow!("cannot work in directory {}: {e}", dir.display()))?;
    }
    let global = cli.global;
    match cli.command {
        None => {
            output::banner();
            output::print(&args::Cli::command().render_help().to_string());
        }
        Some(Command::Init(args)) => init::init(&args)?,
        Some(Command::Run(args)) => return run::run(&global, args),
        Some(Command::Registry(args)) => match args.command {
            RegistryCommand::List(args) => registry::list(&global, &args)?,
            RegistryCommand::Show(args) => registry::show(&global, &args)?,
            RegistryCommand::History(args) => registry::history(&global, &args)?,
            RegistryCommand::Rollback(args) => registry::rollback(&global, &args)?,
        },
        Some(Command::Lint(args)) => lint::lint(&global, &args)?,
        Some(Command::Version { short: true }) => output::print(VERSION),
        Some(Command::Version { short: false }) => output::banner(),
        Some(Command::Completion { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut args::Cli::command(), "wippy", &mut script);
            output::print(String::from_utf8_lossy(&script).trim_end());
        }
    }
    Ok(0)
}
