//! The examples of the guide to types that show what they print (`--> TEXT`) are run, and print just that.

use std::sync::Arc;

use wippy_lua::code::compile;
use wippy_lua::modules;
use wippy_lua::state::Program;
use wippy_lua::types::{ModuleTypes, TypeSource};
use wippy_lua::vm::Vm;

mod support;
use support::World;

const GUIDE: &str = include_str!("../../docs/types.md");

/// Lua examples with the line they begin at.
fn examples() -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = vec![];
    let mut inside = false;
    for (n, line) in GUIDE.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```lua";
            if inside {
                found.push((n + 1, String::new()));
            }
        } else if let (true, Some((_, text))) = (inside, found.last_mut()) {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

/// What a source prints, a line a call, values with one space between them; its error last.
fn output(source: &str) -> String {
    let world = Arc::new(World::default());
    let mut program = Program::new("guide", modules::on_request(), world.clone());
    let types = ModuleTypes::new("guide", TypeSource::Text(source.to_owned()), vec![]);
    types.into_iter().for_each(|types| program.add_types(types));
    let code = compile("guide", "guide.lua", source).expect("an example that compiles");
    let image = program.image(Vec::new());
    let vm = Vm::new(Arc::new(program), image, usize::MAX).expect("memory for a VM");
    let mut error = String::new();
    vm.enter(|stack| {
        stack.load(&code, "guide").expect("code of our own");
        if !stack.call(0, 0) {
            error = String::from_utf8_lossy(stack.bytes(-1).unwrap_or_default()).into_owned();
        }
    });
    let printed = world.out.lock().expect("no panic holds it").replace('\t', " ");
    printed + &error
}

#[test]
fn examples_print_what_they_say() {
    let (mut wrong, mut run) = (String::new(), 0);
    for (start, source) in examples() {
        let expected: Vec<&str> =
            source.lines().filter_map(|line| line.split_once("--> ")).map(|l| l.1.trim()).collect();
        if expected.is_empty() {
            continue;
        }
        run += 1;
        let printed = output(&source);
        if !printed.lines().map(str::trim).eq(expected.iter().copied()) {
            wrong.push_str(&format!("docs/types.md:{start}\n  expected {expected:#?}\n  printed {printed}\n"));
        }
    }
    assert!(run > 5, "only {run} examples print anything");
    assert!(wrong.is_empty(), "{wrong}");
}
