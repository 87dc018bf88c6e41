//! What the reference manual of Lua 5.4 says of the language (chapter 3, 2.4 and 2.6) and of the functions the dialect
//! has (chapter 6), statement by statement, as changed by the dialect. `manual/*.txt` hold the cases: a line with the
//! section and what is claimed, code, and after `=>` its results as text, or `!` and its error. Each runs as the code of
//! a process, through our own parser.

#[path = "app/mod.rs"]
mod app;

use app::{App, shown};

struct Case {
    file: String,
    claim: String,
    code: String,
    expected: String,
}

fn cases() -> Vec<Case> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manual");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("cases").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (mut claim, mut code) = (String::new(), String::new());
        for line in text.lines() {
            if line.starts_with('§') {
                assert!(code.is_empty(), "{name}: no result for {claim}");
                claim = line.to_owned();
            } else if let Some(expected) = line.strip_prefix("=>") {
                let (file, expected) = (name.clone(), expected.trim().to_owned());
                all.push(Case { file, claim: claim.clone(), code: std::mem::take(&mut code), expected });
            } else if !line.is_empty() {
                code.push_str(line);
                code.push('\n');
            }
        }
    }
    all
}

/// All results of `code` as one text.
fn program(code: &str) -> String {
    let all = "local function all(...) local t = { ... } for i = 1, select('#', ...) do t[i] = tostring(t[i]) end \
               return table.concat(t, ' ') end";
    format!("{all} return function() return all((function() {code}end)()) end")
}

#[test]
fn the_manual_holds() {
    let app = App::seeded(1);
    let all = cases();
    assert!(all.len() > 200, "only {} cases", all.len());
    let mut wrong = String::new();
    for case in &all {
        let got = match app.try_define("app:c", &program(&case.code), &[]) {
            Ok(()) => shown(&app.run("app:c", &[])),
            // Without the file, line and column.
            Err(error) => error
                .lines()
                .next()
                .and_then(|line| line.splitn(4, ':').nth(3))
                .map_or(error.clone(), |e| format!("error syntax:{e}")),
        };
        let got = match got.strip_prefix("error ").and_then(|e| e.split_once(": ")) {
            Some((_, error)) => format!("!{error}"),
            None => got,
        };
        if got != case.expected {
            let Case { file, claim, code, expected } = case;
            wrong.push_str(&format!("\n{file}: {claim}\n{code}  expected {expected}\n  got      {got}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
