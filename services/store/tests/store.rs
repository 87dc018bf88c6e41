//! Store entries and programs that use them. What programs see is in
//! `tests/cases/*.lua`: a program and what it returns; each case runs under
//! several seeds on virtual time, and on threads.

mod world;

use std::path::Path;
use std::sync::Arc;

use wippy_lua::native::Object;
use wippy_lua_types::builtin;
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::payload::Value;
use wippy_runtime::process::Limits;
use wippy_runtime::registry::{ChangeSet, EntryId};
use wippy_runtime::security::{Ask, Policies};
use world::{Parts, World, entry, program};

#[derive(Default)]
struct Case {
    name: String,
    /// Fields of the store `app:cache`.
    fields: String,
    source: String,
    want: String,
}

/// Reads `--- case NAME`, `--- fields YAML`, `--- main` and `--- expect` sections.
fn cases(text: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut in_expect = false;
    for line in text.lines() {
        let (word, rest) = match line.strip_prefix("--- ") {
            Some(head) => head.split_once(' ').unwrap_or((head, "")),
            None => ("", line),
        };
        if word == "case" {
            all.push(Case { name: rest.to_owned(), ..Case::default() });
            continue;
        }
        let case = all.last_mut().expect("a case first");
        match word {
            "fields" => case.fields = rest.to_owned(),
            "main" | "expect" => in_expect = word == "expect",
            _ => {
                let to = if in_expect { &mut case.want } else { &mut case.source };
                to.push_str(line);
                to.push('\n');
            }
        }
    }
    all
}

fn with_store(parts: Parts, fields: &str, source: &str) -> World {
    let world = World::new(parts);
    let store = entry("app:cache", "store.memory", &format!("{{{fields}}}"));
    world.app.install(vec![store, program("app:main", source)]).expect("entries");
    world
}

