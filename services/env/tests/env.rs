//! Environment entries from files to programs that use them.

mod world;

use std::sync::Arc;

use wippy_runtime::payload::Value;
use wippy_runtime::registry::{ChangeSet, Entry, EntryId};
use wippy_runtime::security::{Ask, Policies};
use world::World;

const HEAD: &str = "version: \"1.0\"\nnamespace: app\nentries:\n";

/// Entries in short form: `NAME KIND {fields}` a line.
fn index(entries: &str) -> String {
    let mut text = HEAD.to_owned();
    for line in entries.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let mut parts = line.splitn(3, ' ');
        let (name, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let fields = parts.next().unwrap_or("{}");
        let fields = fields.strip_prefix('{').and_then(|f| f.strip_suffix('}')).expect("fields in braces");
        let comma = if fields.is_empty() { "" } else { ", " };
        text += &format!("  - {{name: {name}, kind: {kind}{comma}{fields}}}\n");
    }
    text
}

fn program(source: &str) -> String {
    let indented: String = source.lines().map(|l| format!("      {l}\n")).collect();
    format!("  - name: main\n    kind: process.lua\n    method: main\n    modules: [env]\n    source: |\n{indented}")
}

#[test]
fn wrong_entries_are_refused_with_their_place() {
    let cases = [
        ("s env.storage.static {values: {A: 1}}", "field values.A: expected string, got number"),
        ("s env.storage.static {values: [a]}", "field values: expected map, got list"),
        ("f env.storage.file {auto_create: true}", "field file_path: file path must not be empty"),
        ("f env.storage.file {file_path: x, auto_create: maybe}", "field auto_create: expected boolean, got string"),
        ("f env.storage.file {file_path: x, file_mode: -1}", "field file_mode: must be between 0 and 4095, got -1"),
        ("r env.storage.router {storages: []}", "field storages: router storage must have at least one storage"),
        (
            "r env.storage.router {storages: [\"app:none\"]}",
            "field storages: environment storage backend not found: app:none",
        ),
        ("v env.variable {variable: \"A-B\", storage: \"app:s\"}", "field variable: invalid environment variable name"),
        ("v env.variable {variable: A}", "field storage: invalid storage ID format, must have both namespace and name"),
        ("v env.variable {storage: s}", "field storage: invalid storage ID format, must have both namespace and name"),
        ("v env.variable {storage: \"app:s\", default: 5}", "field default: expected string, got number"),
        ("v env.variable {storage: \"app:s\", readonly: 1}", "field readonly: expected boolean, got number"),
        ("r env.storage.router", "router storage must have at least one storage"),
    ];
    for (entry, want) in cases {
        let world = World::seeded(1);
        world.write("_index.yaml", &index(entry));
        let error = world.install().unwrap_err();
        assert!(error.contains(want) && error.contains("_index.yaml:4"), "{entry}: {error}");
    }
}

