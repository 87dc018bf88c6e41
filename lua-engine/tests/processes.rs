//! Lua applications on a real node. The cases are in `tests/processes/*.lua`;
//! each runs under several seeds and on the real scheduler.

#[path = "app/mod.rs"]
mod app;

use app::{App, cases, shown};
use wippy_runtime::process::Limits;

fn run_file(path: &std::path::Path, failures: &mut Vec<String>) {
    let text = std::fs::read_to_string(path).expect("a readable case file");
    for case in cases(&text) {
        for seed in 0..6u64 {
            let app = if seed == 5 { App::pool(Limits::default()) } else { App::seeded(seed) };
            for (id, modules, source) in &case.entries {
                let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
                app.define(id, source, &modules);
            }
            let got = shown(&app.run(&case.entries[0].0, &[]));
            if got.trim_end() != case.expect.trim_end() {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                failures.push(format!(
                    "{name}: {} (seed {seed})\n  expected: {}\n  got:      {got}",
                    case.name,
                    case.expect.trim_end()
                ));
                break;
            }
        }
    }
}

#[test]
fn cases_give_what_they_expect() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes");
    let mut failures = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("cases").map(|f| f.expect("a file").path()).collect();
    files.sort();
    for file in files {
        run_file(&file, &mut failures);
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}
