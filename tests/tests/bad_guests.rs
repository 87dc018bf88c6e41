//! Code in WebAssembly that is damaged, does not fit its entry or fails: refused at the start with the entry's name, or
//! an error of the call that says what, where and why.

use wippy_tests::{Outcome, Project, assemble, sha256};

const ENTRIES: &str = r#"version: "1.0"
namespace: app
entries:
  - { name: terminal, kind: terminal.host, hide_logs: true, lifecycle: { auto_start: true } }
  - { name: guests, kind: fs.directory, directory: guests }
  - { name: main, kind: process.lua, source: file://main.lua, modules: [io, funcs], meta: { command: { name: main } } }
"#;

/// Bytes that the code of an entry may have.
const LARGEST: u64 = 64 << 20;

/// A project with the entries `(name, code, further fields)` of functions in files.
fn project<'a>(entries: impl IntoIterator<Item = (&'a str, Vec<u8>, &'a str)>, main: &str) -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_wippy-under-test"));
    let mut yaml = ENTRIES.to_owned();
    for (name, code, fields) in entries {
        project.write_bytes(&format!("guests/{name}.wasm"), &code);
        // One that names a hash of its own has it twice otherwise.
        let hash = if fields.contains("hash:") { String::new() } else { format!(", hash: \"{}\"", sha256(&code)) };
        yaml += &format!(
            "  - {{ name: {name}, kind: function.wasm, fs: app:guests, path: /{name}.wasm{hash}, {fields} }}\n"
        );
    }
    project.with([
        ("src/_index.yaml", yaml.as_str()),
        ("src/main.lua", main),
        ("wippy.lock", "directories: { src: ./src }\n"),
    ])
}

fn run(project: &Project) -> Outcome {
    project.run(&["run", "main"])
}

fn wat(text: &str) -> Vec<u8> {
    assemble(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Has an export `f` that gives a number.
const PLAIN: &str = r#"(component
  (core module $m (func (export "f") (result i32) i32.const 7))
  (core instance $i (instantiate $m))
  (func (export "f") (result s32) (canon lift (core func $i "f"))))"#;

#[test]
fn code_that_cannot_run_is_refused_at_the_start() {
    let plain = wat(PLAIN);
    let part = |of: usize| plain[..of].to_vec();
    let changed = |at: usize| {
        let mut code = plain.clone();
        code[at] ^= 0x55;
        code
    };
    let newer = |interface: &str| {
        wat(&format!(
            r#"(component (import "wippy:process/{interface}" (instance (export "levitate" (func))))
                (core module $m (func (export "f"))) (core instance $i (instantiate $m))
                (func (export "f") (canon lift (core func $i "f"))))"#
        ))
    };
    let table: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("empty", vec![], "method: f", "magic number not found"),
        ("text", b"this is no code".to_vec(), "method: f", "magic number not found"),
        ("cut_magic", part(3), "method: f", "magic number not found"),
        ("cut_version", part(6), "method: f", "the file ends after the magic number"),
        ("cut_half", part(plain.len() / 2), "method: f", "unexpected end"),
        ("cut_end", part(plain.len() - 1), "method: f", "unexpected end"),
        ("version", changed(4), "method: f", "unknown binary version"),
        ("wrong_hash", wat(PLAIN), "method: f, hash: \"sha256:00\"", "hash mismatch: expected 00, got"),
        ("no_hash", wat(PLAIN), "method: f, hash: \"0123\"", "invalid hash format: 0123"),
        ("invalid", wat(r#"(module (func (export "f") (result i32) i64.const 1))"#), "method: f", "type mismatch"),
        ("unknown_import", wat(PLAIN), "method: f, imports: [acme:thing]", "unsupported wasm host import: acme:thing"),
        (
            "missing_import",
            wat(r#"(module (import "env" "a" (func)) (import "env" "b" (memory 1)) (func (export "f")))"#),
            "method: f, strict_imports: true",
            "imports that nothing offers: env.a, env.b",
        ),
        (
            "not_granted",
            wat(
                r#"(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64))))))"#,
            ),
            "method: f, strict_imports: true",
            "imports that nothing offers: wasi:random/random@0.2.0",
        ),
        ("newer_function", newer("mailbox@0.1.0"), "method: f", "levitate"),
        (
            "newer_package",
            newer("mailbox@9.0.0"),
            "method: f, strict_imports: true",
            "the guest is built against wippy:process 9.0.0, and this runtime has 0.1.0: ",
        ),
        ("newer_addition", newer("mailbox@0.1.7"), "method: f", "built against wippy:process 0.1.7, and this runtime"),
        ("too_large", vec![], "method: f", "larger than 67108864 bytes"),
    ];
    let project =
        project(table.iter().map(|(name, code, fields, _)| (*name, code.clone(), *fields)), "return function() end");
    // Takes no room on disk.
    let file = std::fs::File::create(project.dir().join("guests/too_large.wasm")).expect("a file");
    file.set_len(LARGEST + 1).expect("a large file");
    let outcome = run(&project);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    for (name, _, _, says) in table {
        let id = format!("app:{name}");
        let told = outcome.stderr.lines().any(|line| line.contains(&id) && line.contains(says));
        assert!(told, "{name}: no line with `{id}` and `{says}` in\n{}", outcome.stderr);
    }
}

/// A call of `method` in a module, and what its error says, in this order.
struct Call {
    name: &'static str,
    code: &'static str,
    fields: &'static str,
    /// In Lua.
    arguments: &'static str,
    says: &'static [&'static str],
}

const fn call(
    name: &'static str,
    code: &'static str,
    fields: &'static str,
    arguments: &'static str,
    says: &'static [&'static str],
) -> Call {
    Call { name, code, fields, arguments, says }
}

