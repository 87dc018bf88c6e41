use super::is_stateless;

fn module(text: &str, method: &str) -> bool {
    is_stateless(&wat::parse_str(text).expect("a module"), false, method)
}

#[test]
fn functions_that_only_compute_leave_no_trace() {
    let text = r#"(module
        (import "host" "f" (func $imported))
        (memory (export "memory") 1) (global $g (mut i32) (i32.const 0)) (table 1 funcref)
        (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "calls") (param i32) (result i32) (call $twice (call $twice (local.get 0))))
        (func $again (export "recursive") (param i32) (result i32)
            (if (result i32) (local.get 0) (then (call $again (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7))))
        (func (export "reads") (result i32) (i32.add (global.get $g) (i32.load8_u (memory.size))))
        (func (export "extends") (param i64) (result i64) (i64.extend8_s (local.get 0)))
        (func $set (global.set $g (i32.const 1)))
        (func (export "sets") (call $set))
        (func (export "stores") (i64.store8 (i32.const 0) (i64.const 1)))
        (func (export "grows") (result i32) (memory.grow (i32.const 1)))
        (func (export "fills") (memory.fill (i32.const 0) (i32.const 1) (i32.const 2)))
        (func (export "imported") (call $imported))
        (func (export "indirect") (call_indirect (i32.const 0))))"#;
    for name in ["add", "calls", "recursive", "reads", "extends"] {
        assert!(module(text, name), "{name}");
    }
    for name in ["sets", "stores", "grows", "fills", "imported", "indirect", "missing", "memory"] {
        assert!(!module(text, name), "{name}");
    }
}

#[test]
fn a_latch_for_constructors_that_are_not_there_is_no_trace() {
    let text = |constructors: &str, more: &str| {
        format!(
            r#"(module (memory 1) (func $constructors {constructors})
            (func $once
                (block (br_if 0 (i32.load8_u offset=1024 (i32.const 0)))
                    (i32.store8 offset=1024 (i32.const 0) (i32.const 1))
                    (call $constructors)))
            (func (export "add") (param i32 i32) (result i32)
                (call $once) {more} (i32.add (local.get 0) (local.get 1))))"#
        )
    };
    assert!(module(&text("", ""), "add"));
    assert!(!module(&text("(i32.store (i32.const 0) (i32.const 1))", ""), "add"));
    assert!(!module(&text("unreachable", ""), "add"));
    assert!(!module(&text("", "(drop (i32.load (i32.const 1024)))"), "add"));
    assert!(!module(&text("", "(i32.store (i32.const 1024) (i32.const 0))"), "add"));
}

/// A component with a world of its own around `core`.
fn component(core: &str, world: &str) -> Vec<u8> {
    let mut module = wat::parse_str(core).expect("a module");
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_str("world.wit", &format!("package a:b;\n{world}")).expect("a package");
    let world = resolve.select_world(&[package], None).expect("a world");
    wit_component::embed_component_metadata(&mut module, &resolve, world, wit_component::StringEncoding::UTF8)
        .expect("a description");
    let mut encoder = wit_component::ComponentEncoder::default().module(&module).expect("a module");
    encoder.encode().expect("a component")
}

#[test]
fn exports_of_components_are_followed_to_their_functions() {
    let core = r#"(module
        (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "a:b/math#sub") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
        (func (export "cabi_post_add") (param i32))
        (func (export "a:b/math#count") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1))) global.get $n))"#;
    let world = "interface math { sub: func(a: s32, b: s32) -> s32; count: func() -> s32; }
        world w { export add: func(a: s32, b: s32) -> s32; export math; }";
    let code = component(core, world);
    for (method, want) in [("add", true), ("a:b/math#sub", true), ("a:b/math#count", false), ("a:b/math#add", false)] {
        assert_eq!(is_stateless(&code, true, method), want, "{method}");
    }
}

#[test]
fn what_imports_and_starts_is_not_followed() {
    let core = |start: &str| {
        format!(
            r#"(module (import "$root" "now" (func $now (result i32))) (func $start)
            (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func (export "late") (result i32) call $now) {start})"#
        )
    };
    let world =
        "world w { import now: func() -> s32; export add: func(a: s32, b: s32) -> s32; export late: func() -> s32; }";
    let code = component(&core(""), world);
    assert!(is_stateless(&code, true, "add"));
    assert!(!is_stateless(&code, true, "late"));
    assert!(!is_stateless(&component(&core("(start $start)"), world), true, "add"));
}
