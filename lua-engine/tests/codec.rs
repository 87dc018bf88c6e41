//! What crosses from VM to VM in the flat form, and what an encoder refuses.

mod support;

use std::sync::Arc;

use proptest::prelude::*;
use support::World;
use wippy_lua::native::Stack;
use wippy_lua::vm::Vm;
use wippy_runtime::payload::{Flat, Map, Value};

fn vm() -> Vm {
    support::vm(Arc::new(World::default()))
}

fn eval(stack: &Stack<'_>, source: &str) -> i32 {
    let top = stack.top();
    stack.load(source.as_bytes(), "test:codec").expect("the test's chunk compiles");
    assert!(stack.call(0, -1), "{source}: {:?}", stack.stack_value(-1));
    stack.top() - top
}

fn encode(source: &str, limit: usize) -> Result<(Flat, Option<String>), String> {
    vm().enter(|stack| {
        let n = eval(stack, source);
        let top = stack.top();
        let mut flat = Flat::new();
        let result = stack.encode(top - n + 1, top, &mut flat, limit);
        assert_eq!(stack.top(), top, "encoding leaves the stack as it was");
        match result {
            Ok(encoded) => Ok((flat, encoded.dropped)),
            Err(e) => {
                assert!(flat.is_empty(), "a failed encoding leaves nothing");
                Err(e.to_string())
            }
        }
    })
}

