//! Every example prints exactly what its `expected.txt` says. Guests in WebAssembly are compiled first.

use std::path::Path;

use wippy_tests::{guest_cargo, run_in};

#[test]
fn every_example_prints_what_its_readme_promises() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let program = Path::new(env!("CARGO_BIN_EXE_wippy-under-test"));
    let mut names: Vec<String> = std::fs::read_dir(&dir)
        .expect("examples")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 15, "{names:?}");
    let mut failures = Vec::new();
    for name in names {
        let example = dir.join(&name);
        let expected = std::fs::read_to_string(example.join("expected.txt")).expect("expected.txt");
        let readme = std::fs::read_to_string(example.join("README.md")).expect("README.md");
        if !readme.contains(expected.trim_end()) {
            failures.push(format!("{name}: the README shows other output than expected.txt"));
        }
        if example.join("guest").is_dir() {
            let guest = ["--manifest-path", "guest/Cargo.toml", "--locked", "--quiet"];
            guest_cargo(&example, &[&["install", "src/guests"], &guest[..]].concat());
        }
        let got = run_in(program, &example, &["run", &name]);
        if got.code != Some(0) || got.stdout != expected {
            failures.push(format!("{name}: code {:?}\n{}--- stderr\n{}", got.code, got.stdout, got.stderr));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
