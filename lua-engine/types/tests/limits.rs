//! Sources that are made to be hard: deep, long, or such that types double with every line. All must be checked in
//! little time and on an ordinary stack.

use std::fmt::Write as _;
use std::time::{Duration, Instant};
use wippy_lua_types::{Imports, check, lint};

/// Checks a source and says how many diagnostics there are.
fn checked(what: &str, source: &str) -> usize {
    let start = Instant::now();
    let parsed = wippy_lua_syntax::parse(source);
    let checked = check(&parsed.root, &Imports::default());
    lint::lint(&parsed.root);
    let _ = format!("{:?}", checked.manifest);
    drop(checked.manifest);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(60), "{what}: {took:?}");
    checked.diagnostics.len()
}

fn lines(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut text, i| {
        let _ = writeln!(text, "{}", line(i));
        text
    })
}

#[test]
fn deep_nesting() {
    let nest = |open: &str, middle: &str, close: &str, n: usize| open.repeat(n) + middle + &close.repeat(n);
    checked("parentheses", &format!("local x = {}", nest("(", "1", ")", 180)));
    checked("tables", &format!("local x = {}", nest("{", "1", "}", 180)));
    checked("functions", &format!("local x = {}", nest("function() return ", "1", " end", 60)));
    checked("calls", &format!("local x = {}", nest("f(", "1", ")", 180)));
    checked("not", &format!("local x = {}y", "not ".repeat(180)));
    checked("minus", &format!("local x = {}y", "- ".repeat(180)));
    checked("blocks", &nest("do ", "local x = 1", " end", 180));
    checked("ifs", &nest("if x then ", "y()", " end", 180));
    checked("loops", &nest("while x do ", "y()", " end", 180));
    checked("types", &format!("local x: {}", nest("{", "number", "}", 180)));
    checked("function types", &format!("local x: {}number", "() -> ".repeat(180)));
    checked("comparisons", &format!("local x = {}", nest("((x == ", "y", ") and z)", 70)));
    checked("compared functions", &nest("if x == (function() ", "y()", " end)() then end", 50));
    checked("type checks in arguments", &format!("local x = {}", nest("P(", "v", "):is(v)", 90)));
    checked("typeof", &format!("local x: {}", nest("typeof(function(): ", "number", " end)", 40)));
}

#[test]
fn long_chains() {
    checked("concatenation", &format!("local x = 'a'{}", " .. 'b'".repeat(150)));
    checked("addition", &format!("local x = 1{}", " + 1".repeat(900)));
    checked("and", &format!("local function f(x: number?) return x{} end", " and x".repeat(900)));
    checked(
        "and, or",
        &format!("local function f(x: number?) if x{} then return x end end", " and x or x".repeat(400)),
    );
    checked("fields", &format!("local x = y{}", ".z".repeat(900)));
    checked("tested fields", &format!("if y{} then y() end", ".z".repeat(900)));
    checked("method calls", &format!("local x = y{}", ":z()".repeat(900)));
    checked("type checks", &format!("local p, e = P{}", ":is(v)".repeat(140)));
    checked("casts", &format!("local x = y{}", " :: number".repeat(900)));
    checked("elseif", &format!("if x then{} end", lines(3000, |i| format!(" elseif x == {i} then y = {i}"))));
    let literals = lines(5000, |i| format!("| \"{i}\""));
    checked("union", &format!("type U = \"x\" {literals}\nlocal u: U = \"7\"\nlocal v: U = u"));
}

#[test]
fn many_names() {
    checked("locals", &lines(20_000, |i| format!("do local x{i}: number = {i} end")));
    checked("assignments", &lines(20_000, |i| format!("x.f{i} = {i}")));
    checked("ifs over many variables", &{
        let declared = lines(190, |i| format!("local x{i} = f({i})"));
        declared + &lines(2000, |i| format!("if x{} then x{} = 1 end", i % 190, i * 7 % 190))
    });
    checked("nested loops", &{
        let opened = lines(60, |i| format!("for i{i} = 1, 2 do x{i} = i{i}"));
        format!("{opened}{}", "end ".repeat(60))
    });
    checked("labels", &lines(2000, |i| format!("do if x then goto l{i} end y{i} = 1 ::l{i}:: end")));
    checked(
        "methods",
        &format!(
            "local M = {{}}\n{}return M",
            lines(3000, |i| format!("function M.f{i}(x: number): number return M.f0(x) end"))
        ),
    );
    checked("types", &lines(5000, |i| format!("type T{i} = {{a: T{}, b: T{}}}", i / 2, i + 1)));
}

#[test]
fn types_that_grow() {
    checked("a table in itself", &format!("local x = {{}}\n{}", lines(5000, |_| "x = {x}".to_owned())));
    checked("a table twice in itself", &format!("local x = {{}}\n{}", lines(200, |_| "x = {a = x, b = x}".to_owned())));
    checked("a union of all", &format!("local x\n{}", lines(500, |i| format!("if f() then x = {{f{i} = x}} end"))));
    checked("generic doubling", &{
        let types = lines(100, |i| format!("type D{}<T> = D{i}<{{a: T, b: T}}>", i + 1));
        format!("type D0<T> = T\n{types}local d: D100<number> = 5\nlocal e: D100<string> = d")
    });
    checked(
        "generic recursion",
        "type A<T> = {x: A<{T}>, y: B<T>}\ntype B<T> = A<B<T>>\nlocal a: A<number> = {}\nlocal b: A<string> = a",
    );
    checked("aliases in a circle", "type A = B\ntype B = C\ntype C = A\nlocal a: A = 5\nlocal b: C = a");
    checked("an alias of itself", "type A = A\ntype B = B | nil\ntype C = {C}\nlocal a: A, b: B, c: C = 1, 2, {{{}}}");
    checked("doubling comparison", &{
        let types = |name: &str| {
            lines(60, |i| format!("type {name}{i} = {{a: {name}{j}, b: {name}{j}, c: {name}{j}?}}", j = i + 1))
        };
        format!(
            "{}{}type A60 = number\ntype B60 = string\nlocal function f(a: A0): B0 return a end",
            types("A"),
            types("B")
        )
    });
    checked(
        "intersections of unions",
        &format!(
            "type A = {}\nlocal a: A = {{}}",
            lines(12, |i| format!("({{a{i}: number}} | {{b{i}: string}}) &")) + "{}"
        ),
    );
    checked(
        "functions of functions",
        &format!(
            "local f0 = function(x: number): number return x end\n{}",
            lines(300, |i| format!("local f{} = function() return f{i}, f{i} end", i + 1))
        ),
    );
}

#[test]
fn the_same_errors_again_and_again() {
    assert!(checked("errors", &lines(5000, |_| "local x: number = 'a'".to_owned())) <= 500);
}
