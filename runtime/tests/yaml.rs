//! The types of YAML scalars, the layout of what is written, and that reading
//! never panics and gives back what was written.

use proptest::prelude::*;
use wippy_runtime::payload::{Map, Value};
use wippy_runtime::yaml::{Layout, MAX_DEPTH, Typing, encode, parse, to_string};

fn read(text: &str, typing: Typing) -> Result<Value, String> {
    let root = parse(text).map_err(|e| format!("{}:{} {}", e.pos.line, e.pos.column, e.message))?.root;
    root.map_or(Ok(Value::Nil), |r| r.into_value(typing)).map_err(|e| e.message)
}

#[test]
fn scalars_have_the_types_of_the_reference() {
    let s = |t: &str| Value::Str(t.into());
    let cases = [
        ("", Value::Nil),
        ("~", Value::Nil),
        ("null", Value::Nil),
        ("nil", s("nil")),
        ("true", Value::Bool(true)),
        ("False", Value::Bool(false)),
        ("yes", s("yes")),
        ("on", s("on")),
        ("12", Value::Int(12)),
        ("+12", Value::Int(12)),
        ("-12", Value::Int(-12)),
        ("--12", s("--12")),
        ("+-12", s("+-12")),
        ("0", Value::Int(0)),
        ("010", Value::Int(8)),
        ("0o10", Value::Int(8)),
        ("08", Value::Float(8.0)),
        ("0600", Value::Int(384)),
        ("0x1f", Value::Int(31)),
        ("-0x10", Value::Int(-16)),
        ("0b101", Value::Int(5)),
        ("0x", s("0x")),
        ("1_000", Value::Int(1000)),
        ("_1", s("_1")),
        ("9223372036854775807", Value::Int(i64::MAX)),
        ("-9223372036854775808", Value::Int(i64::MIN)),
        ("9223372036854775808", Value::Float(9_223_372_036_854_775_808.0)),
        ("1.5", Value::Float(1.5)),
        (".5", Value::Float(0.5)),
        ("5.", Value::Float(5.0)),
        ("1e3", Value::Float(1000.0)),
        ("1e", s("1e")),
        (".", s(".")),
        ("1.2.3", s("1.2.3")),
        (".inf", Value::Float(f64::INFINITY)),
        ("-.INF", Value::Float(f64::NEG_INFINITY)),
        ("infinity", s("infinity")),
        ("'12'", s("12")),
        ("\"true\"", s("true")),
        ("!!str 12", s("12")),
        ("!!float 12", Value::Float(12.0)),
        ("!!binary aGk=", s("hi")),
        ("!local 12", s("12")),
        (":8080", s(":8080")),
        ("2024-01-02", s("2024-01-02T00:00:00Z")),
        ("2024-1-2 3:4:5", s("2024-01-02T03:04:05Z")),
        ("2024-01-02T03:04:05.120Z", s("2024-01-02T03:04:05.12Z")),
        ("2024-01-02t03:04:05+05:30", s("2024-01-02T03:04:05+05:30")),
        ("2024-02-30", s("2024-02-30")),
        ("2024-13-01", s("2024-13-01")),
        ("2024-01-02T", s("2024-01-02T")),
        ("1.2.3.4:80", s("1.2.3.4:80")),
    ];
    for (text, expected) in cases {
        assert_eq!(read(&format!("v: {text}"), Typing::Exact).unwrap().get("v"), Some(&expected), "{text}");
    }
    assert_eq!(read("v: 7", Typing::Json).unwrap().get("v"), Some(&Value::Float(7.0)));
    assert_eq!(read("v: 1970-01-02", Typing::Guest).unwrap().get("v"), Some(&Value::Int(86_400)));
    assert_eq!(read("v: 2024-03-01T00:00:00+01:00", Typing::Guest).unwrap().get("v"), Some(&Value::Int(1_709_247_600)));
    assert_eq!(read("1: a\ntrue: b", Typing::Guest).unwrap().get("true"), Some(&Value::Str("b".into())));
    assert!(read("v: 9223372036854775808", Typing::Guest).is_err());
    assert!(read("v: .nan", Typing::Json).is_err());
}

