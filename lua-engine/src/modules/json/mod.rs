//! The `json` module: encode and decode straight from and to the Lua stack, and
//! validation against JSON Schema.

pub(crate) mod decode;
pub(crate) mod encode;
mod schema;

use wippy_runtime::Error;

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Member, Raise, Ret};

pub static MODULE: Module = Module {
    name: "json",
    value: ModuleValue::Table(MEMBERS),
    class: &["encoding", "deterministic"],
    description: "JSON text from values and back, and JSON Schema validation",
};

const MEMBERS: &[Member] = &[
    member!("encode", encode),
    member!("decode", decode),
    member!("validate", schema::validate),
    member!("validate_string", schema::validate_string),
];

fn encode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    match encode::encode(call, 1) {
        Ok(text) => {
            call.push_str(text);
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

fn decode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let Some(text) = call.real_str(1) else { return call.fail(Error::invalid("string expected")) };
    if text.is_empty() {
        return call.fail(Error::invalid("empty string is not valid JSON"));
    }
    match decode::decode(call, text) {
        Ok(()) => call.fine(),
        Err(e) => call.fail(e),
    }
}
