//! The README's first application is typed in and run as it says, in Lua and then with an actor in Rust.

use wippy_tests::{Project, guest_cargo};

/// The first fenced block of `language` behind `heading`.
fn block<'t>(text: &'t str, heading: &str, language: &str) -> &'t str {
    let (_, rest) = text.split_once(heading).expect("the heading");
    let (_, rest) = rest.split_once(&format!("```{language}\n")).expect("a block");
    rest.split_once("```").expect("its end").0
}

/// The application, and the whole README.
fn application() -> (Project, String) {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("README.md");
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test"));
    assert_eq!(project.run(&["init"]).code, Some(0));
    project.write("src/_index.yaml", block(&text, "names what the application consists of", "yaml"));
    for file in ["src/counter.lua", "src/ask.lua"] {
        project.write(file, block(&text, &format!("`{file}`:"), "lua"));
    }
    (project, text)
}

fn counts(project: &Project, text: &str) {
    let outcome = project.run(&["run", "ask"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(outcome.stdout, block(text, "wippy run ask\n", "text"));
}

#[test]
fn the_first_actor_works_as_shown() {
    let (project, text) = application();
    counts(&project, &text);
}

#[test]
fn so_does_the_first_one_in_rust() {
    let (project, text) = application();
    let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/../wasm-guest-sdk");
    let package = "[package]\nname = \"counter\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n";
    let needs = "serde = { version = \"1\", features = [\"derive\"] }";
    let manifest = format!("{package}\n[dependencies]\n{needs}\nwippy-guest = {{ path = {sdk:?} }}\n");
    project.write("guest/Cargo.toml", &manifest);
    project.write("guest/src/lib.rs", block(&text, "`guest/src/lib.rs`", "rust"));
    guest_cargo(&project.dir().join("guest"), &["install", "../src/guests", "--quiet"]);
    // The entry that the README replaces, up to the next one.
    let entries = block(&text, "names what the application consists of", "yaml");
    let (before, rest) = entries.split_once("  - name: counter ").expect("the entry in Lua");
    let (_, after) = rest.split_once("\n\n").expect("the entry behind it");
    let rust = block(&text, "the entry `counter` becomes", "yaml");
    project.write("src/_index.yaml", &format!("{before}{rust}\n{after}"));
    counts(&project, &text);
}
