//! `COMPAT.md` says what this build really has: kinds, module functions and
//! commands are compared with what the program registers.

#[path = "runtime/mod.rs"]
mod runtime;

use std::collections::{BTreeMap, BTreeSet};

use wippy_lua::modules::{Catalogue, ModuleValue};
use wippy_lua::native::{Member, MemberValue};

/// The rows of the tables under a heading: the cells of each, without back quotes.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../COMPAT.md")).expect("COMPAT.md");
    let section = text.split("\n## ").find(|s| s.lines().next() == Some(heading)).expect("the section");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|c| c.replace('`', "").trim().to_owned()).collect();
    let rows = section.lines().filter(|l| l.starts_with('|') && !l.starts_with("|--"));
    let rows: Vec<Vec<String>> = rows.map(cells).filter(|r: &Vec<String>| r[1] != "state" && r[2] != "state").collect();
    assert!(!rows.is_empty(), "no rows under {heading}");
    rows
}

fn is_built(state: &str) -> bool {
    match state {
        "yes" | "partly" => true,
        "no" => false,
        other => panic!("unknown state `{other}`"),
    }
}

#[test]
fn kinds_are_what_the_table_says() {
    let app = runtime::boot();
    let mut wrong = Vec::new();
    let mut listed = BTreeSet::new();
    for row in rows("Entry kinds") {
        let (kind, state) = (&row[0], &row[1]);
        if app.registry.accepts_kind(kind) != is_built(state) {
            wrong.push(format!("{kind}: {state}"));
        }
        listed.insert(kind.clone());
    }
    wrong
        .extend(app.registry.known_kinds().into_iter().filter(|k| !listed.contains(k)).map(|k| format!("{k}: no row")));
    app.shutdown(std::time::Duration::from_secs(5));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn functions(prefix: &str, members: &[Member], into: &mut BTreeSet<String>) {
    for member in members {
        match member.value {
            MemberValue::Function(_) => drop(into.insert(format!("{prefix}{}", member.name))),
            MemberValue::Table(members) => functions(&format!("{prefix}{}.", member.name), members, into),
            _ => {}
        }
    }
}

#[test]
fn modules_have_the_functions_the_table_says() {
    let app = runtime::boot();
    let catalogue = app.context.need::<Catalogue>().expect("the Lua engine");
    let mut built: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for module in catalogue.all() {
        let all = built.entry(module.name).or_default();
        if let ModuleValue::Table(members) = module.value {
            functions("", members, all);
        }
    }
    let mut wrong = Vec::new();
    for row in rows("Lua modules") {
        let (name, all, state) = (row[0].as_str(), &row[1], &row[2]);
        let listed: BTreeSet<String> = all.split_whitespace().filter(|f| *f != "-").map(str::to_owned).collect();
        match (built.remove(name), is_built(state)) {
            (Some(real), true) if real.is_empty() || real == listed => {}
            (Some(real), true) => wrong.push(format!("{name}: listed {listed:?}, built {real:?}")),
            (None, false) => {}
            (real, _) => wrong.push(format!("{name} is `{state}`, and there: {}", real.is_some())),
        }
    }
    wrong.extend(built.keys().map(|name| format!("{name}: no row")));
    app.shutdown(std::time::Duration::from_secs(5));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn commands_are_what_the_table_says() {
    let mut wrong = Vec::new();
    let mut real: BTreeSet<String> = wippy::command_names().into_iter().collect();
    for row in rows("Commands of the program") {
        let (name, state) = (&row[0], &row[1]);
        if real.remove(name) != is_built(state) {
            wrong.push(format!("{name}: {state}"));
        }
    }
    wrong.extend(real.into_iter().map(|name| format!("{name}: no row")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
