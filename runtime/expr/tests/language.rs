//! The language as a table, and what holds for any input: it ends, within
//! bounds, without a panic.

use std::sync::Arc;

use proptest::prelude::*;
use wippy_expr::{Env, Key, Limits, MAX_DEPTH, MAX_NODES, Names, Program, Ty, Value, builtin_names};

/// The names of the table.
struct Data(Value);

impl Env for Data {
    fn get(&self, name: &str) -> Result<Option<Value>, String> {
        let Value::Map(map) = &self.0 else { return Err("no names here".into()) };
        Ok(map.get(name).cloned())
    }
    fn all(&self) -> Value {
        self.0.clone()
    }
}

fn data() -> Data {
    let source = r#"{
        n: 3, x: 2.5, s: "hello", yes: true, no: false, nothing: nil, list: [1, 2, 3], words: ["b", "a"],
        m: {a: 1, b: {c: "deep"}}, pattern: "^hel+o$", broken: "(",
        users: [{name: "Ann", age: 30, tags: ["a", "b"]}, {name: "Bob", age: 17, tags: []}]
    }"#;
    let program = Program::compile(source).expect("the names of the table");
    Data(program.run(None, &now, Limits::default()).expect("the names of the table"))
}

fn ty(value: &Value) -> Ty {
    match value {
        Value::Nil => Ty::Nil,
        Value::Bool(_) => Ty::Bool,
        Value::Int(_) => Ty::Int,
        Value::Float(_) => Ty::Float,
        Value::Str(_) => Ty::Str,
        Value::Bytes(_) => Ty::Bytes,
        Value::List(_) => Ty::List,
        Value::Map(_) => Ty::Map,
        Value::Time(_) => Ty::Time,
        Value::Duration(_) => Ty::Duration,
        Value::Zone(_) => Ty::Zone,
    }
}

/// Two days into 2024.
fn now() -> i64 {
    1_704_240_000_000_000_000
}

fn shown(value: &Value) -> String {
    let all = |items: Vec<String>| items.join(", ");
    match value {
        Value::Nil => "nil".into(),
        Value::Str(text) => format!("{text:?}"),
        Value::Bytes(bytes) => format!("bytes {bytes:?}"),
        Value::Float(f) if f.is_finite() => format!("{f:?}"),
        Value::List(list) => format!("[{}]", all(list.items().iter().map(shown).collect())),
        Value::Map(map) => {
            let pair = |(k, v): (&Key, &Value)| format!("{}: {}", shown(&k.to_value()), shown(v));
            format!("{{{}}}", all(map.entries().iter().map(pair).collect()))
        }
        other => other.to_string(),
    }
}

