//! The checker and the values of types say the same: a table or scalar that passes `T:is` is one the checker lets stand
//! where `T` is declared, and one it reports does not pass.
//!
//! Kept out, because they differ on purpose: signatures of functions, which no value shows, and tables of another form
//! than their type (named fields in an array), which validation ignores and the checker reports.

mod support;

use std::sync::Arc;

use proptest::prelude::*;
use support::World;
use wippy_lua::code::compile;
use wippy_lua::state::Program;
use wippy_lua::types::{ModuleTypes, TypeSource};
use wippy_lua::vm::Vm;
use wippy_lua_types::{Imports, check};

/// A type and a literal that may belong to it.
#[derive(Debug, Clone)]
struct Pair {
    ty: String,
    value: String,
}

fn scalar() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["nil", "true", "false", "1", "2", "2.0", "2.5", "\"a\"", "\"b\"", "{}"])
}

/// Mostly a value of the type, sometimes any scalar instead.
fn or_else(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (value, scalar(), 0..8u32).prop_map(|(value, other, n)| if n == 0 { other.to_owned() } else { value })
}

fn leaf() -> impl Strategy<Value = Pair> {
    let all = [
        ("nil", "nil"),
        ("boolean", "true"),
        ("true", "true"),
        ("false", "false"),
        ("number", "2.5"),
        ("number", "1"),
        ("integer", "2"),
        ("integer", "2.0"),
        ("1", "1"),
        ("2.5", "2.5"),
        ("string", "\"x\""),
        ("\"a\"", "\"a\""),
        ("any", "2.5"),
        ("table", "{}"),
    ];
    let chosen = prop::sample::select(all.to_vec());
    (chosen, scalar(), 0..6u32).prop_map(|((ty, value), other, n)| Pair {
        ty: ty.to_owned(),
        value: if n == 0 { other } else { value }.to_owned(),
    })
}

fn pair() -> impl Strategy<Value = Pair> {
    leaf().prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let value = |text: String| or_else(Just(text));
        prop_oneof![
            (inner.clone(), 0..3usize).prop_flat_map(move |(p, n)| {
                let ty = format!("{{{}}}", p.ty);
                // A hole at the end of an array is none to validation.
                let element = if p.value == "nil" { "{}".to_owned() } else { p.value };
                let text = format!("{{{}}}", vec![element; n].join(", "));
                value(text).prop_map(move |value| Pair { ty: ty.clone(), value })
            }),
            two.prop_flat_map(move |(a, b)| {
                let ty = format!("{{a: {}, b?: {}}}", a.ty, b.ty);
                let with = format!("{{a = {}, b = {}}}", a.value, b.value);
                let without = format!("{{a = {}}}", a.value);
                prop::sample::select(vec![with, without, "{}".to_owned()])
                    .prop_map(move |value| Pair { ty: ty.clone(), value })
            }),
            inner.clone().prop_map(|p| Pair {
                ty: format!("{{[string]: {}}}", p.ty),
                value: format!("{{k = {}}}", if p.value == "nil" { "{}" } else { &p.value }),
            }),
            (inner.clone(), any::<bool>()).prop_map(|(p, nil)| Pair {
                ty: format!("({})?", p.ty),
                value: if nil { "nil".to_owned() } else { p.value },
            }),
            // Not two forms of tables: what is wrong in one form is ignored by the other.
            (leaf(), inner, any::<bool>()).prop_map(|(a, b, first)| Pair {
                ty: format!("({}) | ({})", a.ty, b.ty),
                value: if first { a.value } else { b.value },
            }),
        ]
    })
}

/// Whether the value passes, in a VM.
fn passes(pair: &Pair) -> bool {
    let source = format!("type T = {}\nlocal _, err = T:is({})\nprint(err and \"no\" or \"yes\")", pair.ty, pair.value);
    let world = Arc::new(World::default());
    let mut program = Program::new("t", &[], world.clone());
    let types = ModuleTypes::new("t", TypeSource::Text(source.clone()), vec![]).expect("a source with a type");
    program.add_types(types);
    let code = compile("t", "t.lua", &source).expect("a source that compiles");
    let image = program.image(Vec::new());
    let vm = Vm::new(Arc::new(program), image, usize::MAX).expect("memory for a VM");
    vm.enter(|stack| {
        stack.load(&code, "t").expect("code of our own");
        assert!(stack.call(0, 0), "{:?}", stack.bytes(-1).map(String::from_utf8_lossy));
    });
    let printed = world.out.lock().expect("no panic holds it").clone();
    match printed.as_str() {
        "yes\n" => true,
        "no\n" => false,
        other => panic!("printed {other:?}"),
    }
}

/// What the checker says.
fn reported(pair: &Pair) -> Option<String> {
    let source = format!("type T = {}\nlocal x: T = {}", pair.ty, pair.value);
    let parsed = wippy_lua_syntax::parse(&source);
    assert!(parsed.errors.is_empty(), "{source}: {:?}", parsed.errors);
    check(&parsed.root, &Imports::default()).diagnostics.first().map(|d| d.message.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_passes_is_not_reported_and_what_is_reported_does_not_pass(pair in pair()) {
        let (passes, reported) = (passes(&pair), reported(&pair));
        prop_assert!(!(passes && reported.is_some()), "{} passes {}, but: {reported:?}", pair.value, pair.ty);
    }
}

#[test]
fn both_refuse_and_both_accept() {
    let both = |ty: &str, value: &str| {
        let pair = Pair { ty: ty.to_owned(), value: value.to_owned() };
        (passes(&pair), reported(&pair).is_none())
    };
    for (ty, good, bad) in [
        ("integer", "2.0", "2.5"),
        ("{a: {b: string?}}", "{a = {}}", "{a = {b = 1}}"),
        ("\"x\" | {t: 1}", "{t = 1}", "{t = 2}"),
        ("{[string]: {boolean}}", "{k = {true}}", "{k = {1}}"),
    ] {
        assert_eq!(both(ty, good), (true, true), "{good} for {ty}");
        assert_eq!(both(ty, bad), (false, false), "{bad} for {ty}");
    }
}
