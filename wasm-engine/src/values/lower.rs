//! Plain data as WIT values. Lenient where the reference refuses by accident:
//! small integers, floats and integers for each other inside lists, `{}` as a
//! list, text for `list<u8>`, names and numbers for enums, flags in three
//! forms, absent optional fields.

use wasmtime::component::types::Type;
use wasmtime::component::{Type as WitType, Val};
use wippy_runtime::payload::{Map, Value};

use super::Misfit;

/// Longest text, and most elements of a list.
const MAX_TEXT: usize = 1 << 30;
const MAX_LIST: usize = 1 << 27;

/// The arguments of a call. Errors: `parameter count mismatch`, a value that does not fit, with its place.
pub fn arguments(args: &[Value], types: &[WitType]) -> Result<Vec<Val>, String> {
    check_count(args.len(), types.len())?;
    let one = |(i, (value, ty)): (usize, (&Value, &Type))| lower(value, ty).map_err(|e| at_parameter(i, &e));
    args.iter().zip(types).enumerate().map(one).collect()
}

/// The error for a wrong number of arguments.
pub fn check_count(got: usize, expected: usize) -> Result<(), String> {
    match got == expected {
        true => Ok(()),
        false => Err(format!("[encode] invalid_data: parameter count mismatch: expected {expected}, got {got}")),
    }
}

/// The error for parameter `i`.
pub fn at_parameter(i: usize, misfit: &Misfit) -> String {
    let (path, text) = (misfit.path.text(), &misfit.text);
    format!("[encode] invalid_data at param[{i}]{path}: failed to encode parameter {i}: {text}")
}

/// One value.
pub fn lower(value: &Value, ty: &WitType) -> Result<Val, Misfit> {
    one(value, ty, false)
}

/// What the reference calls the type of a value.
pub fn given(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::Str(_) | Value::Bytes(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Error(_) => "error",
    }
}

pub fn mismatch(value: &Value, wanted: &str) -> Misfit {
    Misfit::new(format!("[encode] type_mismatch: Go type {}, WIT type {wanted}", given(value)))
}

fn out_of_range(value: &Value, wanted: &str) -> Misfit {
    let shown = match value {
        Value::Int(i) => i.to_string(),
        Value::Float(f) => f.to_string(),
        other => other.type_name().to_owned(),
    };
    Misfit::new(format!("[encode] overflow: value {shown} is out of range for {wanted}"))
}

/// A whole number that `T` can hold.
pub fn exact<T: TryFrom<i64>>(value: &Value, wanted: &str) -> Result<T, Misfit> {
    match (value, value.as_int()) {
        (Value::Int(_) | Value::Float(_), Some(i)) => T::try_from(i).map_err(|_| out_of_range(value, wanted)),
        (Value::Float(_), None) => Err(out_of_range(value, wanted)),
        _ => Err(mismatch(value, wanted)),
    }
}

/// A number taken modulo the width of its type; floats lose their fraction.
pub fn wrapped(value: &Value, wanted: &str) -> Result<i64, Misfit> {
    match value {
        Value::Int(i) => Ok(*i),
        Value::Float(f) => Ok(*f as i64),
        _ => Err(mismatch(value, wanted)),
    }
}

pub fn float(value: &Value, wanted: &str) -> Result<f64, Misfit> {
    match value {
        Value::Int(_) | Value::Float(_) => Ok(value.as_float().unwrap_or_default()),
        _ => Err(mismatch(value, wanted)),
    }
}

pub fn boolean(value: &Value) -> Result<bool, Misfit> {
    value.as_bool().ok_or_else(|| mismatch(value, "bool"))
}

/// A code point: the first of a text, or its number.
pub fn character(value: &Value) -> Result<char, Misfit> {
    match value {
        Value::Str(text) => text
            .chars()
            .next()
            .ok_or_else(|| Misfit::new("[encode] invalid_data: empty string cannot be converted to char")),
        Value::Int(i) => u32::try_from(*i).ok().and_then(char::from_u32).ok_or_else(|| out_of_range(value, "char")),
        _ => Err(mismatch(value, "rune/int32")),
    }
}

pub fn string(value: &Value) -> Result<&str, Misfit> {
    let text = match value {
        Value::Str(text) => text,
        Value::Bytes(bytes) => {
            let hex: String = bytes.iter().take(32).map(|b| format!("{b:02x}")).collect();
            return Err(Misfit::new(format!("[encode] invalid_utf8: invalid UTF-8 sequence: {hex}")));
        }
        _ => return Err(mismatch(value, "string")),
    };
    match text.len() {
        0..=MAX_TEXT => Ok(text),
        n => Err(Misfit::new(format!("[encode] overflow: string size {n} exceeds maximum {MAX_TEXT}"))),
    }
}

