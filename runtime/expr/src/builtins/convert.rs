//! Functions that turn values of one type into another.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wippy_calendar::{RFC3339_NANO, layout};

use super::{Answer, text};
use crate::eval::{Budget, Text};
use crate::value::{Key, Value};

pub(super) fn int(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(Value::Int(match &arguments[0] {
        Value::Int(n) => *n,
        Value::Float(n) => *n as i64,
        _ => {
            let text = text(arguments, 0, "");
            text.parse().map_err(|_| format!("invalid operation: int({text})"))?
        }
    }))
}

pub(super) fn float(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(Value::Float(match arguments[0].as_float() {
        Some(n) => n,
        None => {
            let text = text(arguments, 0, "");
            text.parse().map_err(|_| format!("invalid operation: float({text})"))?
        }
    }))
}

pub(super) fn string(budget: &mut Budget, arguments: &[Value]) -> Answer {
    if let Value::Str(_) = &arguments[0] {
        return Ok(arguments[0].clone());
    }
    budget.grow(arguments[0].size())?;
    Ok(Value::Str(arguments[0].to_string().into()))
}

pub(super) fn type_of(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(Value::text(match &arguments[0] {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "string",
        Value::Bytes(_) | Value::List(_) => "array",
        Value::Map(_) => "map",
        Value::Time(_) => "time.Time",
        Value::Duration(_) => "time.Duration",
        Value::Zone(_) => "time.Location",
    }))
}

pub(super) fn to_base64(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let bytes = match &arguments[0] {
        Value::Bytes(bytes) => bytes,
        _ => text(arguments, 0, "").as_bytes(),
    };
    budget.text(bytes.len().saturating_mul(2))?;
    Ok(Value::Str(STANDARD.encode(bytes).into()))
}

pub(super) fn from_base64(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let text = text(arguments, 0, "");
    budget.text(text.len())?;
    let bytes = STANDARD.decode(text).map_err(|e| format!("invalid base64: {e}"))?;
    Ok(Value::from_bytes(&bytes))
}

/// Numbers are floats.
pub(super) fn from_json(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let text = text(arguments, 0, "");
    budget.grow(text.len() as u64 / 4)?;
    let json: serde_json::Value = serde_json::from_str(text).map_err(|e| format!("invalid JSON: {e}"))?;
    from(json)
}

fn from(json: serde_json::Value) -> Answer {
    use serde_json::Value as Json;
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(n) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::Str(text.into()),
        Json::Array(items) => Value::list(items.into_iter().map(from).collect::<Result<_, _>>()?)?,
        Json::Object(map) => {
            let entries = map.into_iter().map(|(k, v)| Ok((Key::Str(k.into()), from(v)?)));
            Value::map(entries.collect::<Result<_, Text>>()?)?
        }
    })
}

/// Indented by two spaces, keys in order.
pub(super) fn to_json(budget: &mut Budget, arguments: &[Value]) -> Answer {
    budget.grow(arguments[0].size())?;
    let mut out = String::new();
    write(&mut out, &arguments[0], 0)?;
    budget.text(out.len())?;
    Ok(Value::Str(out.into()))
}

/// Largest JSON text: indentation can make it much larger than the value.
const MAX_JSON: usize = 16 << 20;

fn write(out: &mut String, value: &Value, depth: usize) -> Result<(), Text> {
    if out.len() > MAX_JSON {
        return Err(Text::Borrowed("memory budget exceeded"));
    }
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Float(n) if n.is_finite() => out.push_str(&float_text(*n)),
        Value::Float(n) => return Err(format!("json: unsupported value: {}", Value::Float(*n)).into()),
        Value::Str(text) => quote(out, text),
        Value::Time(moment) => quote(out, &layout::format(moment, RFC3339_NANO)),
        Value::Duration(nanos) => out.push_str(&nanos.to_string()),
        Value::Zone(_) => out.push_str("{}"),
        Value::Bytes(bytes) => quote(out, &STANDARD.encode(bytes)),
        Value::List(list) if list.items().is_empty() => out.push_str("[]"),
        Value::List(list) => {
            out.push('[');
            for (i, item) in list.items().iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                line(out, depth + 1);
                write(out, item, depth + 1)?;
            }
            line(out, depth);
            out.push(']');
        }
        Value::Map(map) if map.entries().is_empty() => out.push_str("{}"),
        Value::Map(map) => {
            let mut all: Vec<(String, &Value)> =
                map.entries().iter().map(|(k, v)| (k.to_value().to_string(), v)).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            out.push('{');
            for (i, (key, item)) in all.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                line(out, depth + 1);
                quote(out, key);
                out.push_str(": ");
                write(out, item, depth + 1)?;
            }
            line(out, depth);
            out.push('}');
        }
    }
    Ok(())
}

/// With exponent from 1e21 on and below 1e-6.
fn float_text(n: f64) -> String {
    if n == 0.0 || (1e-6..1e21).contains(&n.abs()) {
        return n.to_string();
    }
    let text = format!("{n:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

/// What could be taken for HTML is escaped, too.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
