//! The `yaml` module: plain data as YAML text and back.

use wippy_runtime::payload::Value;
use wippy_runtime::yaml::{self, Layout, Typing};
use wippy_runtime::{Error, Result};

use super::{Module, ModuleValue};
use crate::member;
use crate::native::{Call, Raise, Ret, Type};

pub static MODULE: Module = Module {
    name: "yaml",
    value: ModuleValue::Table(&[member!("encode", encode), member!("decode", decode)]),
    class: &["encoding", "deterministic"],
    description: "YAML text from tables and back",
};

fn encode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    if call.type_of(1) != Type::Table {
        return call.fail(Error::invalid("table expected"));
    }
    let layout = if call.type_of(2) == Type::Table { layout(call) } else { None };
    match call.stack_value(1) {
        Ok(value) => {
            call.push_str(yaml::encode(&value, layout.as_ref()));
            call.fine()
        }
        Err(e) => call.fail(e),
    }
}

/// The layout asked for in argument 2; none when no option is set.
fn layout(call: &mut Call<'_>) -> Option<Layout> {
    let mut layout = Layout::default();
    if call.get_field(2, "field_order") == Type::Table {
        let list = call.top();
        for i in 1..=call.raw_len(list) {
            if call.get_index(list, i as i64) == Type::String {
                layout.field_order.push(call.key_text(-1));
            }
            call.pop(1);
        }
    }
    call.get_field(2, "sort_unordered");
    layout.sort_unordered = call.truth(-1);
    call.pop(2);
    (!layout.field_order.is_empty() || layout.sort_unordered).then_some(layout)
}

fn decode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let Some(text) = call.real_str(1) else { return call.fail(Error::invalid("string expected")) };
    if text.is_empty() {
        return call.fail(Error::invalid("input cannot be empty"));
    }
    match parse(text).and_then(|v| call.push_plain(&v)) {
        Ok(()) => call.fine(),
        Err(e) => call.fail(e),
    }
}

/// The first document of `text` as guests see it. Errors: Internal, `yaml: line N: ...`.
pub(crate) fn parse(text: &[u8]) -> Result<Value> {
    let text = std::str::from_utf8(text).map_err(|_| Error::internal("yaml: invalid UTF-8"))?;
    let fail = |e: yaml::SyntaxError| Error::internal(format!("yaml: {e}"));
    match yaml::parse(text).map_err(fail)?.root {
        Some(root) => root.into_value(Typing::Guest).map_err(fail),
        None => Ok(Value::Nil),
    }
}