/// Traps in a function that another one calls.
const TRAPS: &str = r#"(module (memory (export "memory") 1) (table 2 funcref) (elem (i32.const 0) $other)
  (type $none (func)) (type $one (func (param i32)))
  (func $other (param i32))
  (func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))
  (func $inner (param $which i32)
    (block $stack (block $null (block $type (block $table (block $memory (block $nan (block $over (block $zero (block $code
      (br_table $code $zero $over $nan $memory $table $type $null $stack (local.get $which)))
      unreachable)
      (drop (i32.div_s (i32.const 1) (i32.const 0))) return)
      (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))) return)
      (drop (i32.trunc_f64_s (f64.const nan))) return)
      (drop (i32.load (i32.const 65533))) return)
      (call_indirect (type $none) (i32.const 2)) return)
      (call_indirect (type $none) (i32.const 0)) return)
      (call_indirect (type $one) (i32.const 0) (i32.const 1)) return)
      (drop (call $deep (i64.const 1))))
  (func $outer (export "f") (param i32) (call $inner (local.get 0))))"#;
const WHICH: &str = "method: f, wit: \"f: func(which: s32)\"";

/// Gives what its type cannot be.
const RESULTS: &str = r#"(component
  (core module $m (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export "f") (param i32) (result i32) (local.get 0))
    (func (export "text") (result i32)
      (i32.store (i32.const 16) (i32.const 65530)) (i32.store (i32.const 20) (i32.const 100)) (i32.const 16))
    (func (export "points") (param i32 i32) (result i32) (local.get 1)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (type $point-def (record (field "x" s32) (field "y" u8)))
  (export $point "point" (type $point-def))
  (type $shade-def (enum "red" "green"))
  (export $shade "shade" (type $shade-def))
  (func $as-shade (param "n" s32) (result $shade) (canon lift (core func $i "f")))
  (export "as-shade" (func $as-shade))
  (func $as-char (param "n" s32) (result char) (canon lift (core func $i "f")))
  (export "as-char" (func $as-char))
  (func $as-text (result string) (canon lift (core func $i "text") (memory $memory)))
  (export "as-text" (func $as-text))
  (func $points (param "points" (list $point)) (result s32)
    (canon lift (core func $i "points") (memory $memory) (realloc $realloc)))
  (export "points" (func $points)))"#;