#[test]
fn expressions_give_what_the_table_says() {
    let data = data();
    let known = |name: &str| data.get(name).ok().flatten().map(|v| ty(&v));
    let (mut mode, mut cases, mut wrong) = ("", 0, Vec::new());
    for line in include_str!("cases.txt").lines() {
        if let Some(title) = line.strip_prefix("## ") {
            mode = title;
        }
        let Some((source, expected)) = line.rsplit_once(" => ") else { continue };
        if line.starts_with("# Expressions") {
            continue;
        }
        cases += 1;
        let (names, env): (_, Option<&dyn Env>) = match mode {
            "names of any type" => (Names::Any, Some(&data)),
            "only these names" => (Names::Only(&known), Some(&data)),
            _ => (Names::Any, None),
        };
        let result = Program::compile(source).and_then(|p| {
            p.check(&names)?;
            p.run(env, &now, Limits::default())
        });
        let real = match result {
            Ok(value) => shown(&value),
            Err(e) => format!("! {}", e.to_string().lines().next().unwrap_or_default()),
        };
        if real != expected {
            wrong.push(format!("{source} => {real}\n    expected {expected}"));
        }
    }
    assert!(cases >= 300, "only {cases} cases");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Every function appears in the table.
#[test]
fn the_table_knows_every_function() {
    let table = include_str!("cases.txt");
    let missing: Vec<&str> = builtin_names().into_iter().filter(|n| !table.contains(&format!("{n}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn errors_show_the_place() {
    let cases = [
        ("1 + 'a'", "invalid operation: + (mismatched types int and string) (1:3)\n | 1 + 'a'\n | ..^"),
        ("let x = 1;\n\tx + true", "invalid operation: + (mismatched types int and bool) (2:4)\n |  x + true\n | ...^"),
        // The place of what stands behind a wide character is not marked.
        ("'ä' + 1", "invalid operation: + (mismatched types string and int) (1:5)\n | 'ä' + 1"),
        ("1 +", "unexpected token EOF (1:4)\n | 1 +\n | ...^"),
    ];
    for (source, expected) in cases {
        let error = Program::compile(source).expect_err(source);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn what_must_be_boolean_is_known_as_far_as_can_be() {
    let known = |name: &str| (name == "action").then_some(Ty::Str);
    for (source, fits) in [("true", true), ("1", false), ("action", false), ("action == 'x'", true), ("other", true)] {
        let program = Program::compile(source).expect(source);
        assert_eq!(program.check_bool(&Names::Some(&known)).is_ok(), fits, "{source}");
    }
}

fn outcome(source: &str) -> String {
    let data = data();
    let result = Program::compile(source).and_then(|p| p.run(Some(&data), &now, Limits::default()));
    result.map_or_else(|e| e.message, |v| v.to_string())
}

#[test]
fn what_is_too_much_is_refused() {
    let depth = usize::from(MAX_DEPTH) + 1;
    let deep = "expression is nested too deeply";
    let nest = |open: &str, close: &str| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("-", ""),
        ("{a: ", "}"),
        ("len(", ")"),
        ("yes ? 1 : ", ""),
        ("2 ** ", ""),
        ("map(", ")"),
    ] {
        assert_eq!(outcome(&nest(open, close)), deep, "{open}");
    }
    assert_eq!(outcome(&format!("list{}", " | reverse()".repeat(depth))), deep);
    assert_eq!(outcome(&format!("1{}", " == 1 < 1".repeat(depth))), deep);
    // Long is not deep.
    assert_eq!(outcome(&format!("0{}", " + 1".repeat(4_000))), "4000");
    assert_eq!(outcome(&format!("yes{}", " and yes".repeat(4_000))), "true");
    let nodes = "compilation failed: expression exceeds maximum allowed nodes";
    assert_eq!(outcome(&format!("0{}", " + 1".repeat(MAX_NODES))), nodes);
    assert_eq!(outcome(&format!("m{}", ".a".repeat(MAX_NODES))), nodes);
    let large = "value is too large or nested too deeply";
    let much = "budget exceeded";
    for (source, expected) in [
        ("reduce(1..20000, [#acc], 0)", large),
        ("reduce(1..60, [#acc, #acc], [])", large),
        ("reduce(1..20000, {{a: #acc}}, 0)", large),
        ("reduce(1..60, #acc + #acc, 'ab')", much),
        ("map(1..10000, 1..10000)", much),
        ("map(1..1000, map(1..1000, #))", much),
        ("all(1..1000, any(1..1000, # > 5000) or true)", much),
        ("map(1..900, repeat('x', 1000000))", much),
        ("let s = repeat('a', 1000000); all(1..10000, s contains 'b' or true)", much),
        ("let s = repeat('a', 100000); all(1..10000, s matches '(a|b)*c' or true)", much),
        ("let l = map(1..1000, [#]); all(1..10000, l == map(l, #) or true)", much),
        ("let a = '(a*)*'; all(1..100000, 'b' matches a + 'c' or true)", much),
        ("let s = repeat('ab', 100000); all(1..1000, len(replace(s, 'a', s)) > 0)", much),
        ("let s = repeat('a', 500000); all(1..100, len(split(s, '')) > 0)", much),
    ] {
        let outcome = outcome(source);
        assert!(outcome.ends_with(expected), "{source}: {outcome}");
    }
}

/// Pieces that make expressions which often parse.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "1",
        "2.5",
        "'a'",
        "`b`",
        "nil",
        "true",
        "n",
        "s",
        "list",
        "m",
        "users",
        "missing",
        "#",
        "#index",
        "#acc",
        ".name",
        "+",
        "-",
        "*",
        "/",
        "%",
        "**",
        "..",
        "==",
        "<",
        ">=",
        "and",
        "or",
        "not",
        "in",
        "matches",
        "contains",
        "??",
        "?.",
        "?",
        ":",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        "|",
        ".",
        "let",
        "a",
        "=",
        "if",
        "else",
        "len(",
        "map(",
        "filter(",
        "reduce(",
        "sortBy(",
        "groupBy(",
        "sort(",
        "split(",
        "replace(",
        "repeat(",
        "toJSON(",
        "flatten(",
        "[0]",
        "[1:]",
        "$env",
        "::",
        "b'\\xff'",
        "\\",
        "'",
        "/*",
        "é",
        "max(",
        "get(",
        "fromPairs(",
        "0x",
        "9e9",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..40).prop_map(|w| w.join(" "))
}

fn try_out(source: &str) {
    let data = data();
    let limits = Limits { steps: 50_000, memory: 50_000 };
    let known = |name: &str| data.get(name).ok().flatten().map(|v| ty(&v));
    if let Ok(program) = Program::compile(source) {
        for names in [Names::Only(&known), Names::Some(&known)] {
            let _ = program.check_bool(&names);
        }
        let _ = program.run(Some(&data), &now, limits).map(|v| v.to_string());
        let _ = program.run(None, &now, limits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_end(source in pieces()) {
        try_out(&source);
    }
    #[test]
    fn any_text_ends(source in "\\PC{0,60}") {
        try_out(&source);
    }
    /// Two cases of the table, cut and joined anywhere.
    #[test]
    fn cut_cases_end(a in 0usize..400, b in 0usize..400, cut in 0usize..60, from in 0usize..60) {
        let lines: Vec<&str> = include_str!("cases.txt").lines().filter_map(|l| Some(l.rsplit_once(" => ")?.0)).collect();
        let (a, b) = (lines[a % lines.len()], lines[b % lines.len()]);
        let head: String = a.chars().take(cut).collect();
        let tail: String = b.chars().skip(from).collect();
        try_out(&format!("{head}{tail}"));
    }
}

/// An environment may answer whole paths.
#[test]
fn paths_are_reached_at_once() {
    struct Short;
    impl Env for Short {
        fn get(&self, _: &str) -> Result<Option<Value>, String> {
            Err("asked for a name".into())
        }
        fn all(&self) -> Value {
            Value::Nil
        }
        fn reach(&self, name: &str, keys: &[Arc<str>]) -> Option<Value> {
            (name == "a").then(|| Value::text(&keys.join("/")))
        }
    }
    let run = |source: &str| {
        let program = Program::compile(source).expect(source);
        program.run(Some(&Short), &now, Limits::default()).map_or_else(|e| e.message, |v| v.to_string())
    };
    assert_eq!(run("a.b['c']"), "b/c");
    assert_eq!(run("a.b.c[0:1]"), "b");
    assert_eq!(run("x.b"), "asked for a name");
}

#[test]
fn the_steps_of_a_run_are_counted_however_it_ends() {
    let steps = |source: &str, limits: Limits| {
        let (result, steps) = Program::compile(source).unwrap().run_counted(None, &now, limits);
        (result.is_ok(), steps)
    };
    assert_eq!(steps("1", Limits::default()), (true, 1));
    let (ok, all) = steps("len(filter(1..1000, # > 3))", Limits::default());
    assert!(ok && (2000..10_000).contains(&all), "{all}");
    assert_eq!(steps("len(filter(1..1000, # > 3))", Limits { steps: 500, ..Limits::default() }), (false, 500));
}