fn one(value: &Value, ty: &Type, in_list: bool) -> Result<Val, Misfit> {
    Ok(match ty {
        Type::Bool => Val::Bool(boolean(value)?),
        Type::S8 => Val::S8(exact(value, "uint8/int8")?),
        Type::U8 => Val::U8(exact(value, "uint8/int8")?),
        Type::S16 => Val::S16(exact(value, "uint16/int16")?),
        Type::U16 => Val::U16(exact(value, "uint16/int16")?),
        Type::S32 if in_list => Val::S32(exact(value, "int32")?),
        Type::U32 if in_list => Val::U32(exact(value, "uint32")?),
        Type::U64 if in_list => Val::U64(exact(value, "uint64")?),
        Type::S64 if in_list => Val::S64(exact(value, "int64")?),
        Type::S32 => Val::S32(wrapped(value, "uint32/int32")? as i32),
        Type::U32 => Val::U32(wrapped(value, "uint32/int32")? as u32),
        Type::S64 => Val::S64(wrapped(value, "uint64/int64")?),
        Type::U64 => Val::U64(wrapped(value, "uint64/int64")? as u64),
        Type::Float32 => Val::Float32(float(value, "float32")? as f32),
        Type::Float64 => Val::Float64(float(value, "float64")?),
        Type::Char => Val::Char(character(value)?),
        Type::String => Val::String(string(value)?.to_owned()),
        Type::List(list) => return elements(value, &list.ty()),
        Type::Record(record) => return fields(value, record, in_list),
        Type::Tuple(tuple) => {
            let types: Vec<Type> = tuple.types().collect();
            let Value::List(items) = value else { return Err(mismatch(value, "slice/array/struct")) };
            if items.len() != types.len() {
                let text = format!("tuple has {} elements, value has {}", types.len(), items.len());
                return Err(Misfit::new(format!("[encode] invalid_data: {text}")));
            }
            let item = |(i, (v, t)): (usize, (&Value, &Type))| one(v, t, in_list).map_err(|e| e.at_index(i));
            Val::Tuple(items.iter().zip(&types).enumerate().map(item).collect::<Result<_, _>>()?)
        }
        Type::Variant(variant) => return variant_of(value, variant, in_list),
        Type::Enum(e) => Val::Enum(case_name(value, &e.names().collect::<Vec<_>>())?.to_owned()),
        Type::Option(option) => match value {
            Value::Nil => Val::Option(None),
            some => Val::Option(Some(Box::new(one(some, &option.ty(), in_list)?))),
        },
        Type::Result(result) => return result_of(value, result.ok(), result.err(), in_list),
        Type::Flags(flags) => return flags_of(value, &flags.names().collect::<Vec<_>>()),
        Type::Own(_) | Type::Borrow(_) => return Err(mismatch(value, "resource")),
        Type::FixedLengthList(_) | Type::Map(_) | Type::Future(_) | Type::Stream(_) | Type::ErrorContext => {
            return Err(Misfit::new("[encode] unsupported: this type cannot be made from plain data"));
        }
    })
}

fn elements(value: &Value, ty: &Type) -> Result<Val, Misfit> {
    let bytes = match (value, ty) {
        (Value::Str(text), Type::U8) => Some(text.as_bytes()),
        (Value::Bytes(bytes), Type::U8) => Some(&bytes[..]),
        _ => None,
    };
    if let Some(bytes) = bytes {
        return Ok(Val::List(bytes.iter().map(|b| Val::U8(*b)).collect()));
    }
    let items: &[Value] = match value {
        Value::List(items) => items,
        Value::Map(map) if map.is_empty() => &[],
        _ => return Err(mismatch(value, "slice")),
    };
    if items.len() > MAX_LIST {
        let text = format!("list length {} exceeds maximum {MAX_LIST}", items.len());
        return Err(Misfit::new(format!("[encode] overflow: {text}")));
    }
    let item = |(i, v): (usize, &Value)| one(v, ty, true).map_err(|e| e.at_index(i));
    Ok(Val::List(items.iter().enumerate().map(item).collect::<Result<_, _>>()?))
}

/// A table as a map; `{}` may arrive as an empty list.
fn map_of(value: &Value) -> Result<&Map, Misfit> {
    static EMPTY: std::sync::LazyLock<Map> = std::sync::LazyLock::new(Map::new);
    match value {
        Value::Map(map) => Ok(map),
        Value::List(list) if list.is_empty() => Ok(&EMPTY),
        _ => Err(mismatch(value, "map[string]any")),
    }
}

