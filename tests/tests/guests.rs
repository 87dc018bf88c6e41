//! What `cargo build` makes of a guest is all that is needed to run it, and a guest can do what a process in Lua can. The
//! scripts in `tests/guests/lua` tell a guest what to do and print what they see of it.

use std::path::Path;

use wippy_tests::{Project, guests};

/// Bytes of the smallest process as a component.
const SMALLEST: usize = 40_000;

fn component(name: &str) -> Vec<u8> {
    let core = std::fs::read(guests().join(name).with_extension("wasm")).expect("a guest");
    let mut encoder = wit_component::ComponentEncoder::default().validate(true).module(&core).expect("a type");
    encoder.encode().unwrap_or_else(|error| panic!("{name} does not become a component: {error:?}"))
}

#[test]
fn every_guest_becomes_a_component() {
    for name in ["bare", "counter", "smallest"] {
        assert!(component(name).len() > 1000, "{name}");
    }
}

#[test]
fn the_smallest_guest_is_small() {
    for name in ["bare", "smallest"] {
        let size = component(name).len();
        assert!(size < SMALLEST, "{name} has {size} bytes");
    }
}

#[test]
fn the_hash_is_what_an_entry_wants() {
    let hash = std::fs::read_to_string(guests().join("counter.sha256")).expect("a hash");
    let digits = hash.strip_prefix("sha256:").expect("the algorithm");
    assert!(digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{hash:?}");
}

const ENTRIES: &str = r#"version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, host: { workers: 2 }, lifecycle: { auto_start: true } }
  - { name: terminal, kind: terminal.host, hide_logs: true, lifecycle: { auto_start: true, requires: [processes] } }
  - { name: guests, kind: fs.directory, directory: guests }
  - { name: puppet, kind: process.wasm, fs: app:guests, path: /puppet.wasm, hash: file://puppet.sha256, method: run }
  - { name: puppets, kind: library.lua, source: file://puppet.lua }
  - { name: main, kind: process.lua, source: file://main.lua, modules: [io, json, registry], imports: { puppet: "app:puppets" },
      meta: { command: { name: main } } }
  - { name: child, kind: process.lua, source: file://child.lua }
  - { name: ask, kind: process.lua, source: file://ask.lua }
  - { name: successor, kind: process.lua, source: file://successor.lua }
  - { name: double_process, kind: process.lua, source: "return function(n) return 2 * n end" }
  - { name: double, kind: function.lua, source: "return { main = function(n) return 2 * n end }", method: main,
      meta: { about: doubling } }
  - { name: refuse, kind: function.lua, method: main,
      source: "return { main = function() return nil, errors.new({ message = 'no', kind = errors.CONFLICT }) end }" }
  - { name: slow, kind: function.lua, method: main, modules: [time],
      source: "return { main = function() require('time').sleep('100ms') return 'slow' end }" }
  - { name: quick, kind: function.lua, method: main, source: "return { main = function() return 'quick' end }" }
  - { name: memory, kind: env.storage.memory }
  - { name: mode, kind: env.variable, variable: APP_MODE, storage: app:memory, default: testing }
"#;

/// An application whose command `main` is `tests/guests/lua/SCRIPT.lua`.
fn application(script: &str, entries: &str) -> Project {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/lua");
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test"))
        .with([("src/_index.yaml", entries), ("wippy.lock", "directories: { src: ./src }\n")]);
    let copy = |from: &Path, to: &str| {
        let to = project.dir().join(to);
        std::fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
        std::fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    };
    for (name, to) in
        [(script, "main"), ("puppet", "puppet"), ("child", "child"), ("ask", "ask"), ("successor", "successor")]
    {
        copy(&scripts.join(name).with_extension("lua"), &format!("src/{to}.lua"));
    }
    copy(&guests().join("puppet.wasm"), "guests/puppet.wasm");
    copy(&guests().join("puppet.sha256"), "src/puppet.sha256");
    project
}

fn check(script: &str, expected: &[&str]) {
    let outcome = application(script, ENTRIES).run(&["run", "main"]);
    assert_eq!(outcome.code, Some(0), "{script}: {outcome:#?}");
    assert_eq!(outcome.stdout.lines().collect::<Vec<_>>(), expected, "{script}");
}

#[test]
fn values_of_every_type_come_back_as_they_went() {
    check(
        "values",
        &[
            "true\tapp:puppet",
            "[1,\"two\",[3]]\t",
            "nil",
            "7\t7",
            "mine\tConflict\ttrue\t1",
            "Invalid: unknown variant `echo_all_wrong",
            "Invalid: expected u64, got a text",
            "Invalid: expected u64, got integer -1",
            "[[\"map\",1,\"first\"],5,[\"list\",3],\"text\"]",
            "[{\"name\":\"first\"},5,[\"a\",\"b\",\"c\"],\"text\"]",
        ],
    );
}

#[test]
fn a_guest_does_to_processes_what_lua_does() {
    check(
        "processes",
        &[
            "a 1",
            "exit\ttrue\tdone",
            "exit\tInternal\tbroken",
            "true",
            "true\ttrue",
            "true",
            "link_down\ttrue\tgone",
            "NotFound: factory not found",
            "NotFound: could not resolve 'kid' as PID or registered name",
            "NotFound: process not found",
            "Invalid: cannot send to @ topics",
            "Internal: pid not registered",
            "NotFound: name not registered",
            "42",
            "Internal: at once",
            "Internal: already monitoring pid",
            "exit\tenough",
            "exit\tprocess terminated",
            "true\ttrue",
            "AlreadyExists: name already registered",
            "true\tfalse",
            "cancel\ttrue\tthe end",
            "on purpose\tMine\ttest",
            "linked process failed",
        ],
    );
}

#[test]
fn a_guest_calls_functions_reads_settings_and_waits_for_one_of_many() {
    check(
        "calls",
        &[
            "8",
            "Conflict: no",
            "NotFound: no handler registered for target",
            "Invalid: namespace required in function ID",
            "[1,\"slow\",\"quick\"]\t",
            "testing\tNotFound: environment variable not found",
            "app:double\tfunction.lua\tdoubling\tmain",
            "NotFound: entry not found: app:nobody",
            "[\"app:guests\"]\t",
            "true",
            "2",
            "unknown variant `later`",
            "timeout",
            "still answering",
            "for later\ttrue\tfalse",
            "Invalid: cannot listen to @ topics",
            "ada\tnil",
        ],
    );
}

#[test]
fn every_end_of_a_guest_has_its_reason() {
    check(
        "ends",
        &[
            "2",
            "Internal\tpanicked at examples/puppet.rs:N:N: of all things",
            "Unavailable\tnot now\ttrue",
            "Internal\twasm error: out of bounds memory access",
            "6",
            "Internal",
            "alive",
        ],
    );
}

#[test]
fn a_guest_goes_on_in_another_language_and_comes_back() {
    check(
        "upgrade",
        &[
            "first\t7\ttrue",
            "second\t7\ttrue",
            "Rust again",
            "started\tapp:puppet\ttrue",
            "outdated\tapp:puppet",
            "true\tenough",
            "upgrade: create failed: factory not found",
        ],
    );
}

#[test]
fn records_of_a_guest_are_in_the_log_with_their_fields() {
    let project = application("log", &ENTRIES.replace("hide_logs: true", "hide_logs: false"));
    let outcome = project.run(&["run", "-v", "main"]);
    let record = outcome.stderr.lines().find(|line| line.contains("the puppet says hello"));
    let record = record.unwrap_or_else(|| panic!("no record: {outcome:#?}"));
    for part in
        ["WARN", r#""answer":42"#, r#""ok":true"#, r#""location":"app:puppet""#, r#""source":"examples/puppet.rs:"#]
    {
        assert!(record.contains(part), "{part} is not in {record}");
    }
}
