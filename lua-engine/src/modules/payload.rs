//! The global `payload`: a value and the format it is in.
//!
//! The value is in the object's slot: a Lua value for `lua/any` and
//! `golang/error`, a string of bytes for all other formats. Conversions go
//! through plain data.

use std::cell::Cell;

use wippy_runtime::Error;
use wippy_runtime::payload::Value;

use super::{Module, ModuleValue, errors};
use crate::member;
use crate::native::{Call, Function, Member, Object, Raise, Ret, Stack, Type};

pub static MODULE: Module = Module {
    name: "payload",
    value: ModuleValue::Table(&[member!("new", new), Member::table("format", FORMATS)]),
    class: &["deterministic", "workflow"],
    description: "Values and the formats they travel in",
};

const JSON: &str = "json/plain";
const YAML: &str = "yaml/plain";
const STRING: &str = "text/plain";
const BYTES: &str = "application/octet-stream";
const MSGPACK: &str = "application/msgpack";
const LUA: &str = "lua/any";
const GOLANG: &str = "golang/any";
const ERROR: &str = "golang/error";

const FORMATS: &[Member] = &[
    Member::str("JSON", JSON),
    Member::str("YAML", YAML),
    Member::str("STRING", STRING),
    Member::str("BYTES", BYTES),
    Member::str("MSGPACK", MSGPACK),
    Member::str("LUA", LUA),
    Member::str("GOLANG", GOLANG),
    Member::str("ERROR", ERROR),
];

/// A value in a format; the value is in the slot.
pub struct Payload {
    format: Cell<&'static str>,
}

const VALUE: i32 = 1;

impl Object for Payload {
    const EXPECTED: &'static str = "payload";
    const METHODS: &'static [Member] = &[
        member!("get_format", get_format),
        member!("data", data),
        member!("unmarshal", data),
        member!("transcode", transcode),
    ];
    const OPERATORS: &'static [Function] = &[crate::native!("__tostring", to_string)];
    const SLOTS: i32 = 1;
}

/// Replaces the value on top by a Payload of it.
pub fn wrap(stack: &Stack<'_>) {
    let format = if stack.object_at::<errors::ErrorObject>(-1).is_some() { ERROR } else { LUA };
    stack.push_object(Payload { format: Cell::new(format) });
    stack.rotate(-2, 1);
    stack.set_slot(-2, VALUE);
}

fn new(call: &mut Call<'_>) -> Result<Ret, Raise> {
    call.any(1)?;
    call.push_copy(1);
    wrap(call);
    Ok(Ret::ONE)
}

fn get_format(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let payload = call.userdata::<Payload>(1)?;
    call.push_str(payload.format.get());
    Ok(Ret::ONE)
}

fn no_path(from: &str, to: &str) -> Error {
    Error::internal(format!("failed to transcode {from} to {to}: no transcoding path found"))
}

fn data(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let format = call.userdata::<Payload>(1)?.format.get();
    call.get_slot(1, VALUE);
    match format {
        LUA | GOLANG | STRING | BYTES => Ok(Ret::ONE),
        JSON => {
            let text = call.bytes(-1).unwrap_or_default().to_vec();
            match serde_json::from_slice::<serde_json::Value>(&text) {
                Ok(value) => {
                    call.push_value(&Value::from(value))?;
                    Ok(Ret::ONE)
                }
                Err(e) => call.fail(Error::internal(e.to_string())),
            }
        }
        other => call.fail(no_path(other, LUA)),
    }
}

fn transcode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let from = call.userdata::<Payload>(1)?.format.get();
    let wanted = call.text(2)?;
    let all = [JSON, YAML, STRING, BYTES, MSGPACK, LUA, GOLANG, ERROR];
    let Some(to) = all.into_iter().find(|f| *f == wanted) else {
        return call.fail(no_path(from, &wanted));
    };
    call.get_slot(1, VALUE);
    let at = call.top();
    match (from, to) {
        (from, to) if from == to => {}
        (LUA | GOLANG, LUA | GOLANG) | (STRING | BYTES, STRING | BYTES | LUA | GOLANG) | (JSON, STRING | BYTES) => {}
        (STRING | BYTES, JSON) => {}
        (LUA | GOLANG, JSON) => {
            let value = call.stack_value(at)?;
            call.push_str(to_json(&value).to_string());
        }
        (LUA | GOLANG, STRING | BYTES) => {
            let text = match call.type_of(at) {
                Type::Nil => Vec::new(),
                Type::String => call.bytes(at).unwrap_or_default().to_vec(),
                _ => call.printed(at).into_bytes(),
            };
            call.push_str(text);
        }
        (JSON, LUA | GOLANG) => {
            let text = call.bytes(at).unwrap_or_default().to_vec();
            match serde_json::from_slice::<serde_json::Value>(&text) {
                Ok(value) => call.push_value(&Value::from(value))?,
                Err(e) => return call.fail(Error::internal(e.to_string())),
            }
        }
        _ => return call.fail(no_path(from, to)),
    }
    call.push_object(Payload { format: Cell::new(to) });
    call.push_copy(-2);
    call.set_slot(-2, VALUE);
    call.fine()
}

fn to_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let format = call.userdata::<Payload>(1)?.format.get();
    call.push_str(format!("payload{{format={format}}}"));
    Ok(Ret::ONE)
}

fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as J;
    match value {
        Value::Nil => J::Null,
        Value::Bool(b) => J::Bool(*b),
        Value::Int(i) => J::from(*i),
        Value::Float(f) => serde_json::Number::from_f64(*f).map_or(J::Null, J::Number),
        Value::Str(s) => J::String(s.clone()),
        Value::Bytes(b) => J::String(String::from_utf8_lossy(b).into_owned()),
        Value::Error(e) => J::String(e.to_string()),
        Value::List(l) => J::Array(l.iter().map(to_json).collect()),
        Value::Map(m) => J::Object(m.iter().map(|(k, v)| (k.clone(), to_json(v))).collect()),
    }
}
