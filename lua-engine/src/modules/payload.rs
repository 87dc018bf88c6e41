//! The global `payload`: a value and the format it is in.
//!
//! The value is in the object's slot: a Lua value for `lua/any` and
//! `golang/error`, a string of bytes for all other formats. Conversions go
//! through plain data.

use std::cell::Cell;

use wippy_runtime::Error;
use wippy_runtime::payload::{Value, msgpack};
use wippy_runtime::yaml;

use super::{Module, ModuleValue, errors};
use crate::member;
use crate::native::{Call, Function, Member, Object, Raise, Ret, Stack, Type, plain::number_text};

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

const FORMATS_BY_NAME: [&str; 8] = [JSON, YAML, STRING, BYTES, MSGPACK, LUA, GOLANG, ERROR];

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

fn no_path() -> Error {
    Error::internal("error transcoding payload").because(Error::internal("no transcoding path found"))
}

fn data(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let format = call.userdata::<Payload>(1)?.format.get();
    call.get_slot(1, VALUE);
    match to_lua(call, format) {
        Ok(()) => Ok(Ret::ONE),
        Err(e) => call.fail(e),
    }
}

fn transcode(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let from = call.userdata::<Payload>(1)?.format.get();
    let wanted = call.text(2)?;
    let Some(to) = FORMATS_BY_NAME.into_iter().find(|f| *f == wanted) else { return call.fail(no_path()) };
    call.get_slot(1, VALUE);
    if from != to
        && let Err(e) = convert(call, from, to)
    {
        return call.fail(e);
    }
    call.push_object(Payload { format: Cell::new(to) });
    call.push_copy(-2);
    call.set_slot(-2, VALUE);
    call.fine()
}

fn failed(cause: Error) -> Error {
    Error::internal("error transcoding payload").because(cause.with_kind(wippy_runtime::Kind::INTERNAL))
}

/// Replaces the value on top, which is in the format `from`, by its form as `to`. JSON goes to and from Lua and, by way
/// of plain data, to YAML and MessagePack; texts are values of their own and are not parsed.
fn convert(stack: &Stack<'_>, from: &'static str, to: &'static str) -> Result<(), Error> {
    match (from, to) {
        (ERROR, _) | (_, ERROR) => Err(no_path()),
        (_, LUA) => to_lua(stack, from),
        (JSON, YAML | MSGPACK | GOLANG) => {
            let json = serde_json::from_slice::<serde_json::Value>(stack.bytes(-1).unwrap_or_default());
            let value = json.map_err(|e| failed(Error::internal(e.to_string())))?;
            encode(stack, &all_floats(Value::from(value)), to)
        }
        (_, JSON) if matches!(from, YAML | MSGPACK | GOLANG) => {
            to_lua(stack, from)?;
            let value = sorted(stack.stack_value(-1).map_err(failed)?);
            let json = serde_json::to_string(&value).map_err(|e| failed(Error::internal(e.to_string())))?;
            // As the reference writes plain data: safe inside HTML.
            replace_text(stack, json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"));
            Ok(())
        }
        (_, JSON) => {
            let text = crate::modules::json::encode::encode(stack, -1).map_err(failed)?;
            replace_text(stack, text);
            Ok(())
        }
        (_, STRING | BYTES) => {
            to_lua(stack, from)?;
            let text = as_text(stack)?;
            replace_text(stack, text);
            Ok(())
        }
        _ => {
            to_lua(stack, from)?;
            let value = stack.stack_value(-1).map_err(failed)?;
            encode(stack, &value, to)
        }
    }
}

/// Replaces what is on top, in the format `from`, by the Lua value it means.
fn to_lua(stack: &Stack<'_>, from: &'static str) -> Result<(), Error> {
    let value = {
        let text = || stack.bytes(-1).unwrap_or_default();
        match from {
            JSON => {
                let text = text().to_vec();
                crate::modules::json::decode::decode(stack, &text).map_err(failed)?;
                stack.rotate(-2, 1);
                stack.drop_top(1);
                return Ok(());
            }
            YAML => super::yaml::parse(text()).map_err(failed)?,
            MSGPACK => msgpack::decode(text()).map_err(failed)?,
            ERROR => return Err(no_path()),
            _ => return Ok(()),
        }
    };
    stack.push_plain(&value).map_err(failed)?;
    stack.rotate(-2, 1);
    stack.drop_top(1);
    Ok(())
}

/// Replaces the top by `value` in the format `to`.
fn encode(stack: &Stack<'_>, value: &Value, to: &'static str) -> Result<(), Error> {
    match to {
        YAML => replace_text(stack, yaml::encode(value, None)),
        MSGPACK => replace_text(stack, msgpack::encode(value).map_err(failed)?),
        _ => {
            stack.push_plain(value).map_err(failed)?;
            stack.rotate(-2, 1);
            stack.drop_top(1);
        }
    }
    Ok(())
}

fn replace_text(stack: &Stack<'_>, text: impl AsRef<[u8]>) {
    stack.drop_top(1);
    stack.push_str(text);
}

/// Numbers of JSON become floats in plain data.
fn all_floats(value: Value) -> Value {
    match value {
        Value::Int(i) => Value::Float(i as f64),
        Value::List(list) => Value::List(list.into_iter().map(all_floats).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(k, v)| (k, all_floats(v))).collect()),
        other => other,
    }
}

/// Keys in the order of their bytes.
fn sorted(value: Value) -> Value {
    match value {
        Value::List(list) => Value::List(list.into_iter().map(sorted).collect()),
        Value::Map(mut map) => {
            map.sort_unstable_keys();
            Value::Map(map.into_iter().map(|(k, v)| (k, sorted(v))).collect())
        }
        other => other,
    }
}

/// The value on top as text: tables in a form for people, `map[a:1 b:2]` or `[1 2]`.
fn as_text(stack: &Stack<'_>) -> Result<Vec<u8>, Error> {
    Ok(match stack.type_of(-1) {
        Type::Nil => Vec::new(),
        Type::String => stack.bytes(-1).unwrap_or_default().to_vec(),
        Type::Table => shown(&sorted(stack.stack_value(-1).map_err(failed)?)).into_bytes(),
        Type::Number | Type::Boolean => shown(&stack.stack_value(-1).map_err(failed)?).into_bytes(),
        _ => stack.printed(-1).into_bytes(),
    })
}

fn shown(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(" ");
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => number_text(*f),
        Value::Str(s) => s.clone(),
        Value::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
        Value::Error(e) => e.to_string(),
        Value::List(list) => format!("[{}]", joined(list.iter().map(shown).collect())),
        Value::Map(map) => {
            format!("map[{}]", joined(map.iter().map(|(k, v)| format!("{k}:{}", shown(v))).collect()))
        }
    }
}

fn to_string(call: &mut Call<'_>) -> Result<Ret, Raise> {
    let format = call.userdata::<Payload>(1)?.format.get();
    call.push_str(format!("payload{{format={format}}}"));
    Ok(Ret::ONE)
}
