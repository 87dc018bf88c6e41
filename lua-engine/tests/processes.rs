//! Lua applications on a real node. The cases are in `tests/processes/*.lua`;
//! each runs under several seeds and on the real scheduler.

#[path = "app/mod.rs"]
mod app;

use app::{App, cases, shown};
use wippy_runtime::payload::Value;
use wippy_runtime::process::Limits;
use wippy_runtime::registry::{Entry, EntryId};
use wippy_runtime::security::{Ask, Policies};

fn run_file(path: &std::path::Path, failures: &mut Vec<String>) {
    let text = std::fs::read_to_string(path).expect("a readable case file");
    for case in cases(&text) {
        for seed in 0..6u64 {
            let app = if seed == 5 { App::pool(Limits::default()) } else { App::seeded(seed) };
            for (id, modules, source) in &case.entries {
                let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
                app.define(id, source, &modules);
            }
            let got = shown(&app.run(&case.entries[0].0, &[]));
            if got.trim_end() != case.expect.trim_end() {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                failures.push(format!(
                    "{name}: {} (seed {seed})\n  expected: {}\n  got:      {got}",
                    case.name,
                    case.expect.trim_end()
                ));
                break;
            }
        }
    }
}

#[test]
fn cases_give_what_they_expect() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes");
    let mut failures = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("cases").map(|f| f.expect("a file").path()).collect();
    files.sort();
    for file in files {
        run_file(&file, &mut failures);
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn only_a_scope_can_be_opened_as_one() {
    let app = App::seeded(1);
    let (id, kind) = (EntryId::parse("app:other"), "registry.entry".to_owned());
    let other = Entry { id, kind, meta: Default::default(), data: Value::Nil, origin: None };
    app.runtime.install(vec![other]).expect("an entry that is only stored");
    let main = r#"return function() local _, err = require("pg").open("app:other") return err:kind() .. " " .. tostring(err) end"#;
    app.define("app:main", main, &["pg"]);
    assert_eq!(shown(&app.run("app:main", &[])), "Invalid resource is not a pg scope: app:other");
}

/// Denies the action in the context value `deny`.
struct Denies;

impl Policies for Denies {
    fn allows(&self, ask: &Ask<'_>) -> bool {
        let shown = format!("{} {}", ask.action, ask.resource);
        ask.on_behalf.values.get("deny").and_then(Value::as_str) != Some(&shown)
    }
}

#[test]
fn groups_ask_the_gate() {
    let app = App::seeded(1);
    app.node.set_policies(std::sync::Arc::new(Denies));
    let main = r#"return function()
        local cases = {
            "pg.open app:groups", "pg.join b", "pg.leave b", "pg.get_members b", "pg.get_local_members b",
            "pg.which_groups ", "pg.which_local_groups ", "pg.broadcast b", "pg.broadcast_local b", "pg.monitor b",
            "pg.events ",
        }
        local out = {}
        for i, case in ipairs(cases) do
            local spawner = process.with_context({ deny = case })
            local text, err = spawner:exec("app:user", "app:host", case)
            out[i] = text or tostring(err)
        end
        return table.concat(out, "\n")
    end"#;
    let user = r##"return function(case)
        local g, err = require("pg").open("app:groups")
        local method = case:match("pg.([%w_]+)")
        if g then
            g:join("a")
            local list = method == "join" or method == "leave"
            local function last(...) return (select(select("#", ...), ...)) end
            err = last(g[method](g, list and { "a", "b" } or "b", "topic"))
            if #g:get_local_members("a") ~= 1 and method ~= "get_local_members" then return "acted before it asked" end
        end
        return err:kind() .. ": " .. err:message()
    end"##;
    app.define("app:main", main, &[]);
    app.define("app:user", user, &["pg"]);
    let denials = [
        "access pg scope: app:groups",
        "join group: b",
        "leave group: b",
        "get members of group: b",
        "get local members of group: b",
        "list groups",
        "list local groups",
        "broadcast to group: b",
        "broadcast locally to group: b",
        "monitor group: b",
        "subscribe to pg events",
    ];
    let expected = denials.map(|d| format!("PermissionDenied: not allowed to {d}")).join("\n");
    assert_eq!(shown(&app.run("app:main", &[])), expected);
}
