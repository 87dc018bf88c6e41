//! Values between the flat form and the payloads of the contract.

use std::sync::Arc;

use wasmtime::component::{Resource, ResourceTable};
use wippy_runtime::payload::{Flat, FlatReader, FlatWriter, Map, Tag, Value, msgpack};
use wippy_runtime::process::Exit;
use wippy_runtime::{Error, Kind, Result};

use super::bindings::wippy::process::current::TableForm;
use super::bindings::wippy::process::types::{Encoded, Error as GuestError, Format, Payload};
use crate::values::{plain, walk};

/// A value that stays here while the guest holds a handle.
#[derive(Clone)]
pub struct HeldValue(pub Arc<Flat>);

/// Writes payloads one after the other, within `limit` bytes. Errors (Invalid, LimitExceeded): data that is not in its
/// format, handles of values that are gone, too much.
pub fn write_all(table: &mut ResourceTable, w: &mut FlatWriter<'_>, all: Vec<Payload>, limit: usize) -> Result<()> {
    let start = w.position();
    all.into_iter().try_for_each(|payload| write_next(table, w, payload, start, limit))
}

/// Writes a payload; those from the position `start` on take at most `limit` bytes. Errors: as for [`write_all`].
pub fn write_next(
    table: &mut ResourceTable,
    w: &mut FlatWriter<'_>,
    payload: Payload,
    start: usize,
    limit: usize,
) -> Result<()> {
    write(table, w, payload)?;
    if w.position() - start > limit {
        return Err(Error::limit_exceeded(format!("value is larger than {limit} bytes")));
    }
    Ok(())
}

/// Payloads as a buffer of their own.
pub fn encode(table: &mut ResourceTable, all: Vec<Payload>, limit: usize) -> Result<Flat> {
    let mut flat = Flat::new();
    flat.append(|w| write_all(table, w, all, limit))?;
    Ok(flat)
}

fn write(table: &mut ResourceTable, w: &mut FlatWriter<'_>, payload: Payload) -> Result<()> {
    match payload {
        Payload::Nil => w.nil(),
        Payload::Boolean(b) => w.bool(b),
        Payload::Integer(i) => w.int(i),
        Payload::Number(f) => w.float(f),
        Payload::Text(text) => w.str(text.as_bytes()),
        Payload::Bytes(bytes) => w.bytes(&bytes),
        Payload::Encoded(encoded) => write_encoded(w, &encoded)?,
        Payload::Held(handle) => {
            // Passing a value on gives the handle away.
            let held = table.delete(handle).map_err(|_| Error::invalid("the held value is gone"))?;
            w.raw(held.0.as_bytes());
        }
        Payload::Error(error) => w.error(&error_from(error)?),
    }
    Ok(())
}

fn write_encoded(w: &mut FlatWriter<'_>, encoded: &Encoded) -> Result<()> {
    match encoded.format {
        Format::Flat => {
            walk::check_one(&encoded.data)?;
            w.raw(&encoded.data);
        }
        _ => w.value(&decode(encoded)?),
    }
    Ok(())
}

/// The value of encoded data as a tree.
pub fn decode(encoded: &Encoded) -> Result<Value> {
    match encoded.format {
        Format::Flat => {
            walk::check_one(&encoded.data)?;
            plain::small(&mut FlatReader::new(&encoded.data))
        }
        Format::Msgpack => msgpack::decode(&encoded.data),
        Format::Json => {
            let json: serde_json::Value =
                serde_json::from_slice(&encoded.data).map_err(|e| Error::invalid(format!("invalid JSON: {e}")))?;
            Ok(json.into())
        }
    }
}

/// A value in another format. Errors (Invalid): the format cannot express it.
pub fn encode_as(bytes: &[u8], format: Format) -> Result<Vec<u8>> {
    match format {
        Format::Flat => Ok(bytes.to_vec()),
        Format::Msgpack => msgpack::encode(&without_errors(plain::small(&mut FlatReader::new(bytes))?)),
        Format::Json => {
            let value = plain::small(&mut FlatReader::new(bytes))?;
            check_text(&value)?;
            serde_json::to_vec(&value).map_err(|e| Error::invalid(format!("cannot be written as JSON: {e}")))
        }
    }
}

fn without_errors(value: Value) -> Value {
    match value {
        Value::Error(e) => Value::Str(e.to_string()),
        Value::List(list) => list.into_iter().map(without_errors).collect(),
        Value::Map(map) => Value::Map(map.into_iter().map(|(k, v)| (k, without_errors(v))).collect()),
        other => other,
    }
}

fn check_text(value: &Value) -> Result<()> {
    match value {
        Value::Bytes(_) => Err(Error::invalid("cannot be written as JSON: text that is no UTF-8")),
        Value::List(list) => list.iter().try_for_each(check_text),
        Value::Map(map) => map.values().try_for_each(check_text),
        _ => Ok(()),
    }
}

