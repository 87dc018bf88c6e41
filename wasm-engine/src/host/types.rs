//! Pids, values that stay here, and their other forms.

use std::sync::Arc;

use wasmtime::component::Resource;
use wippy_runtime::Error;
use wippy_runtime::payload::{Flat, FlatReader, Tag};
use wippy_runtime::relay::Pid;

use super::bindings::wippy::process::types::{self, Encoded, Format, Payload};
use super::payload::{self, HeldValue, error_to};
use crate::process::GuestState;
use crate::values::{plain, walk};

type Reply<T> = wasmtime::Result<Result<T, types::Error>>;

/// A pid as guests hold it.
pub fn pid_to(pid: Pid) -> types::Pid {
    let (node, host, sequence) = pid.parts();
    types::Pid { node, host, sequence }
}

/// The pid that the numbers of a guest mean; `None` for numbers that never were one.
pub fn pid_from(pid: types::Pid) -> Option<Pid> {
    Pid::from_parts(pid.node, pid.host, pid.sequence)
}

impl types::Host for GuestState {
    fn pid_to_text(&mut self, pid: types::Pid) -> wasmtime::Result<String> {
        Ok(pid_from(pid).map(|pid| pid.to_string()).unwrap_or_default())
    }
    fn parse_pid(&mut self, text: String) -> Reply<types::Pid> {
        Ok(Pid::parse(&text).map(pid_to).map_err(|e| error_to(&e)))
    }
    fn transcode(&mut self, data: Encoded, to: Format) -> Reply<Encoded> {
        let flat = match data.format {
            Format::Flat => walk::check_one(&data.data).map(|()| Flat::from_bytes(&data.data)),
            _ => payload::decode(&data).map(|value| Flat::of([&value])),
        };
        let encoded = flat.and_then(|flat| payload::encode_as(flat.as_bytes(), to));
        Ok(encoded.map(|data| Encoded { format: to, data }).map_err(|e| error_to(&e)))
    }
}

impl GuestState {
    fn held(&self, value: &Resource<HeldValue>) -> wasmtime::Result<&Arc<Flat>> {
        Ok(&self.table.get(value)?.0)
    }
    /// The value at `path`, in a buffer of its own.
    fn find(flat: &Flat, path: &str) -> Option<Flat> {
        let whole = walk::next(&mut flat.reader()).ok()?;
        if whole.references {
            // Parts that are shared can only be told apart in the whole value.
            let value = plain::small(&mut flat.reader()).ok()?;
            let found = path.split('.').filter(|key| !key.is_empty()).try_fold(&value, |value, key| match value {
                wippy_runtime::payload::Value::List(list) => list.get(key.parse::<usize>().ok()?.checked_sub(1)?),
                value => value.get(key),
            });
            return found.map(|value| Flat::of([value]));
        }
        let mut bytes = whole.bytes;
        for key in path.split('.').filter(|key| !key.is_empty()) {
            bytes = walk::member(bytes, key).ok()??.bytes;
        }
        Some(Flat::from_bytes(bytes))
    }
}

impl types::HostValue for GuestState {
    fn kind(&mut self, value: Resource<HeldValue>) -> wasmtime::Result<String> {
        let mut reader = self.held(&value)?.reader();
        Ok(kind(&mut reader).to_owned())
    }
    fn len(&mut self, value: Resource<HeldValue>) -> wasmtime::Result<u32> {
        let mut reader = self.held(&value)?.reader();
        Ok(length(&mut reader).unwrap_or_default())
    }
    fn get(&mut self, value: Resource<HeldValue>, path: String) -> wasmtime::Result<Option<Payload>> {
        let Some(found) = GuestState::find(self.held(&value)?, &path) else { return Ok(None) };
        let form = self.tables;
        Ok(payload::read(&mut self.table, &mut found.reader(), form).ok())
    }
    fn encode(&mut self, value: Resource<HeldValue>, format: Format) -> Reply<Vec<u8>> {
        Ok(payload::encode_as(self.held(&value)?.as_bytes(), format).map_err(|e| error_to(&e)))
    }
    fn share(&mut self, value: Resource<HeldValue>) -> wasmtime::Result<Resource<HeldValue>> {
        let flat = self.held(&value)?.clone();
        payload::hold(&mut self.table, flat).map_err(wasmtime::Error::new)
    }
    fn drop(&mut self, value: Resource<HeldValue>) -> wasmtime::Result<()> {
        self.table.delete(value)?;
        Ok(())
    }
}

fn kind(reader: &mut FlatReader<'_>) -> &'static str {
    match reader.tag() {
        Ok(Tag::List) => "list",
        Ok(Tag::Map) => "map",
        Ok(Tag::Table) => match reader.u32() {
            Ok(0) | Err(_) => "map",
            Ok(_) => "list",
        },
        Ok(Tag::Meta) => match walk::next(reader) {
            Ok(_) => kind(reader),
            Err(_) => "nil",
        },
        Ok(Tag::False | Tag::True) => "boolean",
        Ok(Tag::Int8 | Tag::Int64) => "integer",
        Ok(Tag::Float) => "number",
        Ok(Tag::Str8 | Tag::Str32) => "text",
        Ok(Tag::Bytes) => "bytes",
        Ok(Tag::Error) => "error",
        Ok(Tag::Nil | Tag::Ref) | Err(_) => "nil",
    }
}

fn length(reader: &mut FlatReader<'_>) -> Result<u32, Error> {
    Ok(match reader.tag()? {
        Tag::List | Tag::Map => reader.u32()?,
        Tag::Table => match (reader.u32()?, reader.u32()?) {
            (0, pairs) => pairs,
            (items, _) => items,
        },
        Tag::Meta => {
            walk::next(reader)?;
            length(reader)?
        }
        tag @ (Tag::Str8 | Tag::Str32 | Tag::Bytes) => u32::try_from(reader.text(tag)?.len()).unwrap_or(u32::MAX),
        _ => 0,
    })
}
