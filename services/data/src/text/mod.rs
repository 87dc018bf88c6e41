//! The Lua module `text`: regular expressions (`regexp`, in the words of RE2:
//! `syntax`), differences (`diff`, found by `delta`, kept by `patch`), and splitting of long texts (`splitter`, by separators: `pieces`,
//! by the blocks of Markdown: `blocks` and `markdown`).

mod blocks;
mod delta;
mod diff;
mod markdown;
mod patch;
mod pieces;
mod regexp;
mod splitter;
mod syntax;

use wippy_lua::member;
use wippy_lua::modules::{Module, ModuleValue};
use wippy_lua::native::{Call, Member, Type};
use wippy_runtime::dispatch::DispatcherBuilder;

use crate::work;

pub use diff::Differ;
pub use regexp::Regexp;
pub use splitter::Splitter;

pub static MODULE: Module = Module {
    name: "text",
    value: ModuleValue::Table(&[
        Member::table("regexp", &[member!("compile", regexp::compile)]),
        Member::table("diff", &[member!("new", diff::new)]),
        Member::table(
            "splitter",
            &[member!("recursive", splitter::recursive), member!("markdown", splitter::markdown)],
        ),
    ]),
    class: &["encoding", "deterministic"],
    description: "Regular expressions, differences, and splitting of long texts",
};

/// What the work of this module is asked for as.
pub struct Text;

impl work::Area for Text {
    const NAME: &'static str = "text";
}

/// Adds the commands of this module.
pub fn register(commands: &mut DispatcherBuilder) {
    work::register::<Text, Vec<delta::Delta>>(commands);
    work::register::<Text, Vec<String>>(commands);
    work::register::<Text, (Vec<char>, bool)>(commands);
}

/// Pushes the option `name` of the table in argument 1; nil without table.
fn option(call: &Call<'_>, name: &str) -> Type {
    match call.type_of(1) {
        Type::Table => call.get_field(1, name),
        _ => {
            call.push_nil();
            Type::Nil
        }
    }
}

/// A number among the options; what is no number is not there.
fn number(call: &mut Call<'_>, name: &str, default: f64) -> f64 {
    option(call, name);
    let n = call.number(-1).unwrap_or(default);
    call.pop(1);
    n
}

fn flag(call: &mut Call<'_>, name: &str) -> bool {
    let on = option(call, name) == Type::Boolean && call.truth(-1);
    call.pop(1);
    on
}
