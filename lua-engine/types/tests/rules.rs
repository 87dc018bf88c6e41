//! Every rule of the language that the checker knows, each with at least ten right and ten wrong one-line programs in
//! `rules.txt`.
//!
//! `== NAME` begins a rule. `+ SOURCE` is a program with nothing wrong. `- SOURCE --! LINE:COLUMN CODE MESSAGE` is one
//! with exactly that to report (several with ` && ` between them). `\n` in a source is a line end. Lines before the
//! first rule that begin with `|` are the beginning of every program. `< ALIAS SOURCE` is a library that the programs of
//! its rule import. `UPDATE_EXPECT=1` writes the reports anew.

use std::sync::Arc;

use wippy_lua_types::{Imports, check};

/// Right programs that a rule has at least, and wrong ones.
const OF_EACH: usize = 10;

#[derive(Default)]
struct Rule {
    name: String,
    imports: Imports,
    right: usize,
    wrong: usize,
}

/// Adds the library of a line `< ALIAS SOURCE`.
fn import(rule: &mut Rule, library: &str) {
    let (alias, source) = library.split_once(' ').expect("an alias and a source");
    let parsed = wippy_lua_syntax::parse(source);
    assert!(parsed.errors.is_empty(), "{alias}: {:?}", parsed.errors);
    let checked = check(&parsed.root, &rule.imports);
    assert!(checked.diagnostics.is_empty(), "{alias}: {:?}", checked.diagnostics);
    rule.imports.add(alias, Arc::new(checked.manifest));
}

fn reports(source: &str, imports: &Imports, before: u32) -> String {
    let parsed = wippy_lua_syntax::parse(source);
    if let Some(error) = parsed.errors.first() {
        return format!("syntax {}:{} {}", error.line, error.column, error.message);
    }
    let found = check(&parsed.root, imports).diagnostics;
    let shown = found.iter().map(|d| format!("{}:{} {} {}", d.line - before, d.column, d.code, d.message));
    shown.collect::<Vec<_>>().join(" && ")
}

#[test]
fn rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules.txt");
    let text = std::fs::read_to_string(path).expect("a readable file");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let (mut prelude, mut written, mut wrong) = (String::new(), String::new(), String::new());
    let mut rules: Vec<Rule> = vec![];
    for (n, line) in text.lines().enumerate() {
        let mut line = line.to_owned();
        if let Some(more) = line.strip_prefix('|') {
            prelude.push_str(more);
            prelude.push('\n');
        } else if let Some(name) = line.strip_prefix("== ") {
            rules.push(Rule { name: name.to_owned(), ..Rule::default() });
        } else if let Some(library) = line.strip_prefix("< ") {
            import(rules.last_mut().expect("a rule begins before its libraries"), library);
        } else if let Some((sign, rest)) = line.split_at_checked(2).filter(|(sign, _)| matches!(*sign, "+ " | "- ")) {
            let rule = rules.last_mut().expect("a rule begins before its programs");
            let (source, expected) = rest.split_once(" --! ").unwrap_or((rest, ""));
            let program = format!("{prelude}{}", source.replace("\\n", "\n"));
            let found = reports(&program, &rule.imports, prelude.lines().count() as u32);
            match sign {
                "+ " => rule.right += 1,
                _ => rule.wrong += 1,
            }
            let fits = if sign == "+ " { found.is_empty() } else { !found.is_empty() && (found == expected || update) };
            if !fits {
                wrong.push_str(&format!("rules.txt:{}: {line}\n  found: {found}\n", n + 1));
            }
            if update && sign == "- " {
                line = format!("- {source} --! {found}");
            }
        }
        written.push_str(&line);
        written.push('\n');
    }
    if update {
        std::fs::write(path, written).expect("a writable file");
    }
    for rule in &rules {
        if rule.right < OF_EACH || rule.wrong < OF_EACH {
            wrong.push_str(&format!("{}: {} right, {} wrong\n", rule.name, rule.right, rule.wrong));
        }
    }
    assert!(rules.len() > 50, "only {} rules", rules.len());
    assert!(wrong.is_empty(), "{wrong}");
}