/// Source of the sent values, body of a function of them that checks what arrived.
const CROSSES: &[(&str, &str)] = &[
    (
        "return 1, 1.5, 'x', true, false, nil, -200, 2^53|0",
        "assert(select('#', ...) == 8) local a, b, c, d, e, f, g, h = ... assert(a == 1 and math.type(a) == 'integer' and b == 1.5 and c == 'x' and d and e == false and f == nil and g == -200 and h == 2^53)",
    ),
    ("return", "assert(select('#', ...) == 0)"),
    ("return string.rep('x', 300), '\\0\\255'", "local a, b = ... assert(#a == 300 and b == '\\0\\255')"),
    ("return {1, 2, 3}", "local t = ... assert(#t == 3 and t[3] == 3)"),
    ("return {1, nil, 3}", "local t = ... assert(t[1] == 1 and t[2] == nil and t[3] == 3)"),
    (
        "return {1, 2, x = 'y', [10] = 'ten', [1.5] = 'f', [true] = 'b'}",
        "local t = ... assert(#t == 2 and t.x == 'y' and t[10] == 'ten' and t[1.5] == 'f' and t[true] == 'b')",
    ),
    ("return {[5] = 5, [7] = 7}", "local t = ... assert(t[5] == 5 and t[7] == 7)"),
    (
        "local t = {} for i = 1, 1000 do t[i] = {n = i} end return t",
        "local t = ... assert(#t == 1000 and t[1000].n == 1000)",
    ),
    ("local a = {1} return {a, a, x = a}", "local t = ... assert(t[1] == t[2] and t[1] == t.x and t.x[1] == 1)"),
    ("local a = {} a.me = a a.deep = {up = a} return a", "local t = ... assert(t.me == t and t.deep.up == t)"),
    ("local a = {} return a, a", "local a, b = ... assert(a ~= b)"),
    (
        "local t, all = {}, {} for i = 1, 100 do t = {t} all[i] = t end return all",
        "local t = ... assert(t[100][1] == t[99] and t[2][1] == t[1])",
    ),
    (
        "return setmetatable({1}, {__index = {x = 5}})",
        "local t = ... assert(t.x == 5 and t[1] == 1 and getmetatable(t).__index.x == 5)",
    ),
    (
        "local m = {} m.__index = m m.v = 7 return {setmetatable({}, m), setmetatable({}, m)}",
        "local t = ... assert(getmetatable(t[1]) == getmetatable(t[2]) and t[1].v == 7)",
    ),
    (
        "local m = {} local t = setmetatable({n = 1}, m) m.owner = t return t",
        "local t = ... assert(getmetatable(t).owner == t and t.n == 1)",
    ),
    ("return table.freeze({1})", "local t = ... t[2] = 2 assert(not table.isfrozen(t))"),
    (
        "return errors.new{message = 'm', kind = 'Invalid', retryable = true, details = {a = {1, 2}}}",
        "local e = ... assert(e:message() == 'm' and e:kind() == 'Invalid' and e:retryable() == true and e:details().a[2] == 2 and errors.call_stack(e) == nil)",
    ),
    ("return {errors.wrap(errors.new('in'), 'out')}", "local t = ... assert(t[1]:message() == 'out: in')"),
    (
        "return {f = print, 1, x = 2}, print, {print, 2}",
        "local t, f, l = ... assert(t.f == nil and t[1] == 1 and t.x == 2 and f == nil and l[1] == nil and l[2] == 2)",
    ),
    ("return {[{}] = 1}", "local t = ... local k, v = next(t) assert(type(k) == 'table' and v == 1)"),
    (
        "local json = require('json') return {}, json.decode('{}'), {x = {}}",
        "local json = require('json') local a, b, c = ... assert(json.encode(a) == '[]' and json.encode(b) == '{}' and json.encode(c) == '{\"x\":[]}')",
    ),
    (
        "local t = {} for i = 1, 127 do t = {t} end return t",
        "local t, n = ..., 0 while t do t = t[1] n = n + 1 end assert(n == 128)",
    ),
    // More than one row, texts longer than a row, and what interrupts one.
    (
        "local t = {} for i = 1, 2000 do t['key' .. i] = 'value ' .. i end t.long = ('x'):rep(5000) t.sub = {1, {}, 'z'} return t",
        "local t, n = ..., 0 for i = 1, 2000 do assert(t['key' .. i] == 'value ' .. i) end assert(#t.long == 5000 and #t.sub == 3 and t.sub[3] == 'z') for _ in pairs(t) do n = n + 1 end assert(n == 2002)",
    ),
    (
        "local t = {} for i = 1, 3000 do t[i] = i % 7 == 0 and {i} or i % 5 == 0 and i .. ('y'):rep(i) or i end return t",
        "local t = ... assert(#t == 3000) for i = 1, 3000 do local v = t[i] if i % 7 == 0 then v = v[1] elseif i % 5 == 0 then assert(v == i .. ('y'):rep(i)) v = i end assert(v == i) end",
    ),
    (
        "return {1, 2, nil, 4, {5}, false, x = 1, [-1] = 2, [9] = 3, [2.5] = ('k'):rep(41), [('l'):rep(300)] = true}",
        "local t = ... assert(t[1] == 1 and t[2] == 2 and t[3] == nil and t[4] == 4 and t[5][1] == 5 and t[6] == false and t.x == 1 and t[-1] == 2 and t[9] == 3 and t[2.5] == ('k'):rep(41) and t[('l'):rep(300)])",
    ),
    (
        "return {127, 128, -128, -129, math.maxinteger, math.mininteger, 0.1, -1/0, '', ('s'):rep(255), ('s'):rep(256)}",
        "local t = ... assert(t[1] == 127 and t[2] == 128 and t[3] == -128 and t[4] == -129 and t[5] == math.maxinteger and t[6] == math.mininteger and t[7] == 0.1 and t[8] == -1/0 and t[9] == '' and #t[10] == 255 and #t[11] == 256)",
    ),
    (
        "return {__index = 1}, {__call = true, __index = 2}",
        "local m = ... m.__index = {x = 5} assert(setmetatable({}, m).x == 5) local t = setmetatable({}, (select(2, ...))) assert(getmetatable(t).__index == 2 and not pcall(function() return t.y end))",
    ),
    ("return errors", "local t = ... assert(type(t) == 'table')"),
    ("return string", "assert(type(...) == 'table')"),
];

#[test]
fn values_cross() {
    for (source, check) in CROSSES {
        let (flat, _) = encode(source, usize::MAX).unwrap_or_else(|e| panic!("{source}: {e}"));
        vm().enter(|stack| {
            stack.load(check.as_bytes(), "test:check").expect("the check compiles");
            let n = stack.decode(flat.as_bytes()).unwrap_or_else(|e| panic!("{source}: {e}"));
            assert!(stack.call(n, 0), "{source}: {:?}", stack.stack_value(-1));
        });
    }
}

