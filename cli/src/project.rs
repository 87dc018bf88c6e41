//! What every command that looks at a project does first: read the
//! configuration, the lock file and the entries, and send the entries through
//! the pipeline.

use std::path::{Path, PathBuf};

use wippy_runtime::boot::{Config, ConfigRequest, LoadRequest, Lock, Problem, Switches, load, loader};
use wippy_runtime::registry::Entry;
use wippy_runtime::registry::pipeline::{EntrySet, Pipeline, Purpose};

use crate::args::Global;
use crate::failure::{Failure, show};

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub fn switches(global: &Global) -> Switches {
    Switches {
        verbose: global.verbose,
        very_verbose: global.very_verbose,
        console: global.console,
        event_streams: global.event_streams,
        profiler: global.profiler,
    }
}

/// The configuration; warnings are shown unless the command is silent.
pub fn config(global: &Global, set: &[String]) -> Result<Config, Failure> {
    let request = ConfigRequest {
        files: global.configs.clone(),
        profiles: global.profiles.clone(),
        switches: switches(global),
        set: set.to_vec(),
        ..ConfigRequest::default()
    };
    match Config::load(&request, &env) {
        Ok((config, warnings)) => {
            if !global.silent {
                show(&warnings);
            }
            Ok(config)
        }
        Err(problems) => Err(Failure::Problems(problems, "the configuration cannot be used".into())),
    }
}

/// Entries ready for the registry, and what was wrong with the others.
pub struct Project {
    pub entries: Vec<Entry>,
    pub problems: Vec<Problem>,
    /// Where the files of modules are, by their names.
    pub module_roots: Vec<(String, PathBuf)>,
}

/// Reads the project of a lock file. `None`: there is no lock file. Files that cannot be used are problems, not
/// failures. Errors: the lock file itself, the directories, a stage of the pipeline.
pub fn read(lock_file: &Path, config: &Config, overrides: &[String]) -> Result<Option<Project>, Failure> {
    let cannot = |problems| Failure::Problems(problems, format!("cannot use {}", lock_file.display()));
    let Some((lock, mut problems)) = Lock::read(lock_file).map_err(cannot)? else { return Ok(None) };
    let replacements = loader::workspace_replacements(config)?;
    let report = load(&LoadRequest { lock: &lock, replacements, env: &env });
    problems.extend(report.problems);
    let mut set = EntrySet::new(report.entries);
    if let Err(error) = Pipeline::standard(Purpose::Run, config, overrides).and_then(|p| p.execute(&mut set)) {
        show(&problems);
        return Err(error.into());
    }
    problems.extend(set.problems);
    let module_roots = report.module_roots.into_iter().collect();
    Ok(Some(Project { entries: set.entries, problems, module_roots }))
}

/// [`read`] for commands that need a project.
pub fn require(lock_file: &Path, config: &Config) -> Result<Project, Failure> {
    let missing = || {
        let name = lock_file.display();
        anyhow::anyhow!("no lock file found: {name} does not exist; make a project with: wippy init")
    };
    Ok(read(lock_file, config, &[])?.ok_or_else(missing)?)
}
