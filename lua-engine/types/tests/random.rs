//! Properties: the checker comes to an end on any text at all, and assignability is what one expects of it.

use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use wippy_lua_types::{Imports, Ty, assignable, check, lint, read_type};

/// Real sources to start from: all cases of this crate and all examples.
static SOURCES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = vec![];
    collect(&root.join("tests/cases"), &mut sources);
    collect(&root.join("../../examples"), &mut sources);
    collect(&root.join("../tests/processes"), &mut sources);
    sources
});

fn collect(folder: &Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|e| e == "lua" || e == "txt") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            sources.extend(text.split("\n--- ").map(|part| part.split_once('\n').map_or("", |p| p.1).to_owned()));
        }
    }
}

/// Pieces that are likely to lead somewhere when they are put into a source.
const PIECES: &[&str] = &[
    "type A = {a: A?, b: B}",
    "type B = A | {A}",
    "type C<T: C<T>> = C<{T}>",
    "local x: typeof(x) = x",
    "x = {x}",
    "x.y = x",
    "if x then",
    "else",
    "end",
    "while x do",
    "repeat",
    "until x",
    "for i = x, y do",
    "return",
    "return x, y",
    "function M:m(a: A, ...: any): (B?, error?)",
    "local function f<T>(x: T): T",
    "f(",
    ")",
    "{",
    "}",
    "= x or y",
    "and x.f",
    "~= nil",
    "== nil then",
    "as A",
    ":: B",
    "!",
    "goto l",
    "::l::",
    "break",
    "error(x)",
    "assert(x)",
    "asserts x is A",
    "A:is(x)",
    "A(x)",
    "local v, e = A:is(x)",
    "interface I function m(): I end",
    "..",
    "#x",
    "-x",
    "setmetatable(x, x)",
    "x.__index = x",
    "require(\"x\")",
    "keyof(A)",
    "A[\"a\"]",
    "A extends B ? A : B",
];

fn mutated() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..60usize, prop::sample::select(PIECES));
    (any::<prop::sample::Index>(), prop::collection::vec(edit, 0..8)).prop_map(|(source, edits)| {
        let mut text = source.get(&SOURCES).clone();
        for (at, cut, piece) in edits {
            let boundaries: Vec<usize> = (0..=text.len()).filter(|i| text.is_char_boundary(*i)).collect();
            let n = at.index(boundaries.len());
            let end = boundaries[(n + cut).min(boundaries.len() - 1)];
            text.replace_range(boundaries[n]..end, &format!(" {piece} "));
        }
        text
    })
}

/// Sources of types, as text. Without `table`, which stands for every table in both directions.
fn type_text() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "nil", "boolean", "true", "false", "number", "integer", "1", "2.5", "string", "\"a\"", "\"b\"", "never",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|t| format!("{{{t}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{a: {a}, c: {b}}}")),
            inner.clone().prop_map(|t| format!("({t})?")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} | {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{a: {a}, b?: {b}}}")),
            inner.clone().prop_map(|t| format!("{{a: {t}}}")),
            inner.clone().prop_map(|t| format!("{{[string]: {t}}}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("fun(x: {a}): {b}")),
        ]
    })
}

fn ty() -> impl Strategy<Value = Ty> {
    type_text().prop_map(|text| {
        let ty = read_type(&text);
        assert!(!ty.to_string().contains("unknown"), "{text} is read as {ty}");
        ty
    })
}

/// Types without fields that may be left out: `{a}` fits `{}` fits `{a?}` whatever the fields are, by design.
fn total() -> impl Strategy<Value = Ty> {
    let nullable = |t: &String| ["nil", "?", "[string]"].iter().any(|part| t.contains(part));
    type_text().prop_filter("may be nil", move |t| !nullable(t)).prop_map(|text| read_type(&text))
}

/// Types whose values may be nil, with records that all have the same fields.
fn same_fields() -> impl Strategy<Value = Ty> {
    let leaf =
        prop::sample::select(vec!["nil", "boolean", "true", "number", "integer", "2", "string", "\"a\"", "never"]);
    let text = leaf.prop_map(str::to_owned).prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{a: {a}, b: {b}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{a: {a}, b?: {b}}}")),
            inner.clone().prop_map(|t| format!("({t})?")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} | {b}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("fun(x: {a}): {b}")),
        ]
    });
    text.prop_map(|text| read_type(&text))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_checked_in_no_time(source in mutated()) {
        let start = Instant::now();
        let parsed = wippy_lua_syntax::parse(&source);
        let checked = check(&parsed.root, &Imports::default());
        for d in checked.diagnostics.iter().chain(&lint::lint(&parsed.root)) {
            prop_assert!(d.message.len() < 4000, "a message of {} bytes", d.message.len());
            let _ = d.render("x.lua", &source);
        }
        prop_assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
    }

    #[test]
    fn a_type_fits_itself(a in ty()) {
        prop_assert!(assignable(&a, &a), "{a}");
    }

    #[test]
    fn a_type_fits_every_union_with_it(a in ty(), b in ty()) {
        let both = wippy_lua_types::union_of(&a, &b);
        prop_assert!(assignable(&a, &both), "{a} to {both}");
        prop_assert!(assignable(&b, &both), "{b} to {both}");
    }

    #[test]
    fn never_fits_all_and_all_fit_unknown(a in ty()) {
        prop_assert!(assignable(&read_type("never"), &a));
        prop_assert!(assignable(&a, &read_type("unknown")));
        prop_assert!(assignable(&a, &read_type("any")));
    }

    #[test]
    fn what_fits_a_fits_what_a_fits(a in total(), b in total(), c in total()) {
        if assignable(&a, &b) && assignable(&b, &c) {
            prop_assert!(assignable(&a, &c), "{a} to {b} to {c}");
        }
    }

    #[test]
    fn what_may_be_nil_fits_what_it_fits_fits(types in prop::collection::vec(same_fields(), 12)) {
        for (a, b) in types.iter().flat_map(|a| types.iter().map(move |b| (a, b))).filter(|(a, b)| assignable(a, b)) {
            for c in types.iter().filter(|c| assignable(b, c)) {
                prop_assert!(assignable(a, c), "{a} to {b} to {c}");
            }
        }
    }

    #[test]
    fn a_union_does_not_depend_on_the_order(a in ty(), b in ty()) {
        let (ab, ba) = (wippy_lua_types::union_of(&a, &b), wippy_lua_types::union_of(&b, &a));
        prop_assert!(assignable(&ab, &ba) && assignable(&ba, &ab), "{ab} and {ba}");
    }
}