/// Reads all values that are left. A damaged one (only a bug or another machine can send it) ends the list.
pub fn read_all(table: &mut ResourceTable, reader: &mut FlatReader<'_>, form: TableForm) -> Vec<Payload> {
    // Most messages have one.
    let mut all = Vec::with_capacity(usize::from(!reader.is_empty()));
    while !reader.is_empty() {
        match read(table, reader, form) {
            Ok(payload) => all.push(payload),
            Err(error) => {
                tracing::warn!(%error, "damaged payload");
                break;
            }
        }
    }
    all
}

/// Reads the next value in its most direct form.
pub fn read(table: &mut ResourceTable, reader: &mut FlatReader<'_>, form: TableForm) -> Result<Payload> {
    let mut ahead = reader.clone();
    let payload = match ahead.tag()? {
        Tag::Nil => Payload::Nil,
        Tag::False => Payload::Boolean(false),
        Tag::True => Payload::Boolean(true),
        Tag::Int8 => Payload::Integer(i64::from(ahead.u8()? as i8)),
        Tag::Int64 => Payload::Integer(i64::from_le_bytes(ahead.word()?)),
        Tag::Float => Payload::Number(f64::from_le_bytes(ahead.word()?)),
        tag @ (Tag::Str8 | Tag::Str32) => {
            let text = ahead.text(tag)?;
            match std::str::from_utf8(text) {
                Ok(text) => Payload::Text(text.to_owned()),
                Err(_) => Payload::Bytes(text.to_vec()),
            }
        }
        Tag::Bytes => Payload::Bytes(ahead.text(Tag::Bytes)?.to_vec()),
        Tag::Error => Payload::Error(error_to(&ahead.error(0)?)),
        Tag::List | Tag::Map | Tag::Table | Tag::Meta => {
            let piece = walk::next(reader)?;
            return table_payload(table, piece.bytes, form);
        }
        Tag::Ref => return Err(Error::invalid("damaged payload")),
    };
    *reader = ahead;
    Ok(payload)
}

fn table_payload(table: &mut ResourceTable, bytes: &[u8], form: TableForm) -> Result<Payload> {
    let format = match form {
        TableForm::Flat => Some(Format::Flat),
        TableForm::Msgpack => Some(Format::Msgpack),
        TableForm::Json => Some(Format::Json),
        TableForm::Held => None,
    };
    if let Some(format) = format
        && let Ok(data) = encode_as(bytes, format)
    {
        return Ok(Payload::Encoded(Encoded { format, data }));
    }
    match hold(table, Arc::new(Flat::from_bytes(bytes))) {
        Ok(held) => Ok(Payload::Held(held)),
        // There is no handle left. Nothing that arrived gets lost for that.
        Err(_) => Ok(Payload::Encoded(Encoded { format: Format::Flat, data: bytes.to_vec() })),
    }
}

/// A handle to a value. Errors: LimitExceeded.
pub fn hold(table: &mut ResourceTable, flat: Arc<Flat>) -> Result<Resource<HeldValue>> {
    table.push(HeldValue(flat)).map_err(|_| Error::limit_exceeded("too many held values"))
}

/// The single value of a reply; nothing is nil.
pub fn read_reply(table: &mut ResourceTable, flat: &Flat, form: TableForm) -> Result<Payload> {
    if flat.is_empty() { Ok(Payload::Nil) } else { read(table, &mut flat.reader(), form) }
}

/// An outcome as events show it.
pub fn read_exit(table: &mut ResourceTable, exit: &Exit, form: TableForm) -> std::result::Result<Payload, GuestError> {
    match exit {
        Exit::Value(flat) => read_reply(table, flat, form).map_err(|e| error_to(&e)),
        Exit::Error(e) => Err(error_to(e)),
    }
}

/// The named values of a list of pairs, within `limit` bytes together. Errors: those of [`write_all`].
pub fn to_map(table: &mut ResourceTable, pairs: Vec<(String, Payload)>, limit: usize) -> Result<Map> {
    let mut left = limit;
    let mut map = Map::new();
    for (name, payload) in pairs {
        let flat = encode(table, vec![payload], left)?;
        left = left.saturating_sub(flat.as_bytes().len() + name.len());
        map.insert(name, plain::small(&mut flat.reader())?);
    }
    Ok(map)
}

/// A tree as a map in the flat format.
pub fn to_encoded(value: &Value) -> Encoded {
    Encoded { format: Format::Flat, data: Flat::build(|w| w.value(value)).as_bytes().to_vec() }
}

/// An error as guests see it.
pub fn error_to(error: &Error) -> GuestError {
    GuestError {
        kind: error.kind().as_str().to_owned(),
        message: error.to_string(),
        retryable: error.is_retryable(),
        details: error.details().map(|details| to_encoded(&Value::Map(details.clone()))),
    }
}

/// An error that a guest made. Errors: its details are no map.
pub fn error_from(error: GuestError) -> Result<Error> {
    let details = match error.details {
        None => None,
        Some(encoded) => match decode(&encoded)? {
            Value::Map(map) => Some(map),
            Value::Nil => None,
            Value::List(list) if list.is_empty() => None,
            _ => return Err(Error::invalid("the details of an error must be a map")),
        },
    };
    Ok(Error::new(Kind::new(error.kind), error.message).with_retryable(error.retryable).with_details(details))
}
