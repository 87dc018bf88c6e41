//! What is said about environment variables that cannot be used.

use wippy_tests::Project;

const INDEX: &str = r#"version: "1.0"
namespace: app
entries:
  - name: terminal
    kind: terminal.host
    lifecycle: { auto_start: true }
  - name: fixed
    kind: env.storage.static
    values: { NAME: value }
  - name: a
    kind: env.variable
    variable: NAME
    storage: app:fixed
  - name: b
    kind: env.variable
    variable: NAME
    storage: app:fixed
  - name: c
    kind: env.variable
    variable: OTHER
    storage: app:none
  - name: main
    kind: process.lua
    meta: { command: { name: main } }
    modules: [env]
    source: return function() return require("env").get("NAME") end
"#;

#[test]
fn variables_that_cannot_be_used_are_said_with_their_place_and_the_rest_starts() {
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test"));
    let lock = "directories:\n  modules: .wippy\n  src: ./src\n";
    let project = project.with([("src/_index.yaml", INDEX), ("wippy.lock", lock)]);
    let outcome = project.run(&["-c", "run", "main"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let warnings = [
        "src/_index.yaml:16:15: entry app:b: field variable: variable name already exists: NAME (it belongs to app:a); \
         the variable cannot be used",
        "src/_index.yaml:21:14: entry app:c: field storage: referenced storage not found: app:none; the variable cannot \
         be used",
    ];
    for warning in warnings {
        assert_eq!(outcome.stdout.matches(warning).count(), 1, "{outcome:?}");
    }
    assert!(outcome.stdout.ends_with("value\n"), "{outcome:?}");
}
