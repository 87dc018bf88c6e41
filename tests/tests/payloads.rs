//! Values keep their types and their bits on the way from Lua to a guest and back, and from a guest to Lua and back,
//! whatever they are. The values are chosen by chance; many are sent in one run of the program.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wippy_tests::{Project, guests};

const ENTRIES: &str = r#"version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: terminal, kind: terminal.host, hide_logs: true, lifecycle: { auto_start: true, requires: [processes] } }
  - { name: guests, kind: fs.directory, directory: guests }
  - { name: puppet, kind: process.wasm, fs: app:guests, path: /puppet.wasm, hash: file://puppet.sha256, method: run }
  - { name: mirror, kind: process.wasm, fs: app:guests, path: /mirror.wasm, hash: file://mirror.sha256, method: run }
  - { name: values, kind: library.lua, source: file://values.lua }
  - { name: main, kind: process.lua, source: file://main.lua, modules: [io], imports: { values: "app:values" },
      meta: { command: { name: main } } }
"#;

const FROM_LUA: &str = r#"
local io, values = require("io"), require("values")

local function same(a, b)
    if type(a) ~= type(b) or math.type(a) ~= math.type(b) then return false end
    if math.type(a) == "float" then return (a ~= a and b ~= b) or (a == b and 1 / a == 1 / b) end
    if type(a) == "userdata" then
        return a:message() == b:message() and a:kind() == b:kind() and a:retryable() == b:retryable()
            and same(a:details(), b:details())
    end
    if type(a) ~= "table" then return a == b end
    for k, v in pairs(a) do if not same(v, b[k]) then return false end end
    for k in pairs(b) do if a[k] == nil then return false end end
    return true
end

return function()
    local done = process.listen("done")
    local puppet = assert(process.spawn("app:puppet", "app:processes", process.pid()))
    assert(done:receive() == "started")
    for i, make in ipairs(values) do
        local value = make()
        assert(process.send(puppet, "echo", value))
        if not same((done:receive()), value) then io.print("value " .. i .. " has changed") end
    end
    io.print(#values .. " values")
end
"#;

const FROM_A_GUEST: &str = r#"
local io, seed = require("io"), require("values")
return function()
    local values, events = process.listen("value"), process.events()
    local mirror = assert(process.spawn_monitored("app:mirror", "app:processes", process.pid(), seed, 300))
    while true do
        local got = channel.select({ values:case_receive(), events:case_receive() })
        if got.channel == events then
            return io.print(tostring(got.value.result.error or got.value.result.value))
        end
        assert(process.send(mirror, "back", got.value))
    end
end
"#;

/// A value as a program in Lua writes it.
fn written() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|b| b.to_string()),
        integer(),
        float().prop_map(number),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| quoted(&bytes)),
        ".{0,40}".prop_map(|text| quoted(text.as_bytes())),
        (300_usize..70_000).prop_map(|n| format!("('x'):rep({n})")),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let key = prop_oneof![
            any::<bool>().prop_map(|b| b.to_string()),
            integer(),
            float().prop_filter("a key", |f| !f.is_nan()).prop_map(number),
            "[a-z]{0,5}".prop_map(|text| quoted(text.as_bytes())),
        ];
        let list = proptest::collection::vec(inner.clone(), 0..6);
        let pairs = proptest::collection::vec((key, inner.clone()), 0..4);
        let error = ("[a-z]{1,9}", any::<Option<bool>>(), integer()).prop_map(|(text, retryable, n)| {
            let retryable = retryable.map_or("nil".to_owned(), |r| r.to_string());
            format!(
                "errors.new({{ message = '{text}', kind = errors.CONFLICT, retryable = {retryable}, \
                 details = {{ n = {n} }} }})"
            )
        });
        prop_oneof![
            3 => (list, pairs).prop_map(|(list, pairs)| {
                let mut table = list.join(", ");
                for (key, value) in pairs {
                    let _ = write!(table, "{}[{key}] = {value}", if table.is_empty() { "" } else { ", " });
                }
                format!("{{ {table} }}")
            }),
            1 => error,
        ]
    })
}

fn integer() -> impl Strategy<Value = String> {
    const EDGES: [i64; 9] = [0, 1, -1, 127, 128, -128, -129, 1 << 53, i64::MAX];
    prop_oneof![
        any::<i64>().prop_map(|i| if i == i64::MIN { "math.mininteger".to_owned() } else { i.to_string() }),
        proptest::sample::select(&EDGES[..]).prop_map(|i| i.to_string()),
        Just("math.mininteger".to_owned()),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    const EDGES: [f64; 9] =
        [0.0, -0.0, 3.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN_POSITIVE, 5e-324, f64::MAX];
    prop_oneof![any::<f64>(), proptest::sample::select(&EDGES[..])]
}

fn number(f: f64) -> String {
    match f {
        f if f.is_nan() => "(0/0)".into(),
        f64::INFINITY => "math.huge".into(),
        f64::NEG_INFINITY => "-math.huge".into(),
        f => format!("{f:?}"),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|b| format!("\\{b:03}")).collect();
    format!("\"{escaped}\"")
}

/// What the command `main` with the text `main` and the library `values` prints.
fn printed(main: &str, values: &str) -> String {
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test")).with([
        ("src/_index.yaml", ENTRIES),
        ("src/main.lua", main),
        ("src/values.lua", values),
        ("wippy.lock", "directories: { src: ./src }\n"),
    ]);
    for name in ["puppet", "mirror"] {
        let file = |extension: &str| std::fs::read(guests().join(name).with_extension(extension)).expect("the guest");
        project.write_bytes(&format!("guests/{name}.wasm"), &file("wasm"));
        project.write_bytes(&format!("src/{name}.sha256"), &file("sha256"));
    }
    let outcome = project.run(&["run", "main"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    outcome.stdout
}

/// A run of the program for each case: few cases of many values.
fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 4, max_shrink_iters: 40, failure_persistence: None, ..Config::default() })
}

#[test]
fn values_of_lua_go_through_a_guest_unchanged() {
    let values = proptest::collection::vec(written(), 1..150);
    let checked = runner().run(&values, |values| {
        let makers: Vec<String> = values.iter().map(|value| format!("function() return {value} end")).collect();
        let out = printed(FROM_LUA, &format!("return {{\n{}\n}}", makers.join(",\n")));
        prop_assert_eq!(out, format!("{} values\n", values.len()));
        Ok(())
    });
    checked.unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn values_of_a_guest_go_through_lua_unchanged() {
    let checked = runner().run(&any::<u32>(), |seed| {
        prop_assert_eq!(printed(FROM_A_GUEST, &format!("return {seed}")), "300\n");
        Ok(())
    });
    checked.unwrap_or_else(|e| panic!("{e}"));
}
