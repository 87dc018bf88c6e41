//! What types cost a VM: nothing while they are not used, a handle each when they are.

mod support;

use std::sync::Arc;

use support::World;
use wippy_lua::code::compile;
use wippy_lua::state::Program;
use wippy_lua::types::{ModuleTypes, TypeSource};
use wippy_lua::vm::Vm;

/// Bytes a VM has after it has run a source and dropped what is garbage.
fn bytes(source: &str) -> usize {
    let mut program = Program::new("m", &[], Arc::new(World::default()));
    let types = ModuleTypes::new("m", TypeSource::Text(source.to_owned()), vec![]);
    types.into_iter().for_each(|types| program.add_types(types));
    let code = compile("m", "m.lua", source).expect("a source that compiles");
    let image = program.image(Vec::new());
    let vm = Vm::new(Arc::new(program), image, usize::MAX).expect("memory for a VM");
    vm.enter(|stack| {
        stack.load(&code, "m").expect("code of our own");
        assert!(stack.call(0, 0), "{:?}", stack.bytes(-1).map(String::from_utf8_lossy));
        stack.collect_garbage();
    });
    vm.memory().used()
}

#[test]
fn a_vm_pays_for_the_types_it_uses() {
    let declared = "type A = {a: string}; type B = {b: {A}}; type C = A | B\n";
    // What all VMs share is made by the first.
    bytes(&format!("{declared}local x = A:is({{a = 'x'}})"));
    let plain = bytes("                                                       \nlocal x = {a = 'x'}");
    assert_eq!(bytes(&format!("{declared}local x = {{a = 'x'}}")), plain, "types that are not used");
    let one = bytes(&format!("{declared}local x = A:is({{a = 'x'}})"));
    let two = bytes(&format!("{declared}local x = A:is({{a = 'x'}}); x = B({{b = {{}}}})"));
    assert!(one - plain < 600, "the first type costs {} bytes", one - plain);
    assert!(two - one < 300, "another type costs {} bytes", two - one);
}
