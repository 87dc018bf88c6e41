//! Every `data/*.lua` runs in a VM of its own; what it prints, logs, returns or
//! raises is compared with the `.txt` beside it. `UPDATE_EXPECT=1` rewrites those.

mod support;

use std::fs;
use std::path::Path;

#[test]
fn chunks_print_what_is_expected() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut failures = Vec::new();
    let mut names: Vec<_> = fs::read_dir(&dir)
        .expect("test data exists")
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "lua"))
        .collect();
    names.sort();
    for path in names {
        let source = fs::read(&path).expect("readable");
        let output = support::run(&source);
        let expected_path = path.with_extension("txt");
        if update {
            fs::write(&expected_path, &output).expect("writable");
            continue;
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if output != expected {
            failures.push(format!("== {}\n{}", path.display(), difference(&expected, &output)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn difference(expected: &str, got: &str) -> String {
    let (e, g): (Vec<_>, Vec<_>) = (expected.lines().collect(), got.lines().collect());
    (0..e.len().max(g.len()))
        .filter(|i| e.get(*i) != g.get(*i))
        .take(10)
        .map(|i| {
            let line = |l: &[&str]| l.get(i).copied().unwrap_or("<end>").to_owned();
            format!("line {}\n  expected {}\n  got      {}", i + 1, line(&e), line(&g))
        })
        .collect::<Vec<_>>()
        .join("\n")
}