#[test]
fn programs_see_what_the_cases_say() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut failures = Vec::new();
    for file in std::fs::read_dir(dir).expect("cases") {
        for case in cases(&std::fs::read_to_string(file.expect("a file").path()).expect("a readable file")) {
            for seed in [Some(1), Some(2), None] {
                let world = with_store(Parts { seed, ..Parts::default() }, &case.fields, &case.source);
                let got = world.shown("app:main");
                if got.trim_end() != case.want.trim_end() {
                    let want = case.want.trim_end();
                    failures.push(format!("{} (seed {seed:?})\n  expected: {want}\n  got:      {got}", case.name));
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn entries_that_cannot_be_used_are_refused() {
    let cases = [
        ("max_size: -1", "field max_size: max size must be non-negative"),
        ("max_size: many", "field max_size: expected integer, got string"),
        ("cleanup_interval: -1s", "field cleanup_interval: cleanup interval must be non-negative"),
        ("cleanup_interval: 5", "field cleanup_interval: expected string, got integer"),
        ("cleanup_interval: soon", "field cleanup_interval: "),
        ("lifecycle: {auto_start: 1}", "field lifecycle.auto_start: expected boolean, got integer"),
    ];
    for (fields, want) in cases {
        let world = World::new(Parts { seed: Some(1), ..Parts::default() });
        let store = entry("app:cache", "store.memory", &format!("{{{fields}}}"));
        let error = world.app.install(vec![store]).unwrap_err().to_string();
        assert!(error.contains(want), "{fields}: {error}");
    }
}

const COUNT: &str = r#"return { main = function()
    local s, err = require("store").get("app:cache")
    if not s then return tostring(err) end
    local n, err = s:get("n")
    local ok, full = s:set("n", (n or 0) + 1)
    return ok and tostring((n or 0) + 1) or tostring(full)
end }"#;

#[test]
fn values_outlive_changes_of_the_entry_and_go_with_it() {
    let world = with_store(Parts { seed: Some(1), ..Parts::default() }, "", COUNT);
    let count = || world.shown("app:main");
    assert_eq!([count(), count()], ["1", "2"]);
    let small = entry("app:cache", "store.memory", "{max_size: 1}");
    world.app.registry.apply(ChangeSet::new().update(small)).unwrap();
    assert_eq!(count(), "3");
    let id = EntryId::parse("app:cache");
    let broken = program("app:broken", "x = = 1");
    world.app.registry.apply(ChangeSet::new().delete(id.clone()).create(broken)).unwrap_err();
    assert_eq!(count(), "4");
    world.app.registry.apply(ChangeSet::new().delete(id)).unwrap();
    assert_eq!(count(), "resource not found");
    world.app.registry.apply(ChangeSet::new().create(entry("app:cache", "store.memory", "{}"))).unwrap();
    assert_eq!(count(), "1");
}

#[test]
fn a_stopped_store_is_closed_and_a_started_one_is_empty() {
    let world = with_store(Parts { seed: Some(1), ..Parts::default() }, "lifecycle: {auto_start: true}", COUNT);
    let supervisor = world.app.context.need::<wippy_runtime::supervisor::Supervisor>().unwrap();
    let id = EntryId::parse("app:cache");
    assert_eq!(world.shown("app:main"), "1");
    supervisor.stop(&id);
    assert_eq!(world.shown("app:main"), "store is closed");
    supervisor.start(&id);
    assert_eq!(world.shown("app:main"), "1");
}

/// Denies one action on keys or prefixes that begin with `secret`, or on all.
struct Denies(&'static str);

impl Policies for Denies {
    fn allows(&self, ask: &Ask<'_>) -> bool {
        let named = ask.attributes.get("key").or_else(|| ask.attributes.get("prefix")).and_then(Value::as_str);
        ask.action != self.0 || named.is_some_and(|named| !named.starts_with("secret"))
    }
}

#[test]
fn every_operation_asks_for_its_own_permission() {
    let source = r#"local store = require("store")
    local function outcome(f, ...)
        local ok, value, err = pcall(f, ...)
        if not ok then return "raised " .. tostring(value) end
        return err and tostring(value) .. " " .. err:kind() .. " " .. err:message() or "fine"
    end
    return { main = function()
        local taken, s = pcall(store.get, "app:cache")
        if not taken then return s end
        local out = {}
        local function note(...) out[#out + 1] = outcome(...) end
        note(s.info, s)
        note(s.set, s, "secret:a", 1)
        note(s.put, s, "secret:a", 1)
        note(s.put, s, "secret:a", nil)
        note(s.get, s, "secret:a")
        note(s.entry, s, "secret:a")
        note(s.has, s, "secret:a")
        note(s.list, s, { prefix = "secret" })
        note(s.list, s, { prefix = "secret", limit = -1 })
        note(s.delete, s, "secret:a")
        return table.concat(out, "\n")
    end }"#;
    let invalid_value = (4, "nil Invalid value is required");
    let invalid_limit = (9, "nil Invalid limit must be a non-negative integer");
    // Action, and the lines that it changes.
    let cases: [(&str, &[(usize, &str)]); 6] = [
        ("store.info", &[(1, "nil PermissionDenied not allowed to inspect store: app:cache")]),
        (
            "store.key.set",
            &[
                (2, "raised app:main:4: not allowed to write key: secret:a"),
                (3, "nil PermissionDenied not allowed to write key: secret:a"),
                (4, "nil PermissionDenied not allowed to write key: secret:a"),
                (5, "nil NotFound key not found"),
                (6, "nil NotFound key not found"),
            ],
        ),
        (
            "store.key.get",
            &[
                (5, "raised app:main:4: not allowed to read key: secret:a"),
                (6, "nil PermissionDenied not allowed to read key: secret:a"),
            ],
        ),
        ("store.key.has", &[(7, "raised app:main:4: not allowed to check key existence: secret:a")]),
        (
            "store.key.list",
            &[
                (8, "nil PermissionDenied not allowed to list store: app:cache"),
                (9, "nil PermissionDenied not allowed to list store: app:cache"),
            ],
        ),
        ("store.key.delete", &[(10, "raised app:main:4: not allowed to delete key: secret:a")]),
    ];
    for (action, changed) in cases {
        let world = with_store(Parts { seed: Some(1), ..Parts::default() }, "", source);
        world.app.node.set_policies(Arc::new(Denies(action)));
        let mut want = ["fine"; 10];
        for (line, text) in [invalid_value, invalid_limit].iter().chain(changed) {
            want[line - 1] = text;
        }
        // Where a raise has no position of a Lua caller.
        let shown = world.shown("app:main");
        let plain = |text: &str| text.replace("app:main:4: ", "");
        assert_eq!(plain(&shown), plain(&want.join("\n")), "{action}");
    }
    let world = with_store(Parts { seed: Some(1), ..Parts::default() }, "", source);
    world.app.node.set_policies(Arc::new(Denies("store.get")));
    assert!(world.shown("app:main").ends_with("not allowed to access store: app:cache"));
}

#[test]
fn limits_of_the_host_hold() {
    let source = r#"return { main = function()
        local store = require("store")
        local s, t = store.get("app:cache"), store.get("app:cache")
        local u, err = store.get("app:cache")
        local ok, large = s:set("k", string.rep("x", 2000))
        t:release()
        assert(store.get("app:cache"))
        return tostring(u) .. " " .. err:kind() .. " " .. tostring(ok) .. " " .. large:kind() .. " " .. large:message()
    end }"#;
    let limits = Limits { handles: 2, message: 1000, ..Limits::default() };
    let world = with_store(Parts { seed: Some(1), limits, ..Parts::default() }, "", source);
    let want = "nil LimitExceeded nil LimitExceeded a value may have 1000 bytes, this one has 2005";
    assert_eq!(world.shown("app:main"), want);
    let capabilities = CapabilitySet::new(&["*"], &["store"]);
    let world = with_store(Parts { seed: Some(1), capabilities, ..Parts::default() }, "", source);
    let shown = world.shown("app:main");
    assert!(shown.contains("capability \"store\" is denied by host app:host"), "{shown}");
}

#[test]
fn the_checker_is_told_what_is_there() {
    let mut wrong = Vec::new();
    let mut compare = |ty: &str, members: &[wippy_lua::native::Member]| {
        let mut real: Vec<&str> = members.iter().map(|m| m.name).collect();
        let mut declared = builtin::members("store", ty);
        real.sort_unstable();
        declared.sort();
        if declared != real {
            wrong.push(format!("{ty}: declared {declared:?}, there {real:?}"));
        }
    };
    compare("Store", wippy_store::StoreObject::METHODS);
    let wippy_lua::modules::ModuleValue::Table(members) = wippy_store::MODULE.value else { panic!("a table") };
    compare("store", members);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