#[test]
fn what_is_no_yaml_says_where() {
    let cases = [
        ("a: b: c", "1:5 mapping values are not allowed in this context; put text with `: ` in quotes"),
        ("a:\n\t- x", "2:1 a tab cannot indent; use spaces"),
        ("a: 1\nfoo\nb: 2\n", "2:1 expected `key: value`, found text without `:`"),
        ("a:\n  - x\n  y\n", "3:3 expected `key: value`, found text without `:`"),
        (": x\nfoo\n", "2:1 expected `key: value`, found text without `:`"),
        ("a: [1, 2", "1:9 while parsing a flow sequence, expected ',' or ']'"),
        ("a: 'x\n", "1:4 while scanning a quoted scalar, found unexpected end of stream"),
        ("a: 1\na: 2", "2:1 key `a` was already given on line 1"),
        ("? [a]\n: b", "1:3 a list or map cannot be a key"),
        ("a: *x", "1:4 unknown anchor: no `&name` comes before this alias"),
        ("a: @x", "1:4 unexpected character: `@'"),
        ("a: !!int x", "1:4 cannot read `x` as !!int"),
        ("a: 1\n}: x", "2:1 misplaced bracket"),
        ("<<: 1", "1:5 map merge requires map or sequence of maps as the value"),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text, Typing::Exact).unwrap_err(), expected, "{text:?}");
    }
}

#[test]
fn nesting_and_size_have_limits() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(read(&nested(MAX_DEPTH), Typing::Exact).is_ok());
    assert!(read(&nested(MAX_DEPTH + 1), Typing::Exact).unwrap_err().contains("deeper than 128 levels"));
    assert!(read(&nested(100_000), Typing::Exact).is_err());
    assert!(read(&"- ".repeat(100_000), Typing::Exact).is_err());
    let deep_alias = format!("a: &a {}\nb: {}*a{}", nested(100), "[".repeat(60), "]".repeat(60));
    assert!(read(&deep_alias, Typing::Exact).unwrap_err().contains("deeper"));
    let long = "x".repeat(1 << 20);
    let doubling: String = (0..200).map(|_| "- *a\n").collect();
    assert!(read(&format!("- &a {long}\n{doubling}"), Typing::Exact).unwrap_err().contains("aliases expand"));
    assert!(read(&"a".repeat((100 << 20) + 1), Typing::Exact).unwrap_err().contains("100 MiB"));
}

#[test]
fn encode_lays_out_like_the_reference() {
    let value = read(
        "name: x\nlist: [1, {b: 2, a: [3]}, [4, 5], []]\nk10: {}\nk9: 'true'\nk1: 'yes'\nempty: ''\ntext: \"a\\nb\\n\"\nlast: \"a\\nb\"\n\
         colon: 'a: b'\nhash: 'a #b'\nnum: '12'\nf: 2.0\ng: 2.5\nnull_: ~\nspace: ' x'\nbell: \"\\a\"\nnl: \"\\n x\"\ndash: '- x'\n",
        Typing::Exact,
    )
    .unwrap();
    let expected = r#"bell: "\a"
colon: 'a: b'
dash: '- x'
empty: ""
f: 2
g: 2.5
hash: 'a #b'
k1: "yes"
k9: "true"
k10: {}
last: |-
    a
    b
list:
    - 1
    - a:
        - 3
      b: 2
    - - 4
      - 5
    - []
name: x
nl: |4-

     x
null_: null
num: "12"
space: ' x'
text: |
    a
    b
"#;
    assert_eq!(encode(&value, None), expected);
    let layout = Layout { field_order: vec!["name".into(), "b".into()], sort_unordered: true };
    let short = read("list: [{a: 1, b: 2}]\nname: x\na: {c: {d: 1}}", Typing::Exact).unwrap();
    let expected = "name: x\na:\n  c:\n    d: 1\nlist:\n  - b: 2\n    a: 1\n";
    assert_eq!(encode(&short, Some(&layout)), expected);
    assert_eq!(encode(&Value::Map(Map::new()), None), "{}\n");
    assert_eq!(encode(&Value::List(vec![Value::Int(1)]), None), "- 1\n");
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,12}",
        "[ -~\n\t]{0,20}",
        any::<String>(),
        Just("~".to_owned()),
        Just("1:2".to_owned()),
        Just("<<".to_owned()),
        Just("- a".to_owned()),
        Just(" \n x".to_owned())
    ];
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e6..1e6f64).prop_map(|f| Value::Float(f + 0.25)),
        text.clone().prop_map(Value::Str),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::vec((text.clone(), inner), 0..5).prop_map(|m| Value::Map(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn text_made_of_yaml_signs_is_read_or_refused(
        text in "([\\[\\]{}:,&*!|>'\"%@`?<#a1~\n\t -]|- |: |&a |\\*a |<<: |\\? |--- |\\.\\.\\.|%YAML 1.2|!!int |\n  ){0,60}",
    ) {
        if let Ok(document) = parse(&text)
            && let Some(root) = document.root
        {
            for typing in [Typing::Exact, Typing::Json, Typing::Guest] {
                let _ = root.clone().into_value(typing);
            }
        }
    }

    #[test]
    fn what_is_written_reads_back(value in any_value()) {
        for text in [encode(&value, None), encode(&value, Some(&Layout::default())), to_string(&value)] {
            let back = read(&text, Typing::Exact);
            prop_assert_eq!(back.as_ref(), Ok(&value), "{}", text);
        }
    }
}
