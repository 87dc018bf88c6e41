//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Run actor applications made of Lua and WebAssembly processes.
#[derive(Debug, Parser)]
#[command(name = "wippy", disable_version_flag = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Configuration file; later ones win (default: .wippy.yaml, if it is there)
    #[arg(long = "config", value_name = "PATH", global = true)]
    pub configs: Vec<PathBuf>,
    /// Apply a profile of the configuration; later ones win
    #[arg(long = "profile", value_name = "NAME", global = true)]
    pub profiles: Vec<String>,
    /// Work as if started in this directory
    #[arg(short = 'C', long, value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Log debug records too
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Log debug records, with their places in the runtime's source
    #[arg(long, global = true)]
    pub very_verbose: bool,
    /// Log to standard output, with elapsed seconds and colours
    #[arg(short, long, global = true)]
    pub console: bool,
    /// No banner and no log
    #[arg(short, long, global = true)]
    pub silent: bool,
    /// Publish log records on the event bus
    #[arg(short, long, global = true)]
    pub event_streams: bool,
    /// Serve the profiler
    #[arg(short, long, global = true)]
    pub profiler: bool,
    /// Memory the program should stay below, such as 512M or 2G
    #[arg(short, long, value_name = "SIZE", global = true, value_parser = memory_size)]
    pub memory_limit: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project: its lock file and source directory
    Init(InitArgs),
    /// Run the application, or one of its commands
    Run(RunArgs),
    /// Look at the entries of the project and at their history
    Registry(RegistryArgs),
    /// Check the types of the project's Lua code, and with --rules its habits
    Lint(LintArgs),
    /// Show the version
    Version {
        /// The version alone
        #[arg(long)]
        short: bool,
    },
    /// Print a script that completes commands in a shell
    Completion { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// Directory of the application's entries
    #[arg(short = 'd', long, value_name = "DIR", default_value = "./src")]
    pub src_dir: String,
    /// Directory of installed modules
    #[arg(long, value_name = "DIR", default_value = ".wippy")]
    pub modules_dir: String,
    /// The lock file to write
    #[arg(short, long, value_name = "FILE", default_value = "wippy.lock")]
    pub lock_file: String,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// `list`, or the name of a command and its arguments; without any the application runs until it is stopped
    #[arg(value_name = "COMMAND")]
    pub words: Vec<String>,
    /// Arguments that are passed on as they are
    #[arg(last = true, value_name = "ARGS")]
    pub rest: Vec<String>,
    /// Run this process entry
    #[arg(short = 'x', long = "exec", value_name = "NS:ENTRY")]
    pub exec: Option<String>,
    /// Run it on this terminal host
    #[arg(long, value_name = "ID")]
    pub host: Option<String>,
    /// Replace a field of an entry
    #[arg(short = 'o', long = "override", value_name = "NS:ENTRY:FIELD=VALUE", value_delimiter = ',')]
    pub overrides: Vec<String>,
    /// Set a value of the configuration
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// The lock file of the project
    #[arg(short, long, value_name = "FILE", default_value = "wippy.lock")]
    pub lock_file: PathBuf,
}

#[derive(Debug, Args)]
pub struct RegistryArgs {
    #[command(subcommand)]
    pub command: RegistryCommand,
}

#[derive(Debug, Subcommand)]
pub enum RegistryCommand {
    /// List entries
    List(ListArgs),
    /// Show one entry
    Show(ShowArgs),
    /// List the recorded versions
    History(HistoryArgs),
    /// Make an older or newer version the one the next start uses
    Rollback(RollbackArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this kind
    #[arg(short, long)]
    pub kind: Option<String>,
    /// Only this namespace
    #[arg(short, long)]
    pub ns: Option<String>,
    /// Only names like this; one * stands for anything
    #[arg(long)]
    pub name: Option<String>,
    /// Only entries whose meta field matches: FIELD=VALUE, FIELD~REGEX, FIELD*PART, FIELD^START, FIELD$END
    #[arg(long, value_name = "CONDITION", value_delimiter = ',')]
    pub meta: Vec<String>,
    #[command(flatten)]
    pub format: Format,
    /// The lock file of the project
    #[arg(short, long, value_name = "FILE", default_value = "wippy.lock")]
    pub lock_file: PathBuf,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// `namespace:name`, or a name that is used once
    pub id: String,
    /// Only this field of the data
    #[arg(short, long)]
    pub field: Option<String>,
    /// Text as it is, without quotes
    #[arg(long)]
    pub raw: bool,
    #[command(flatten)]
    pub format: Format,
    /// The lock file of the project
    #[arg(short, long, value_name = "FILE", default_value = "wippy.lock")]
    pub lock_file: PathBuf,
}

#[derive(Debug, Args)]
pub struct LintArgs {
    /// Show findings down to this severity: error, warning, hint
    #[arg(long, default_value = "warning")]
    pub level: String,
    /// One JSON object on one line
    #[arg(long)]
    pub json: bool,
    /// Only entries of this namespace; `app.*` includes what is below it
    #[arg(long, value_name = "NS", value_delimiter = ',')]
    pub ns: Vec<String>,
    /// Only findings with this code
    #[arg(long, value_delimiter = ',')]
    pub code: Vec<String>,
    /// Show this many findings at most; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// Numbers by namespace and code instead of findings
    #[arg(long)]
    pub summary: bool,
    /// The lint rules too: unused variables, globals, empty blocks and the like
    #[arg(long)]
    pub rules: bool,
    /// No colours
    #[arg(long)]
    pub no_color: bool,
    /// Delete the cache of compiled code first
    #[arg(long)]
    pub cache_reset: bool,
    /// Set a value of the configuration
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// The lock file of the project
    #[arg(short, long, value_name = "FILE", default_value = "wippy.lock")]
    pub lock_file: PathBuf,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The version, such as 3 or v3
    pub version: String,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Format {
    /// As JSON
    #[arg(long, conflicts_with = "yaml")]
    pub json: bool,
    /// As YAML
    #[arg(long)]
    pub yaml: bool,
}

/// `512M`, `1G`, `2GB`: bytes.
fn memory_size(text: &str) -> Result<u64, String> {
    let upper = text.trim().to_ascii_uppercase();
    let digits = upper.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &upper[digits.len()..] {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err("expected a size such as 512M or 2G".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "expected a size such as 512M or 2G".to_owned())?;
    number.checked_mul(unit).filter(|n| *n > 0).ok_or_else(|| "out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn memory_sizes() {
        let cases = [
            ("512M", Some(512 << 20)),
            ("1G", Some(1 << 30)),
            ("2gb", Some(2 << 30)),
            ("77", Some(77)),
            ("0", None),
            ("M", None),
            ("1X", None),
            ("99999999999T", None),
        ];
        for (text, want) in cases {
            assert_eq!(super::memory_size(text).ok(), want, "{text}");
        }
    }
}