fn fields(value: &Value, record: &wasmtime::component::types::Record, in_list: bool) -> Result<Val, Misfit> {
    let map = map_of(value)?;
    let field = |f: wasmtime::component::types::Field<'_>| {
        let lowered = match (map.get(f.name), &f.ty) {
            (Some(value), ty) => one(value, ty, in_list).map_err(|e| e.at_field(f.name))?,
            (None, Type::Option(_)) => Val::Option(None),
            (None, _) => {
                let text = format!("[encode] field_missing: required field \"{}\" not found", f.name);
                return Err(Misfit::new(text));
            }
        };
        Ok((f.name.to_owned(), lowered))
    };
    Ok(Val::Record(record.fields().map(field).collect::<Result<_, _>>()?))
}

fn variant_of(value: &Value, variant: &wasmtime::component::types::Variant, in_list: bool) -> Result<Val, Misfit> {
    // A case without payload may be just its name.
    if let Value::Str(name) = value
        && variant.cases().any(|case| case.name == name && case.ty.is_none())
    {
        return Ok(Val::Variant(name.clone(), None));
    }
    let map = map_of(value)?;
    for case in variant.cases() {
        let Some(payload) = map.get(case.name) else { continue };
        let payload = match &case.ty {
            Some(ty) => Some(Box::new(one(payload, ty, in_list).map_err(|e| e.at_field(case.name))?)),
            None => None,
        };
        return Ok(Val::Variant(case.name.to_owned(), payload));
    }
    Err(Misfit::new("[encode] invalid_variant: variant value must contain one of the case names"))
}

/// The name of a case given by number or name.
fn case_name<'a>(value: &Value, names: &[&'a str]) -> Result<&'a str, Misfit> {
    match value {
        Value::Int(i) => usize::try_from(*i).ok().and_then(|i| names.get(i)).copied().ok_or_else(|| {
            let max = names.len().saturating_sub(1);
            Misfit::new(format!("[encode] invalid_variant: discriminant {i} out of range (max {max})"))
        }),
        Value::Str(name) => {
            let known = names.iter().find(|n| *n == name).copied();
            known.ok_or_else(|| Misfit::new(format!("[encode] invalid_variant: enum case '{name}' not found")))
        }
        _ => Err(mismatch(value, "integer")),
    }
}

/// `ok` wins over `err`, below a list the other way round.
fn result_of(value: &Value, ok: Option<Type>, err: Option<Type>, in_list: bool) -> Result<Val, Misfit> {
    let map = map_of(value)?;
    let side = |name: &'static str, ty: &Option<Type>| {
        let payload = map.get(name)?;
        Some(match ty {
            Some(ty) => one(payload, ty, in_list).map(|v| Some(Box::new(v))).map_err(|e| e.at_field(name)),
            None => Ok(None),
        })
    };
    let good = |ok| Val::Result(Ok(ok));
    let bad = |err| Val::Result(Err(err));
    let found = match in_list {
        false => side("ok", &ok).map(|r| r.map(good)).or_else(|| side("err", &err).map(|r| r.map(bad))),
        true => side("err", &err).map(|r| r.map(bad)).or_else(|| side("ok", &ok).map(|r| r.map(good))),
    };
    found.unwrap_or_else(|| Err(Misfit::new("[encode] invalid_data: result must have either 'ok' or 'err' key")))
}

/// A bit mask, a list of names, or a map of names to booleans.
fn flags_of(value: &Value, names: &[&str]) -> Result<Val, Misfit> {
    let known = |name: &str| match names.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(Misfit::new(format!("[encode] invalid_variant: flag '{name}' not found"))),
    };
    let set: Vec<String> = match value {
        Value::Int(mask) => {
            if names.len() < 64 && mask >> names.len() != 0 {
                return Err(out_of_range(value, "flags"));
            }
            names
                .iter()
                .enumerate()
                .filter(|(i, _)| mask >> i.min(&63) & 1 == 1)
                .map(|(_, n)| (*n).to_owned())
                .collect()
        }
        Value::List(list) => {
            let name = |(i, v): (usize, &Value)| string(v).and_then(known).map_err(|e| e.at_index(i));
            list.iter().enumerate().map(name).collect::<Result<_, _>>()?
        }
        Value::Map(map) => {
            let on = map.iter().filter(|(_, on)| on.as_bool() != Some(false));
            on.map(|(name, _)| known(name)).collect::<Result<_, _>>()?
        }
        _ => return Err(mismatch(value, "unsigned integer")),
    };
    Ok(Val::Flags(set))
}
