//! The examples of the guide: a line with `--! TEXT` gives exactly that diagnostic, every other line none.

use wippy_lua_types::{Imports, check};

const GUIDE: &str = include_str!("../../../docs/types.md");

/// Lua examples with the line they begin at.
fn examples() -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = vec![];
    let mut inside = false;
    for (n, line) in GUIDE.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```lua";
            if inside {
                found.push((n + 1, String::new()));
            }
        } else if let (true, Some((_, text))) = (inside, found.last_mut()) {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

#[test]
fn the_guide_is_right() {
    let mut wrong = String::new();
    let examples = examples();
    assert!(examples.len() > 20, "only {} examples", examples.len());
    for (start, source) in examples {
        let parsed = wippy_lua_syntax::parse(&source);
        assert!(parsed.errors.is_empty(), "docs/types.md:{start}: {:?}", parsed.errors);
        let checked = check(&parsed.root, &Imports::default());
        for (n, line) in source.lines().enumerate() {
            let expected: Vec<&str> = line.split_once("--! ").map(|(_, text)| text.trim()).into_iter().collect();
            let here = checked.diagnostics.iter().filter(|d| d.line as usize == n + 1);
            let found: Vec<&str> = here.map(|d| d.message.as_str()).collect();
            if found != expected {
                let at = start + n + 1;
                wrong.push_str(&format!("docs/types.md:{at}: {line}\n  expected {expected:?}\n  found    {found:?}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
