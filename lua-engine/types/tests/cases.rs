//! Runs the snippets in `cases/*.txt` and compares what is found with what is written behind them.
//!
//! A case is `--- case NAME`, any number of libraries (`--- module ALIAS` and their source), `--- source` if there
//! were libraries, the source, and `--- expect` with one `line:column CODE message (advice)` for every diagnostic; nothing
//! behind it means that nothing is found. `UPDATE_EXPECT=1 cargo test` writes the expectations anew (then read the
//! difference). Cases of `lint*.txt` run the lint rules instead of the checker.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use wippy_lua_types::{Diagnostic, Imports, check, lint};

struct Case {
    name: String,
    modules: Vec<(String, String)>,
    source: String,
    /// The text of the case up to the expectation.
    head: String,
    expected: String,
}

fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = vec![];
    #[derive(PartialEq)]
    enum Part {
        Source,
        Module,
        Expect,
    }
    let mut part = Part::Source;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("--- case ") {
            let name = name.to_owned();
            cases.push(Case {
                name,
                modules: vec![],
                source: String::new(),
                head: format!("{line}\n"),
                expected: String::new(),
            });
            part = Part::Source;
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match line.strip_prefix("--- ") {
            Some("expect") => {
                part = Part::Expect;
                case.head.push_str("--- expect\n");
                continue;
            }
            Some("source") => part = Part::Source,
            Some(other) => {
                let alias = other.strip_prefix("module ").unwrap_or_else(|| panic!("{}: `{line}`", case.name));
                case.modules.push((alias.to_owned(), String::new()));
                part = Part::Module;
            }
            None => match part {
                Part::Source => case.source.push_str(&format!("{line}\n")),
                Part::Module => {
                    let module = case.modules.last_mut().expect("a module was opened");
                    module.1.push_str(&format!("{line}\n"));
                }
                Part::Expect if !line.is_empty() => case.expected.push_str(&format!("{line}\n")),
                Part::Expect => {}
            },
        }
        if part != Part::Expect {
            case.head.push_str(&format!("{line}\n"));
        }
    }
    cases
}

fn shown(diagnostics: &[Diagnostic]) -> String {
    let help = |d: &Diagnostic| d.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    diagnostics.iter().map(|d| format!("{}:{} {} {}{}\n", d.line, d.column, d.code, d.message, help(d))).collect()
}

/// What is found in a case, as text.
fn run(case: &Case, linting: bool) -> String {
    let mut imports = Imports::default();
    for (alias, source) in &case.modules {
        let parsed = wippy_lua_syntax::parse(source);
        assert!(parsed.errors.is_empty(), "{}: module {alias}: {:?}", case.name, parsed.errors);
        let checked = check(&parsed.root, &imports);
        assert!(checked.diagnostics.is_empty(), "{}: module {alias}:\n{}", case.name, shown(&checked.diagnostics));
        imports.add(alias, Arc::new(checked.manifest));
    }
    let parsed = wippy_lua_syntax::parse(&case.source);
    assert!(parsed.errors.is_empty(), "{}: {:?}", case.name, parsed.errors);
    match linting {
        true => shown(&lint::lint(&parsed.root)),
        false => shown(&check(&parsed.root, &imports).diagnostics),
    }
}

fn files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut found: Vec<_> = std::fs::read_dir(&dir)
        .expect("the folder of cases is part of the crate")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no cases in {}", dir.display());
    found
}

#[test]
fn cases() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = String::new();
    for path in files() {
        let file = path.file_name().expect("a file").to_string_lossy().into_owned();
        let cases = read(&std::fs::read_to_string(&path).expect("a readable file"));
        let mut written = String::new();
        for case in &cases {
            let found = run(case, file.starts_with("lint"));
            if found != case.expected {
                wrong.push_str(&format!("== {file}: {}\n-- expected\n{}-- found\n{found}", case.name, case.expected));
            }
            written.push_str(&format!("{}{found}\n", case.head));
        }
        if update {
            std::fs::write(&path, written.trim_end().to_owned() + "\n").expect("a writable folder");
        }
    }
    assert!(update || wrong.is_empty(), "{wrong}");
}
