//! Every Lua source of this repository is a valid program: the checker must have nothing to say about any of them.
//!
//! Files of test cases hold several sources, divided by lines that begin with `--- `; what does not parse is an
//! expectation, or a source that is meant not to.

use std::path::{Path, PathBuf};
use wippy_lua_types::{Imports, check};

/// Sources that fail on purpose, by a name the rest of the path ends with and a text of the diagnostic.
const WRONG_ON_PURPOSE: &[(&str, &str)] = &[
    ("runtime/system.lua", "argument 1: expected number?, got \"x\""),
    ("data/tests/cases/compress.lua", "not enough arguments"),
    ("data/tests/cases/compress.lua", "expected string, got {}"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("types") && !path.ends_with("syntax") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "lua") {
            found.push(path);
        }
    }
}

fn parts(text: &str) -> Vec<(usize, String)> {
    let mut parts = vec![(0, String::new())];
    for (n, line) in text.lines().enumerate() {
        if line.starts_with("--- ") {
            parts.push((n + 1, String::new()));
        } else if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

#[test]
fn the_programs_of_this_repository_are_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![];
    for folder in ["examples", "lua-engine", "services", "benches", "tests", "hosts", "cli"] {
        sources(&root.join(folder), &mut files);
    }
    files.sort();
    let (mut checked, mut wrong) = (0, String::new());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        for (line, part) in parts(&text) {
            let parsed = wippy_lua_syntax::parse(&part);
            if !parsed.errors.is_empty() {
                continue;
            }
            checked += 1;
            for d in check(&parsed.root, &Imports::default()).diagnostics {
                let known = |(path, text): &(&str, &str)| file.ends_with(path) && d.message.contains(text);
                if !WRONG_ON_PURPOSE.iter().any(known) {
                    wrong.push_str(&d.render(&format!("{}:+{line}", file.display()), &part));
                    wrong.push('\n');
                }
            }
        }
    }
    assert!(checked > 100, "only {checked} sources found");
    assert!(wrong.is_empty(), "{wrong}");
}