const CALLS: &[Call] = &[
    call("no_export", PLAIN, "method: g", "", &["export \"g\" not found"]),
    call("bad_wit", TRAPS, "method: f, wit: \"f: func(which:\"", "1", &["f: ", "no functions found in WIT text"]),
    call(
        "other_wit",
        TRAPS,
        "method: f, wit: \"f: func(which: f64)\"",
        "1",
        &["does not match function f", "(param i32)"],
    ),
    call("too_few", TRAPS, WHICH, "", &["parameter count mismatch: expected 1, got 0"]),
    call("too_many", TRAPS, WHICH, "1, 2", &["parameter count mismatch: expected 1, got 2"]),
    call("wrong_type", TRAPS, WHICH, "{}", &["param[0]", "type_mismatch"]),
    call(
        "wrong_part",
        RESULTS,
        "method: points",
        "{{x = 1, y = 2}, {x = 1, y = 'no'}}",
        &["param[0][1].y", "type_mismatch"],
    ),
    call("part_too_large", RESULTS, "method: points", "{{x = 1, y = 256}}", &["param[0][0].y", "overflow", "256"]),
    call("part_missing", RESULTS, "method: points", "{{x = 1}}", &["param[0][0]", "required field \"y\" not found"]),
    call("no_such_case", RESULTS, "method: as-shade", "2", &["discriminant", "app:no_such_case"]),
    call("no_such_char", RESULTS, "method: as-char", "0xd800", &["char", "app:no_such_char"]),
    call("text_outside", RESULTS, "method: as-text", "", &["out of bounds", "app:text_outside"]),
    call("unreachable", TRAPS, WHICH, "0", &["f: ", "unreachable", "app:unreachable", "inner", "outer"]),
    call("by_zero", TRAPS, WHICH, "1", &["f: ", "integer divide by zero", "app:by_zero", "inner", "outer"]),
    call("too_large", TRAPS, WHICH, "2", &["f: ", "integer overflow", "app:too_large", "inner", "outer"]),
    call("no_number", TRAPS, WHICH, "3", &["f: ", "invalid conversion to integer", "app:no_number", "inner", "outer"]),
    call("memory", TRAPS, WHICH, "4", &["f: ", "out of bounds memory access", "app:memory", "inner", "outer"]),
    call("table", TRAPS, WHICH, "5", &["f: ", "invalid table access", "app:table", "inner", "outer"]),
    call("signature", TRAPS, WHICH, "6", &["f: ", "indirect call type mismatch", "app:signature", "inner", "outer"]),
    call("no_function", TRAPS, WHICH, "7", &["f: ", "invalid table access", "app:no_function", "inner", "outer"]),
    call("stack", TRAPS, WHICH, "8", &["f: ", "stack overflow", "app:stack", "deep"]),
    call(
        "grows",
        r#"(module (memory 1) (func $more (export "f") (loop $l (drop (memory.grow (i32.const 4))) (br $l))))"#,
        "method: f, wit: \"f: func()\", limits: { memory: 1MiB }",
        "",
        &["LimitExceeded", "f: ", "not enough memory", "1048576 allowed", "app:grows", "more"],
    ),
    call(
        "starts_forever",
        r#"(module (func $start (loop $l (br $l))) (start $start) (func (export "f")))"#,
        "method: f, wit: \"f: func()\", limits: { max_execution_ms: 50 }",
        "",
        &["deadline exceeded"],
    ),
    call(
        "starts_badly",
        r#"(module (func $begin unreachable) (start $begin) (func (export "f")))"#,
        "method: f, wit: \"f: func()\"",
        "",
        &["failed to instantiate", "unreachable", "app:starts_badly", "begin"],
    ),
    call(
        "import_missing",
        r#"(module (import "env" "log" (func)) (func (export "f")))"#,
        "method: f, wit: \"f: func()\"",
        "",
        &["unknown import: `env::log`", "app:import_missing"],
    ),
];

#[test]
fn a_call_that_fails_says_what_where_and_why() {
    let mut main = String::from(
        "local io, funcs = require('io'), require('funcs')\nlocal function show(name, ...)\n\
         local value, err = funcs.call('app:' .. name, ...)\n\
         io.print(name .. ' ' .. (err and err:kind() .. ': ' .. tostring(err):gsub('\\n', ' / ') or 'gave ' .. tostring(value)))\n\
         end\nreturn function()\n",
    );
    for call in CALLS {
        let comma = if call.arguments.is_empty() { "" } else { ", " };
        main += &format!("show('{}'{comma}{})\n", call.name, call.arguments);
    }
    main += "end\n";
    let outcome = run(&project(CALLS.iter().map(|call| (call.name, wat(call.code), call.fields)), &main));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), CALLS.len(), "{outcome:?}");
    for (call, line) in CALLS.iter().zip(lines) {
        let mut rest = line.strip_prefix(call.name).unwrap_or_else(|| panic!("{}: {line}", call.name));
        for part in call.says {
            let at = rest.find(part).unwrap_or_else(|| panic!("{}: no `{part}` in its place in: {line}", call.name));
            rest = &rest[at + part.len()..];
        }
    }
}
