//! Whole projects as text: files, a command line, and what must come of it.
//!
//! ```text
//! --- case what it shows
//! --- file src/_index.yaml
//! ...
//! --- run run hello
//! --- code 1
//! --- stdout
//! exactly this
//! --- stderr
//! each of these lines occurs
//! ```
//!
//! Further `--- run` sections run other commands in the same project, each with its own expectations behind it.
//! `--- guest files/echo.wasm echo.wat` compiles a text of `tests/guests/wat` to that file; `{{files/echo.wasm}}` in other
//! files is its hash. A project without a lock file gets the one `wippy init` writes.

use std::path::Path;

use crate::{Outcome, Project, by_hand};

#[derive(Debug, Default)]
pub struct Case {
    pub name: String,
    files: Vec<(String, String)>,
    /// File, and the source it is compiled from.
    guests: Vec<(String, String)>,
    runs: Vec<Run>,
}

/// A command line and what must come of it.
#[derive(Debug, Default)]
struct Run {
    args: Vec<String>,
    code: i32,
    stdout: Option<String>,
    stderr: Vec<String>,
}

const LOCK: &str = "directories:\n  modules: .wippy\n  src: ./src\n";

/// The cases of a file.
pub fn cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).expect("a readable case file");
    let mut all: Vec<Case> = Vec::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("--- ") {
            let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
            section = word.to_owned();
            if word == "case" {
                all.push(Case { name: rest.to_owned(), ..Case::default() });
            }
            let case = all.last_mut().expect("a file of cases begins with `--- case`");
            match word {
                "file" => case.files.push((rest.to_owned(), String::new())),
                "run" => {
                    let args = rest.split_whitespace().map(str::to_owned).collect();
                    case.runs.push(Run { args, ..Run::default() });
                }
                "code" => case.run().code = rest.parse().expect("a number behind `--- code`"),
                "guest" => {
                    let (file, source) = rest.split_once(' ').expect("`--- guest FILE SOURCE`");
                    case.guests.push((file.to_owned(), source.to_owned()));
                }
                "stdout" => case.run().stdout = Some(String::new()),
                "case" | "stderr" => {}
                other => panic!("{}: unknown section `{other}`", path.display()),
            }
            continue;
        }
        let Some(case) = all.last_mut() else { continue };
        match section.as_str() {
            "file" => {
                let file = case.files.last_mut().expect("inside a file");
                file.1 += line;
                file.1 += "\n";
            }
            "stdout" => {
                let out = case.run().stdout.get_or_insert_default();
                *out += line;
                *out += "\n";
            }
            "stderr" if !line.trim().is_empty() => case.run().stderr.push(line.to_owned()),
            _ => {}
        }
    }
    all
}

impl Case {
    fn run(&mut self) -> &mut Run {
        self.runs.last_mut().expect("expectations stand behind `--- run`")
    }

    /// Runs the case; `Err` says what differs.
    pub fn check(&self, program: &str) -> Result<(), String> {
        let project = Project::new(program);
        if !self.files.iter().any(|(path, _)| path == "wippy.lock") {
            project.write("wippy.lock", LOCK);
        }
        let mut hashes = Vec::new();
        for (file, source) in &self.guests {
            let wasm = by_hand::compile(source);
            hashes.push((format!("{{{{{file}}}}}"), by_hand::sha256(&wasm)));
            project.write_bytes(file, &wasm);
        }
        for (path, text) in &self.files {
            let text = hashes.iter().fold(text.clone(), |text, (mark, hash)| text.replace(mark, hash));
            project.write(path, &text);
        }
        assert!(!self.runs.is_empty(), "{}: nothing is run", self.name);
        for run in &self.runs {
            let args: Vec<&str> = run.args.iter().map(String::as_str).collect();
            let got = project.run(&args);
            run.compare(&got).map_err(|what| {
                let (name, args) = (&self.name, args.join(" "));
                let Outcome { code, stdout, stderr } = &got;
                format!("{name}: {args}: {what}\n--- code {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}")
            })?;
        }
        Ok(())
    }
}

impl Run {
    fn compare(&self, got: &Outcome) -> Result<(), String> {
        if got.code != Some(self.code) {
            return Err(format!("exit code must be {}", self.code));
        }
        if let Some(want) = &self.stdout
            && got.stdout.trim_end() != want.trim_end()
        {
            return Err(format!("stdout must be\n{want}"));
        }
        match self.stderr.iter().find(|want| !got.stderr.lines().any(|line| line.contains(want.as_str()))) {
            Some(missing) => Err(format!("stderr must have a line with: {missing}")),
            None => Ok(()),
        }
    }
}
