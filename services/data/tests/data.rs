//! Programs that use the modules. The cases are in `tests/cases/*.lua`: a program
//! and what it returns; each runs under seeds and on threads. `{{name}}` in a
//! program is the text of `tests/keys/name.pem`, keys made for these tests only.

mod world;

use std::path::{Path, PathBuf};

use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Member, MemberValue, Object};
use wippy_lua_types::builtin;
use wippy_runtime::dispatch::CapabilitySet;
use wippy_runtime::process::Limits;
use world::{Parts, World, program};

fn tests(dir: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(dir)
}

/// Name, program, what it returns: from `--- case NAME`, the program, `--- expect`.
fn cases(text: &str) -> Vec<[String; 3]> {
    let mut all: Vec<[String; 3]> = Vec::new();
    let mut section = 1;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("--- case ") {
            all.push([name.to_owned(), String::new(), String::new()]);
            section = 1;
        } else if line == "--- expect" {
            section = 2;
        } else {
            let to = &mut all.last_mut().expect("a case first")[section];
            to.push_str(line);
            to.push('\n');
        }
    }
    all
}

/// Functions that cases share.
const HEAD: &str = r#"local compress, crypto, text = require("compress"), require("crypto"), require("text")
local function unhex(text) return (text:gsub("%X", ""):gsub("%x%x", function(d) return string.char(tonumber(d, 16)) end)) end
local function hex(bytes) return (bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end)) end
local lines = {}
local function show(value, err)
    lines[#lines + 1] = err == nil and tostring(value) or tostring(value) .. " " .. err:kind() .. " " .. err:message()
end
local function raised(f, ...) lines[#lines + 1] = tostring(select(2, pcall(f, ...))) end
return { main = function()
"#;
const TAIL: &str = "\nreturn table.concat(lines, \"\\n\") end }";

fn source(program: &str) -> String {
    let mut text = program.to_owned();
    for key in std::fs::read_dir(tests("keys")).expect("keys") {
        let path = key.expect("a key").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        text = text.replace(&format!("{{{{{name}}}}}"), &std::fs::read_to_string(&path).expect("a readable key"));
    }
    [HEAD, &text, TAIL].concat()
}

#[test]
fn programs_get_what_the_cases_say() {
    let mut failures = Vec::new();
    for file in std::fs::read_dir(tests("cases")).expect("cases") {
        for [name, program_text, want] in cases(&std::fs::read_to_string(file.expect("a file").path()).expect("text")) {
            for seed in [Some(1), Some(2), None] {
                let world = World::new(Parts { seed, ..Parts::default() });
                world.app.install(vec![program("app:main", &source(&program_text))]).expect("entries");
                let got = world.shown("app:main");
                if got.trim_end() != want.trim_end() {
                    failures.push(format!("{name} (seed {seed:?})\n  expected: {want}\n  got:      {got}"));
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_host_decides_which_modules_there_are() {
    let program_text = source("show(#compress.gzip.encode(string.rep('x', 5000)) < 100)");
    let capabilities = CapabilitySet::new(&["*"], &["compress"]);
    let world = World::new(Parts { seed: Some(1), capabilities, ..Parts::default() });
    world.app.install(vec![program("app:main", &program_text)]).unwrap();
    let shown = world.shown("app:main");
    assert!(shown.contains("capability \"compress\" is denied by host app:host"), "{shown}");
}

#[test]
fn large_output_counts_against_the_memory_of_the_process() {
    let limits = Limits { memory: 4 << 20, ..Limits::default() };
    let world = World::new(Parts { seed: Some(1), limits, ..Parts::default() });
    let program_text = source(
        "local bomb = compress.zstd.encode(string.rep('x', 2 ^ 20))\n\
         bomb = bomb:rep(16)\n\
         show(pcall(compress.zstd.decode, bomb, { max_size = 1000 }))\n\
         compress.zstd.decode(bomb)",
    );
    world.app.install(vec![program("app:main", &program_text)]).unwrap();
    let shown = world.shown("app:main");
    assert!(shown.contains("not enough memory") || shown.contains("memory limit"), "{shown}");
}

#[test]
fn the_checker_is_told_what_is_there() {
    fn compare(module: &str, ty: &str, members: &[Member], wrong: &mut Vec<String>) {
        let mut real: Vec<&str> = members.iter().map(|m| m.name).collect();
        let mut declared = builtin::members(module, ty);
        real.sort_unstable();
        declared.sort();
        if declared != real {
            wrong.push(format!("{ty}: declared {declared:?}, there {real:?}"));
        }
        for member in members {
            if let MemberValue::Table(inner) = member.value {
                compare(module, &format!("{ty}_{}", member.name), inner, wrong);
            }
        }
    }
    let mut wrong = Vec::new();
    let modules: [&Module; 3] = [&wippy_data::compress::MODULE, &wippy_data::crypto::MODULE, &wippy_data::text::MODULE];
    for module in modules {
        let ModuleValue::Table(members) = module.value else { panic!("a table") };
        compare(module.name, module.name, members, &mut wrong);
    }
    compare("text", "Regexp", wippy_data::text::Regexp::METHODS, &mut wrong);
    compare("text", "Differ", wippy_data::text::Differ::METHODS, &mut wrong);
    compare("text", "Splitter", wippy_data::text::Splitter::METHODS, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
