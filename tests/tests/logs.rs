//! Log lines and the output of commands on one terminal.

use wippy_tests::Project;

const PROGRAM: &str = env!("CARGO_BIN_EXE_wippy-under-test");
const LOCK: (&str, &str) = ("wippy.lock", "directories:\n  modules: .wippy\n  src: ./src\n");

#[test]
fn a_terminal_host_hides_log_lines_while_a_command_runs_if_asked() {
    for (hide, shown) in [("false", true), ("true", false)] {
        let index = r#"
version: "1.0"
namespace: app
entries:
  - name: terminal
    kind: terminal.host
    hide_logs: HIDE
    lifecycle: { auto_start: true }
  - name: talk
    kind: process.lua
    meta: { command: { name: talk } }
    source: return function() print("a line of the log") return "the result" end
"#;
        let project = Project::new(PROGRAM).with([LOCK, ("src/_index.yaml", &index.replace("HIDE", hide))]);
        let outcome = project.run(&["run", "-v", "talk"]);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert_eq!(outcome.stderr.contains("a line of the log"), shown, "hide_logs: {hide}: {outcome:?}");
        assert!(outcome.stdout.contains("the result"), "{outcome:?}");
    }
}