#[test]
fn refusals_name_the_place() {
    const DEEP: &str = "local t = {} local top = t for i = 1, 200 do t.a = {} t = t.a end return 1, top";
    let cases: &[(&str, usize, &str)] = &[
        (DEEP, usize::MAX, &format!("value is nested deeper than 128 levels at [2]{}", ".a".repeat(128))),
        ("return {a = {b = {1, 2, string.rep('x', 100)}}}", 50, "value is larger than 50 bytes at [1].a.b[3]"),
        ("return 'x', string.rep('x', 100)", 50, "value is larger than 50 bytes at [2]"),
        ("local t = {} for i = 1, 100 do t[i] = 1000000 end return t", 90, "value is larger than 90 bytes at [1][10]"),
    ];
    for (source, limit, expected) in cases {
        assert_eq!(encode(source, *limit).map(|_| ()), Err((*expected).to_owned()), "{source}");
    }
}

#[test]
fn whatever_the_limit_is_it_is_kept_and_the_rest_is_not_sent() {
    const SOURCE: &str = "local t = {1, 2, 'three', x = 'y', n = 1000, f = 0.5, long = ('z'):rep(60), ok = true} \
        return t, {t, list = {10, 20, 300}}";
    let (whole, _) = encode(SOURCE, usize::MAX).expect("encodes");
    for limit in 0..whole.len() + 10 {
        match encode(SOURCE, limit) {
            Ok((flat, _)) => assert!(limit >= whole.len() && flat.len() == whole.len(), "{limit}"),
            Err(e) => {
                assert!(
                    limit < whole.len() && e.starts_with(&format!("value is larger than {limit} bytes at [")),
                    "{e}"
                );
            }
        }
    }
}

#[test]
fn the_first_value_that_cannot_cross_is_named() {
    let cases: &[(&str, Option<&str>)] = &[
        ("return 1, {a = 1}", None),
        ("return 1, print", Some("[2] (function)")),
        ("return {x = {y = {1, print}}}", Some("[1].x.y[2] (function)")),
        ("return {cb = print}", Some("[1].cb (function)")),
        ("return {l = require('logger')}", Some("[1].l (userdata)")),
    ];
    for (source, expected) in cases {
        let (_, dropped) = encode(source, usize::MAX).expect("encodes");
        assert_eq!(dropped.as_deref(), *expected, "{source}");
    }
}

fn plain() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("NaN is unequal to itself", |f| !f.is_nan()).prop_map(Value::Float),
        ".{0,300}".prop_map(Value::Str),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..8).prop_map(Value::List),
            prop::collection::vec(("[a-z]{0,12}", inner), 0..8)
                .prop_map(|pairs| Value::Map(pairs.into_iter().collect::<Map>())),
        ]
    })
}

/// The value as Lua keeps it: integral keys of maps do not occur, the order of maps is not kept.
fn sorted(v: Value) -> Value {
    match v {
        Value::Map(m) => {
            let mut pairs: Vec<_> = m.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Map(pairs.into_iter().collect())
        }
        Value::List(l) => Value::List(l.into_iter().map(sorted).collect()),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn plain_data_survives(values in prop::collection::vec(plain(), 0..4)) {
        let vm = vm();
        let back = vm.enter(|stack| {
            for v in &values {
                stack.push_plain(v).expect("not deep");
            }
            let mut flat = Flat::new();
            stack.encode(1, values.len() as i32, &mut flat, usize::MAX).expect("encodes");
            let tree: Vec<Value> = flat.values().expect("our own encoding").into_iter().map(sorted).collect();
            let n = stack.decode(flat.as_bytes()).expect("decodes");
            let top = stack.top();
            let back: Vec<Value> = (top - n + 1..=top).map(|i| sorted(stack.stack_value(i).expect("plain"))).collect();
            (tree, back)
        });
        let sent: Vec<Value> = values.into_iter().map(sorted).collect();
        prop_assert_eq!(&back.0, &sent);
        prop_assert_eq!(back.1, sent);
    }

    #[test]
    fn damaged_bytes_never_harm(bytes in prop::collection::vec(0u8..20, 0..64)) {
        let vm = vm();
        vm.enter(|stack| {
            let top = stack.top();
            if stack.decode(&bytes).is_err() {
                assert_eq!(stack.top(), top);
            }
        });
    }

    #[test]
    fn damaged_messages_never_harm(at in 0usize..200, with in any::<u8>()) {
        let (flat, _) = encode("local a = {1, 'two', x = {3.5}} return setmetatable({a, a}, {m = 1}), errors.new('e')", usize::MAX).expect("encodes");
        let mut bytes = flat.as_bytes().to_vec();
        let n = bytes.len();
        bytes[at % n] = with;
        vm().enter(|stack| {
            let _ = stack.decode(&bytes);
        });
    }
}
