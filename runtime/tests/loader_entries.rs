//! Entry files, lock files and configuration: small projects in
//! `loader_cases/*.case`, what loading them reports in `*.expect`.
//! `UPDATE_EXPECT=1` writes the expectations anew.
//!
//! A case is a project: `=== path` begins a file, `=== link path -> target` makes
//! a symbolic link, `=== env NAME=value` sets a variable, `=== args …` gives
//! command-line arguments (`--profile`, `--set`, `--config`, `-o`, `-v`, `-c`, `-e`, `-p`).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use wippy_runtime::boot::{Config, ConfigRequest, LoadRequest, Lock, Problem, load, loader};
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::registry::Entry;
use wippy_runtime::registry::pipeline::{EntrySet, Pipeline, Purpose};
use wippy_runtime::yaml;

#[derive(Default)]
struct Case {
    files: Vec<(String, String)>,
    links: Vec<(String, String)>,
    env: HashMap<String, String>,
    args: Vec<String>,
}

fn parse_case(text: &str) -> Case {
    let mut case = Case::default();
    for line in text.split_inclusive('\n') {
        let Some(head) = line.strip_prefix("=== ").map(str::trim) else {
            if let Some((_, body)) = case.files.last_mut() {
                body.push_str(line);
            }
            continue;
        };
        if let Some(link) = head.strip_prefix("link ") {
            let (path, target) = link.split_once(" -> ").expect("link needs ->");
            case.links.push((path.into(), target.into()));
        } else if let Some(env) = head.strip_prefix("env ") {
            let (name, value) = env.split_once('=').expect("env needs =");
            case.env.insert(name.into(), value.into());
        } else if let Some(args) = head.strip_prefix("args ") {
            case.args.extend(args.split(' ').map(str::to_owned));
        } else {
            case.files.push((head.into(), String::new()));
        }
    }
    case
}

fn run_case(case: &Case) -> String {
    let temp = tempfile::tempdir().unwrap();
    let outer = temp.path().canonicalize().unwrap();
    let dir = outer.join("project");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(outer.join("secret"), "SECRET").unwrap();
    for (path, body) in &case.files {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body.replace("\\xFF", "\u{0}FF")).unwrap();
    }
    for (path, target) in &case.links {
        std::os::unix::fs::symlink(target, dir.join(path)).unwrap();
    }
    let mut out = String::new();
    report(case, &dir, &mut out);
    let prefix = format!("{}/", dir.display());
    out.replace(&prefix, "").replace(&outer.display().to_string(), "OUTSIDE")
}

fn print_problems(out: &mut String, problems: &[Problem]) {
    for problem in problems {
        writeln!(out, "{problem}\n").unwrap();
    }
}

fn report(case: &Case, dir: &Path, out: &mut String) {
    let env = |name: &str| case.env.get(name).cloned();
    let mut request = ConfigRequest { dir: dir.to_owned(), ..ConfigRequest::default() };
    let mut flags = Vec::new();
    let mut args = case.args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--profile" => request.profiles.extend(args.next().cloned()),
            "--set" => request.set.extend(args.next().cloned()),
            "--config" => request.files.extend(args.next().map(PathBuf::from)),
            "-o" => flags.extend(args.next().cloned()),
            "-v" => request.switches.verbose = true,
            "--very-verbose" => request.switches.very_verbose = true,
            "-c" => request.switches.console = true,
            "-e" => request.switches.event_streams = true,
            "-p" => request.switches.profiler = true,
            other => panic!("unknown argument {other}"),
        }
    }
    let shows_config = case.files.iter().any(|(p, _)| p.contains(".wippy")) || !case.args.is_empty();
    let config = match Config::load(&request, &env) {
        Ok((config, problems)) => {
            print_problems(out, &problems);
            config
        }
        Err(problems) => {
            out.push_str("configuration refused\n\n");
            return print_problems(out, &problems);
        }
    };
    if shows_config {
        out.push_str("configuration:\n");
        let names: Vec<&str> = ["disable", "logger", "logmanager", "override", "profiler", "registry"]
            .into_iter()
            .chain(["relay", "shutdown", "supervisor", "workspace", "app"])
            .collect();
        for name in names {
            for (key, value) in config.section(name) {
                writeln!(out, "  {name}.{key} = {value:?}").unwrap();
            }
        }
        out.push('\n');
    }
    let lock = match Lock::read(&dir.join("wippy.lock")) {
        Ok(Some((lock, problems))) => {
            print_problems(out, &problems);
            lock
        }
        Ok(None) => Lock { src_dir: "src".into(), ..Lock::new(dir) },
        Err(problems) => {
            out.push_str("lock file refused\n\n");
            return print_problems(out, &problems);
        }
    };
    if !lock.src_path().exists() && shows_config {
        return; // A case about the configuration alone.
    }
    let replacements = loader::workspace_replacements(&config).unwrap();
    let loaded = load(&LoadRequest { lock: &lock, replacements, env: &env });
    print_problems(out, &loaded.problems);
    let mut set = EntrySet::new(loaded.entries);
    match Pipeline::standard(Purpose::Run, &config, &flags).and_then(|p| p.execute(&mut set)) {
        Ok(()) => print_problems(out, &set.problems),
        Err(e) => return writeln!(out, "{e}").unwrap(),
    }
    for entry in &set.entries {
        print_entry(out, entry);
    }
}

fn print_entry(out: &mut String, entry: &Entry) {
    let origin = entry.origin.as_ref().unwrap();
    writeln!(out, "{} ({}) {}:{}", entry.id, entry.kind, origin.file, origin.line).unwrap();
    let mut all = Map::new();
    if !entry.meta.is_empty() {
        all.insert("meta".into(), Value::Map(entry.meta.clone()));
    }
    all.insert("data".into(), entry.data.clone());
    for line in yaml::to_string(&Value::Map(all)).lines() {
        writeln!(out, "    {line}").unwrap();
    }
    for field in origin.fields.iter().filter(|f| f.file.is_some()) {
        writeln!(out, "    # {} from {}", field.path, field.file.as_ref().unwrap()).unwrap();
    }
}

#[test]
fn every_case_reports_what_is_expected() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loader_cases");
    let mut failed = Vec::new();
    let mut seen = 0;
    for file in std::fs::read_dir(&dir).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "case") {
            continue;
        }
        seen += 1;
        let got = run_case(&parse_case(&std::fs::read_to_string(&path).unwrap()));
        let expect = path.with_extension("expect");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&expect, &got).unwrap();
        } else if std::fs::read_to_string(&expect).unwrap_or_default() != got {
            failed.push(format!("{}\n{got}", path.file_name().unwrap().to_string_lossy()));
        }
    }
    assert!(seen > 20, "only {seen} cases found");
    assert!(failed.is_empty(), "{} differ from their .expect:\n\n{}", failed.len(), failed.join("\n"));
}
