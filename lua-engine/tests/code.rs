//! Lua entries from files to running code. The cases are in `tests/code/*.txt`:
//! steps on one project, with what each is expected to say below it.
//! `UPDATE_EXPECT=1` rewrites the expectations (then read the difference).
//!
//! A case whose name begins with `strict` runs with strict type checking.
//! Steps: `file PATH`, `remove PATH`, `install`, `start ID`, `call ID`,
//! `spawn NAME ID`, `send NAME TOPIC`, `result NAME`, `events`.

mod project;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use project::{Outcome, Project, shown};
use std::sync::Arc;
use wippy_runtime::Error;
use wippy_runtime::boot::Config;
use wippy_runtime::registry::RegistryCommands;
use wippy_runtime::relay::Pid;

struct Step<'t> {
    words: Vec<&'t str>,
    body: String,
}

fn steps(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("--- ") {
            Some(header) => steps.push(Step { words: header.split(' ').collect(), body: String::new() }),
            None => match steps.last_mut() {
                Some(step) => step.body += &format!("{line}\n"),
                None => panic!("a case file begins with a case"),
            },
        }
    }
    steps
}

struct Case {
    project: Project,
    spawned: HashMap<String, (Pid, Outcome)>,
}

impl Case {
    fn new(name: &str) -> Case {
        let project = if name.starts_with("case strict") { strict() } else { Project::new() };
        Case { project, spawned: HashMap::new() }
    }

    /// What a step says; `None` for one that only prepares.
    fn take(&mut self, words: &[&str], body: &str) -> Option<String> {
        let project = &mut self.project;
        let failed = |e: Error| format!("error {}: {e}", e.kind().as_str());
        let ended = |outcome: &Outcome| outcome.try_recv().map_or("still running".to_owned(), shown);
        Some(match words {
            ["file", path] => {
                project.write(path, body);
                return None;
            }
            ["remove", path] => {
                std::fs::remove_file(project.dir.path().join(path)).expect("the file is there");
                return None;
            }
            ["install"] => project.install().map_or_else(failed, |()| "ok".to_owned()),
            ["start", id] => match project.spawn(id) {
                Ok((_, outcome)) => project.finish(&outcome).map_or("does not end".to_owned(), shown),
                Err(e) => failed(e),
            },
            ["call", id] => match project.call(id, &[]) {
                Ok(outcome) => project.finish(&outcome).map_or("does not end".to_owned(), shown),
                Err(e) => failed(e),
            },
            ["spawn", name, id] => match project.spawn(id) {
                Ok(spawned) => {
                    self.spawned.insert((*name).to_owned(), spawned);
                    project.run();
                    "ok".to_owned()
                }
                Err(e) => failed(e),
            },
            ["send", name, topic] => {
                let sent = project.send(self.spawned[*name].0, topic);
                project.run();
                sent.map_or_else(failed, |()| "ok".to_owned())
            }
            ["result", name] => ended(&self.spawned[*name].1),
            ["events"] => {
                let mut lines = String::new();
                while let Ok(event) = project.events.try_recv() {
                    let _ = writeln!(lines, "{} {} {:?}", event.kind, event.path, event.data);
                }
                lines
            }
            other => panic!("unknown step {other:?}"),
        })
    }
}

/// A project whose types are checked.
fn strict() -> Project {
    let mut config = Config::empty();
    config.set("lua", "type_system.enabled", true);
    config.set("lua", "type_system.strict", true);
    Project::with(config, vec![Arc::new(RegistryCommands)])
}

/// Runs the cases of a file; gives the file with what they said.
fn run(text: &str, failures: &mut Vec<String>, name: &str) -> String {
    let mut out = String::new();
    let mut case = Case::new("");
    let mut title = String::new();
    for step in steps(text) {
        let header = step.words.join(" ");
        if step.words[0] == "case" {
            case = Case::new(&header);
            title = header.clone();
        }
        let said = if step.words[0] == "case" { None } else { case.take(&step.words, &step.body) };
        let body = match said {
            None => step.body.clone(),
            Some(said) => {
                let said = case.project.plain(said.trim_end());
                if said != step.body.trim_end() {
                    let expected = step.body.trim_end();
                    failures.push(format!("{name}: {title}: {header}\n  expected: {expected}\n  got:      {said}"));
                }
                format!("{said}\n")
            }
        };
        let _ = write!(out, "--- {header}\n{body}");
    }
    out
}

fn case_files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/code");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("cases").map(|f| f.expect("a file").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "txt"));
    files.sort();
    files
}

#[test]
fn cases_say_what_is_expected() {
    let mut failures = Vec::new();
    for path in case_files() {
        let text = std::fs::read_to_string(&path).expect("a readable case file");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let out = run(&text, &mut failures, &name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, out).expect("a writable case file");
            failures.clear();
        }
    }
    assert!(failures.is_empty(), "{} steps fail:\n{}", failures.len(), failures.join("\n"));
}
