//! The samples in other languages are processes like any other. They need tools that not everybody has, so they run when
//! asked for: `cargo test -p wippy-tests --test samples -- --ignored --test-threads 1`; their READMEs name the tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use wippy_tests::{Outcome, Project};

const ENTRIES: &str = r#"version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: terminal, kind: terminal.host, hide_logs: true, lifecycle: { auto_start: true, requires: [processes] } }
  - { name: guests, kind: fs.directory, directory: src }
  - { name: counter, kind: process.wasm, fs: app:guests, path: /counter.wasm, hash: file://counter.sha256, method: run }
  - { name: main, kind: process.lua, source: file://main.lua, modules: [io], meta: { command: { name: main } } }
"#;

const MAIN: &str = r#"
local io = require("io")
return function()
    local counts, events = process.listen("count"), process.events()
    local counter = assert(process.spawn_monitored("app:counter", "app:processes", 10))
    process.send(counter, "nothing it knows", "of")
    for i = 1, 3 do
        process.send(counter, "add", i)
        io.print((counts:receive()))
    end
    process.cancel(counter)
    local ended = events:receive()
    io.print("ended with " .. ended.result.value)
end
"#;

/// A function in a core module.
const SUM_ENTRIES: &str = r#"version: "1.0"
namespace: app
entries:
  - { name: terminal, kind: terminal.host, hide_logs: true, lifecycle: { auto_start: true } }
  - { name: guests, kind: fs.directory, directory: src }
  - { name: sum, kind: function.wasm, fs: app:guests, path: /sum.wasm, hash: file://sum.sha256, method: sum,
      wit: "sum: func(a: s32, b: s32) -> s32;" }
  - { name: main, kind: process.lua, source: file://main.lua, modules: [io, funcs], meta: { command: { name: main } } }
"#;

const SUM_MAIN: &str = r#"
local io, funcs = require("io"), require("funcs")
return function()
    io.print((assert(funcs.call("app:sum", 40, 2))), (assert(funcs.call("app:sum", -7, 0))))
end
"#;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm-guest-sdk/samples")
}

/// Builds the sample in `folder`, whose guest is `name`, and runs a project with it. Gives what the project prints.
fn outcome(folder: &str, name: &str, build: &[&str], entries: &str, main: &str) -> Outcome {
    let dir = samples().join(folder);
    let built = Command::new(build[0]).args(&build[1..]).current_dir(&dir).status().expect("a shell, or npm");
    assert!(built.success(), "{folder}: the build failed");
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test")).with([
        ("src/_index.yaml", entries),
        ("src/main.lua", main),
        ("wippy.lock", "directories: { src: ./src }\n"),
    ]);
    for file in [format!("{name}.wasm"), format!("{name}.sha256")] {
        std::fs::copy(dir.join("out").join(&file), project.dir().join("src").join(file)).expect("what the build wrote");
    }
    project.run(&["run", "main"])
}

/// The sample is the counter, and a process in Lua uses it.
fn counts(folder: &str, build: &[&str]) {
    let outcome = outcome(folder, "counter", build, ENTRIES, MAIN);
    assert_eq!(outcome.stdout, "11\n13\n16\nended with 16\n", "{folder}: {outcome:?}");
}

#[test]
#[ignore = "needs clang with wasm-ld, or ziglang"]
fn c() {
    counts("c", &["./build.sh"]);
}

#[test]
#[ignore = "needs zig or ziglang"]
fn zig() {
    counts("zig", &["./build.sh"]);
}

#[test]
#[ignore = "needs npm install"]
fn javascript() {
    counts("javascript", &["npm", "run", "build"]);
}

#[test]
#[ignore = "needs componentize-py"]
fn python() {
    counts("python", &["./build.sh"]);
}

#[test]
#[ignore = "needs npm install"]
fn assemblyscript() {
    let outcome = outcome("assemblyscript", "sum", &["npm", "run", "build"], SUM_ENTRIES, SUM_MAIN);
    assert_eq!(outcome.stdout, "42\t-7\n", "{outcome:?}");
}
