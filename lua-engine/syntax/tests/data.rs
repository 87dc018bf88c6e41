//! Runs the snippets under `data/`: `ok` expects the tree, `error` the rendered errors, `erase` the plain Lua.
//!
//! Every `name.lua` has its expectation in `name.txt`; `UPDATE_EXPECT=1 cargo test` writes it anew (then read the
//! difference). A snippet of `ok` or `erase` must have no errors, one of `error` at least one.

use std::path::{Path, PathBuf};
use wippy_lua_syntax::{erase, parse};

fn cases(folder: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut found: Vec<_> = std::fs::read_dir(&dir)
        .expect("the data folder is part of the crate")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "lua"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no cases in {}", dir.display());
    found
}

/// Compares what `show` makes of every case with the expectation; lists all that differ.
fn check(folder: &str, show: impl Fn(&str, &str) -> String) {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = String::new();
    for path in cases(folder) {
        let source = std::fs::read_to_string(&path).expect("a readable case");
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let found = show(&name, &source);
        let expectation = path.with_extension("txt");
        if update {
            std::fs::write(&expectation, &found).expect("a writable folder");
            continue;
        }
        let expected = std::fs::read_to_string(&expectation).unwrap_or_default();
        if found != expected {
            wrong.push_str(&format!("== {folder}/{name}\n-- expected\n{expected}\n-- found\n{found}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn rendered(name: &str, source: &str) -> String {
    parse(source).errors.iter().map(|e| e.render(name, source) + "\n").collect()
}

#[test]
fn ok() {
    check("ok", |name, source| {
        let parsed = parse(source);
        assert!(parsed.errors.is_empty(), "{name} has errors:\n{}", rendered(name, source));
        parsed.root.dump()
    });
}

#[test]
fn error() {
    check("error", |name, source| {
        let found = rendered(name, source);
        assert!(!found.is_empty(), "{name} has no error");
        found
    });
}

#[test]
fn erased() {
    check("erase", |name, source| {
        let erased = erase(source).unwrap_or_else(|_| panic!("{name} has errors:\n{}", rendered(name, source)));
        assert_eq!(erased.text.len(), source.len(), "{name}: length");
        // Blanks at line ends would be invisible in the expectation.
        let mut out: String = erased
            .text
            .lines()
            .map(|line| {
                let kept = line.trim_end_matches(' ');
                format!("{kept}{}\n", "·".repeat(line.len() - kept.len()))
            })
            .collect();
        for decl in erased.types {
            let word = if decl.interface { "interface" } else { "type" };
            out.push_str(&format!("-- {word} {} at {:?}\n", decl.name, decl.range));
        }
        out
    });
}
