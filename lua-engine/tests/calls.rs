//! Calls of functions, futures, retries, processes as functions, contracts.
//! The cases are in `tests/calls/*.lua`; each runs under several seeds and on
//! the real scheduler.

mod application;

use application::{Application, Case, cases, shown};

fn outcome(case: &Case, seed: Option<u64>) -> String {
    let application = match seed {
        Some(seed) => Application::seeded(seed, case),
        None => Application::threads(case),
    };
    shown(&application.and_then(|a| a.run(&case.entries[0].id)))
}

#[test]
fn cases_give_what_they_expect() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls");
    let only = std::env::var("WIPPY_CASE").ok();
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("cases").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let mut failures = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a readable case file");
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for case in cases(&text).iter().filter(|c| only.as_ref().is_none_or(|o| c.name.contains(o.as_str()))) {
            for seed in (0..5).map(Some).chain([None]) {
                let got = outcome(case, seed);
                if got.trim_end() != case.expect {
                    let (name, expected) = (&case.name, &case.expect);
                    let seed = seed.map_or("on threads".to_owned(), |s| format!("seed {s}"));
                    failures.push(format!("{file}: {name} ({seed})\n  expected: {expected}\n  got:      {got}"));
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}
