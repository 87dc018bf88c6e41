//! Starting and stopping whole applications: signals, exit codes, and what the
//! history on disk survives.

use std::time::{Duration, Instant};

use wippy_tests::{PATIENCE, Project, Running};

const PROGRAM: &str = env!("CARGO_BIN_EXE_wippy-under-test");
const LOCK: (&str, &str) = ("wippy.lock", "directories:\n  modules: .wippy\n  src: ./src\n");

/// A service that writes to a file when it starts and when it is asked to stop.
const SERVICE: (&str, &str) = (
    "src/_index.yaml",
    r#"
version: "1.0"
namespace: app
entries:
  - name: processes
    kind: process.host
    lifecycle: { auto_start: true }
  - name: worker
    kind: process.lua
    modules: [logger]
    source: |
      local logger = require("logger")
      return function()
          logger:info("worker is up")
          local event = process.events():receive()
          logger:info("worker was asked to stop", { reason = event.reason })
      end
  - name: worker_service
    kind: process.service
    process: worker
    host: app:processes
    lifecycle: { auto_start: true, requires: [processes] }
"#,
);

fn wait_for(running: &Running, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !running.has_shown(text) {
        assert!(Instant::now() < deadline, "`{text}` was not shown");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_stops_services_in_order_with_code_zero() {
    for signal in ["INT", "TERM"] {
        let project = Project::new(PROGRAM).with([LOCK, SERVICE]);
        let running = project.start(&["run"]);
        wait_for(&running, "worker is up");
        running.signal(signal);
        let outcome = running.wait();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.stderr.contains("worker was asked to stop"), "{outcome:?}");
        assert!(outcome.stderr.contains("service stopping"), "{outcome:?}");
    }
}

#[test]
fn the_second_signal_ends_the_program_at_once() {
    let stubborn = SERVICE.1.replace(
        "local event = process.events():receive()",
        "while true do process.events():receive() logger:info(\"no\") end\n          local event",
    );
    let project = Project::new(PROGRAM).with([LOCK, (SERVICE.0, &stubborn)]);
    let running = project.start(&["run"]);
    wait_for(&running, "worker is up");
    running.signal("TERM");
    // The worker has heard of it and goes on.
    wait_for(&running, "no");
    running.signal("TERM");
    let outcome = running.wait();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("force exit"), "{outcome:?}");
}

#[test]
fn an_interrupted_boot_ends_cleanly() {
    // Code that takes its time while it is loaded keeps the boot busy.
    let mut entries = String::from("version: \"1.0\"\nnamespace: app\nentries:\n");
    for i in 0..300 {
        entries += &format!(
            "  - name: f{i}\n    kind: function.lua\n    method: main\n    pool: {{ type: static, size: 4 }}\n    source: |\n      local t = {{}} for i = 1, 100000 do t[i] = i end\n      return {{ main = function() end }}\n"
        );
    }
    let project = Project::new(PROGRAM).with([LOCK, ("src/_index.yaml", &entries)]);
    let running = project.start(&["run"]);
    wait_for(&running, "wippy");
    running.signal("INT");
    let outcome = running.wait();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

/// A command that records one version with every call.
const RECORDS: (&str, &str) = (
    "src/_index.yaml",
    r#"
version: "1.0"
namespace: app
entries:
  - name: terminal
    kind: terminal.host
    lifecycle: { auto_start: true }
  - name: change
    kind: process.lua
    modules: [io, registry]
    meta: { command: { name: change } }
    source: |
      local io, registry = require("io"), require("registry")
      return function(times)
          for _ = 1, tonumber(times) do
              local changes = registry.snapshot():changes()
              local old = registry.get("app.data:n")
              local entry = { id = "app.data:n", kind = "registry.entry", data = { n = old and old.data.n + 1 or 1 } }
              if old then changes:update(entry) else changes:create(entry) end
              local version, err = changes:apply()
              if err then io.print("failed: " .. err:message()) return 1 end
          end
          io.print(registry.current_version():string() .. " n=" .. registry.get("app.data:n").data.n)
      end
"#,
);
const SQLITE: (&str, &str) =
    (".wippy.yaml", "version: \"1.0\"\nregistry: { history_type: sqlite, history_path: history.db }\n");

#[test]
fn recorded_changes_are_there_after_a_restart_and_can_be_taken_back() {
    let project = Project::new(PROGRAM).with([LOCK, RECORDS, SQLITE]);
    assert_eq!(project.run(&["run", "change", "2"]).stdout, "v2 n=2\n");
    assert_eq!(project.run(&["run", "change", "1"]).stdout, "v3 n=3\n");
    let history = project.run(&["registry", "history"]);
    assert!(history.stdout.contains("v3 (head)  v2"), "{history:?}");
    let back = project.run(&["registry", "rollback", "v1"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(project.run(&["run", "change", "1"]).stdout, "v4 n=2\n");
    let unknown = project.run(&["registry", "rollback", "77"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("version not found in history: v77; the newest is v4"), "{unknown:?}");
}

#[test]
fn a_killed_program_leaves_a_consistent_history() {
    let project = Project::new(PROGRAM).with([LOCK, RECORDS, SQLITE]);
    for round in 0..10 {
        let running = project.start(&["run", "change", "100000"]);
        // Long enough to be anywhere in its work.
        std::thread::sleep(Duration::from_millis(100 + 17 * round));
        running.signal("KILL");
        running.wait();
    }
    let outcome = project.run(&["run", "change", "1"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let (version, n) = outcome.stdout.trim().split_once(" n=").expect("version and count");
    assert_eq!(version.trim_start_matches('v'), n, "every version added one");
}