const TOUR: &str = r#"
local env = require("env")
local out = {}
local while_loading = env.get("COLOR")
local function show(value, err)
    out[#out + 1] = value ~= nil and tostring(value) or err:kind() .. ": " .. err:message()
end
return { main = function()
    show(env.get("REGION"))
    show(env.get("COLOR"))
    show(env.set("COLOR", "blue"))
    show(env.get("COLOR"))
    show(env.set("COLOR", ""))
    show(env.get("app:color"))
    show(env.set("GREETING", 42))
    show(env.get("greeting"))
    show(env.set("LIMIT", "99"))
    show(env.set("FIXED", "no"))
    show(env.set("SHELL_SETTING", "no"))
    show(env.get("PATH"))
    show(env.get("secret"))
    show(env.get(""))
    show(env.set("", "x"))
    show(env.set("none", "x"))
    show(env.get("UNSET"))
    show(select(2, pcall(env.get)))
    show(select(2, pcall(env.set, "COLOR", {})))
    local all, err = env.get_all()
    show(err == nil and all.REGION .. " " .. all.GREETING .. " " .. tostring(all.LIMIT))
    show(all.PATH ~= nil)
    show(while_loading)
    return table.concat(out, "\n")
end }
"#;

const TOUR_ENTRIES: &str = r#"
session env.storage.memory
defaults env.storage.static {values: {REGION: north, GREETING: hello, FIXED: f}}
system env.storage.os
layered env.storage.router {storages: ["app:session", "app:defaults"]}
region env.variable {variable: REGION, storage: "app:layered"}
greeting env.variable {variable: GREETING, storage: "app:layered"}
fixed env.variable {variable: FIXED, storage: "app:defaults"}
color env.variable {variable: COLOR, storage: "app:session", default: green}
limit env.variable {variable: LIMIT, storage: "app:session", default: "10", readonly: true}
shell_setting env.variable {variable: SHELL_SETTING, storage: "app:system", default: none}
secret env.variable {storage: "app:session", default: s3cret}
unset env.variable {variable: UNSET, storage: "app:session"}
"#;

const TOUR_RESULT: &str = "north\ngreen\ntrue\nblue\ntrue\ngreen\ntrue\n42\n\
    PermissionDenied: environment variable is read-only\n\
    PermissionDenied: storage is read-only\nPermissionDenied: storage is read-only\n\
    NotFound: environment variable not found\ns3cret\nInvalid: empty key\nInvalid: empty key\n\
    NotFound: environment variable not found\nNotFound: environment variable not found\n\
    bad argument #1 to get (string expected, got no value)\nbad argument #2 to set (string expected, got table)\n\
    north 42 nil\ntrue\ngreen";

#[test]
fn programs_read_and_write_variables() {
    for world in (0..3).map(World::seeded).chain([World::threads()]) {
        world.write("_index.yaml", &(index(TOUR_ENTRIES) + &program(TOUR)));
        world.install().unwrap();
        assert_eq!(world.shown("app:main"), TOUR_RESULT);
    }
}

#[test]
fn programs_read_and_write_files_off_the_workers() {
    let world = World::threads();
    let file = world.dir.path().join("settings.env");
    std::fs::write(&file, "# settings\nHOST=a # where\n").unwrap();
    let entries = format!(
        "f env.storage.file {{file_path: \"{0}\"}}\nnew env.storage.file {{file_path: \"{0}.new\", auto_create: true}}\n\
         missing env.storage.file {{file_path: \"{0}.none\"}}\n\
         r env.storage.router {{storages: [\"app:f\", \"app:new\"]}}\n\
         host env.variable {{variable: HOST, storage: \"app:f\"}}\nport env.variable {{variable: PORT, storage: \"app:f\"}}\n\
         other env.variable {{variable: OTHER, storage: \"app:new\"}}\n\
         gone env.variable {{variable: GONE, storage: \"app:missing\", default: d}}\n\
         both env.variable {{variable: BOTH, storage: \"app:r\"}}\n",
        file.display()
    );
    let source = r#"
local env = require("env")
return { main = function()
    local out = { env.get("HOST"), env.get("GONE") }
    assert(env.set("HOST", "b"))
    assert(env.set("PORT", "80"))
    assert(env.set("OTHER", "x"))
    assert(env.set("BOTH", "y"))
    local ok, err = env.set("GONE", "z")
    out[#out + 1] = "[" .. err:kind() .. "] " .. err:message():match("no such file or directory")
    ok, err = env.set("HOST", "a#b")
    out[#out + 1] = err:kind()
    local all = env.get_all()
    out[#out + 1] = all.HOST .. all.PORT .. all.OTHER .. all.BOTH
    return table.concat(out, " ")
end }
"#;
    world.write("_index.yaml", &(index(&entries) + &program(source)));
    world.install().unwrap();
    assert_eq!(world.shown("app:main"), "a d [] no such file or directory Invalid b80xy");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# settings\nHOST=b # where\nPORT=80\nBOTH=y\n");
    // What people write is seen at once.
    std::fs::write(&file, "HOST=edited").unwrap();
    assert_eq!(world.app.node.environment().get("HOST", "").unwrap(), "edited");
}

/// Denies what begins with `SECRET`.
struct NoSecrets;

impl Policies for NoSecrets {
    fn allows(&self, ask: &Ask<'_>) -> bool {
        !(ask.action.starts_with("env.") && ask.resource.starts_with("SECRET"))
    }
}

#[test]
fn every_variable_is_asked_for() {
    let world = World::seeded(1);
    world.app.node.set_policies(Arc::new(NoSecrets));
    let source = r#"
local env = require("env")
return { main = function()
    local _, get = env.get("SECRET_KEY")
    local _, set = env.set("SECRET_KEY", "x")
    local all, names = env.get_all(), {}
    for name in pairs(all) do names[#names + 1] = name end
    return get:kind() .. ": " .. get:message() .. "\n" .. set:kind() .. ": " .. set:message() .. "\n" .. table.concat(names)
end }
"#;
    let entries = "s env.storage.static {values: {SECRET_KEY: k, OPEN: o}}\n\
                   k env.variable {variable: SECRET_KEY, storage: \"app:s\"}\n";
    world.write("_index.yaml", &(index(entries) + &program(source)));
    world.install().unwrap();
    let denied = "PermissionDenied: not allowed to access environment variable: SECRET_KEY\n\
                  PermissionDenied: not allowed to set environment variable: SECRET_KEY\nOPEN";
    assert_eq!(world.shown("app:main"), denied);
}

fn entry(id: &str, kind: &str, fields: &[(&str, Value)]) -> Entry {
    let data = fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    Entry { id: EntryId::parse(id), kind: kind.into(), meta: Default::default(), data: Value::Map(data), origin: None }
}

fn variable(id: &str, name: &str, storage: &str) -> Entry {
    entry(id, "env.variable", &[("variable", name.into()), ("storage", storage.into())])
}

fn fixed(id: &str, name: &str, value: &str) -> Entry {
    let values = Value::Map([(name.to_owned(), Value::from(value))].into_iter().collect());
    entry(id, "env.storage.static", &[("values", values)])
}

#[test]
fn entries_change_while_programs_run() {
    let world = World::seeded(1);
    let (registry, env) = (&world.app.registry, world.app.node.environment());
    let get = |name: &str| env.get(name, "app").unwrap_or_else(|e| e.to_string());
    let memory = || entry("app:m", "env.storage.memory", &[]);
    let start =
        ChangeSet::new().create(memory()).create(variable("app:a", "A", "app:m")).create(fixed("app:s", "A", "s"));
    registry.apply(start).unwrap();
    env.set("A", "", "kept").unwrap();

    // A second claim to a name waits; the name moves on in one change with a new entry for it.
    registry.apply(ChangeSet::new().create(variable("app:b", "A", "app:s"))).unwrap();
    assert_eq!(get("A"), "kept");
    assert_eq!(get("app:b"), "environment variable not found");
    registry.apply(ChangeSet::new().delete(EntryId::parse("app:a"))).unwrap();
    assert_eq!(get("A"), "s");
    registry.apply(ChangeSet::new().create(variable("app:0", "A", "app:m")).delete(EntryId::parse("app:b"))).unwrap();
    assert_eq!(get("A"), "kept");

    // A change that fails loses nothing, and leaves nothing.
    let bad = entry("app:z", "env.variable", &[("variable", "no-name".into()), ("storage", "app:m".into())]);
    let failing = ChangeSet::new()
        .delete(EntryId::parse("app:0"))
        .delete(EntryId::parse("app:m"))
        .update(fixed("app:s", "A", "changed"))
        .create(variable("app:y", "Y", "app:s"))
        .create(bad);
    registry.apply(failing).unwrap_err();
    assert_eq!(get("A"), "kept");
    assert_eq!(get("Y"), "environment variable not found");
    registry.apply(ChangeSet::new().update(variable("app:0", "A", "app:s"))).unwrap();
    assert_eq!(get("A"), "s");

    // An updated memory keeps its values, one that goes takes them along.
    registry.apply(ChangeSet::new().update(memory()).update(variable("app:0", "A", "app:m"))).unwrap();
    assert_eq!(get("A"), "kept");
    registry.apply(ChangeSet::new().delete(EntryId::parse("app:m"))).unwrap();
    assert_eq!(get("A"), "environment storage backend not found");
    registry.apply(ChangeSet::new().create(memory())).unwrap();
    assert_eq!(get("A"), "environment variable not found");
}

#[test]
fn entries_use_variables_of_the_same_boot() {
    let world = World::seeded(1);
    let entries = "dir env.storage.static {values: {DIR: /data, MODE: \"416\"}}\n\
                   d env.variable {variable: DIR, storage: \"app:dir\"}\nm env.variable {variable: MODE, storage: \"app:dir\"}\n\
                   file env.storage.file {file_path: \"${env:DIR}/x.env\", file_mode: \"${env:MODE|420}\"}\n\
                   copy env.storage.static {values: {COPY: \"${env:app:d}|${NONE|n}|$${env:DIR}\"}}\n\
                   c env.variable {variable: COPY, storage: \"app:copy\"}\n";
    world.write("_index.yaml", &index(entries));
    world.install().unwrap();
    assert_eq!(world.app.node.environment().get("COPY", "").unwrap(), "/data|n|${env:DIR}");
    world.write("_index.yaml", &index(&format!("{entries}bad env.storage.file {{file_path: \"${{env:NOPE}}/x\"}}\n")));
    let error = world.install().unwrap_err();
    assert!(error.contains("entry app:bad: field file_path: environment variable not found: NOPE"), "{error}");
}
