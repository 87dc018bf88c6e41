//! `docs/MODULES.md` lists what the manifests of the built-in modules say: `UPDATE_EXPECT=1 cargo test` writes it anew.

use std::fmt::Write;
use std::path::Path;
use wippy_lua_types::builtin;

const HEAD: &str = "# Built-in modules

What the type checker knows of every built-in module, made from the same manifests. A test calls the functions here, but
for a few that end the program or exist for the checker only, and fails when one is not there or takes other arguments.

`module.f(...)` is a function of a module, `Type:m(...)` a method of an object; types of a module are written
`module.Type` elsewhere. `any` says nothing: what is given is checked by the function, at run time. `T?` may be nil;
`(T, error?)` gives nil and an error if it fails.
";

/// How programs write the table that an interface with a small letter describes; nothing before a base function.
fn prefix(module: &str, interface: &str) -> String {
    let inner = interface.strip_prefix(module).and_then(|rest| rest.strip_prefix('_'));
    match (interface.starts_with(char::is_uppercase), inner) {
        _ if interface == builtin::GLOBALS => String::new(),
        (true, _) => format!("{interface}:"),
        (false, Some(inner)) => format!("{module}.{inner}."),
        (false, None) => format!("{interface}."),
    }
}

/// A manifest as lines of documentation: its comment, then its types and members.
fn section(module: &str, source: &str) -> String {
    let mut about: Vec<&str> = vec![];
    let mut members = String::new();
    let mut before = None;
    // Braces of a type that are open.
    let mut open = 0;
    for written in source.lines() {
        let line = written.trim();
        if open > 0 || line.starts_with("type ") {
            members.push_str(&format!("{written}\n"));
            open += line.matches('{').count();
            open -= line.matches('}').count();
        } else if let Some(comment) = line.strip_prefix("--") {
            about.extend(members.is_empty().then_some(comment.trim()));
        } else if let Some(rest) = line.strip_prefix("interface ") {
            let name = rest.split([' ', '<', ':']).next().unwrap_or(rest);
            let separator = if members.is_empty() { "" } else { "\n" };
            let _ = write!(members, "{separator}");
            before = Some(prefix(module, name));
        } else if line == "end" {
            before = None;
        } else if let (Some(before), false) = (&before, line.is_empty()) {
            match (line.strip_prefix("function "), line.split_once(": ")) {
                (Some(function), _) => writeln!(members, "{before}{function}"),
                // The tables in a module have their members listed.
                (_, Some((_, inner))) if inner.starts_with(&format!("{module}_")) => Ok(()),
                _ => writeln!(members, "{}{line}", before.replace(':', ".")),
            }
            .expect("a text takes everything");
        }
    }
    format!("\n## {module}\n\n{}\n\n```text\n{members}```\n", about.join(" "))
}

#[test]
fn the_list_of_modules_is_what_the_manifests_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = |module: &str| root.join(format!("manifests/{module}.d.lua"));
    let read = |module: &str| std::fs::read_to_string(manifest(module)).expect("a manifest for every module");
    let mut modules: Vec<&str> = builtin::modules().collect();
    modules.sort_unstable();
    let mut text = HEAD.to_owned();
    text.extend(modules.iter().map(|module| section(module, &read(module))));
    for module in &modules {
        for name in builtin::members(module, module) {
            let written = format!("{}{name}", prefix(module, module));
            assert!(text.lines().any(|line| line.starts_with(&written)), "{written} is not listed");
        }
    }
    let path = root.join("../../docs/MODULES.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).expect("a writable folder");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "docs/MODULES.md is not what the manifests say; UPDATE_EXPECT=1 writes it");
}
