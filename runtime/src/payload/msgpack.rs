//! Plain data as MessagePack, as programs exchange it: texts and bytes are both
//! written in the old raw family, which readers of either age understand.
//! Reading trusts nothing and bounds nesting.

use rmpv::Value as Packed;

use super::{Map, Value};
use crate::error::{Error, Result};

/// Deepest nesting, written or read.
const MAX_DEPTH: usize = 128;

/// Errors: Invalid if data is nested too deeply or has a part of 4 GiB or more.
pub fn encode(value: &Value) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write(&mut out, value, 0)?;
    Ok(out)
}

fn write(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::invalid(format!("value is nested deeper than {MAX_DEPTH} levels")));
    }
    match value {
        Value::Nil => rmp::encode::write_nil(out).map_err(failed)?,
        Value::Bool(b) => rmp::encode::write_bool(out, *b).map_err(failed)?,
        Value::Int(i) => drop(rmp::encode::write_sint(out, *i).map_err(failed)?),
        Value::Float(f) => rmp::encode::write_f64(out, *f).map_err(failed)?,
        Value::Str(s) => raw(out, s.as_bytes())?,
        Value::Bytes(b) => raw(out, b)?,
        Value::Error(e) => raw(out, e.to_string().as_bytes())?,
        Value::List(list) => {
            rmp::encode::write_array_len(out, length(list.len())?).map_err(failed)?;
            list.iter().try_for_each(|v| write(out, v, depth + 1))?;
        }
        Value::Map(map) => {
            rmp::encode::write_map_len(out, length(map.len())?).map_err(failed)?;
            for (key, v) in map {
                raw(out, key.as_bytes())?;
                write(out, v, depth + 1)?;
            }
        }
    }
    Ok(())
}

/// Writing to a vector does not fail.
fn failed(_: impl std::fmt::Debug) -> Error {
    Error::internal("cannot write MessagePack")
}

fn length(n: usize) -> Result<u32> {
    u32::try_from(n).map_err(|_| Error::invalid("value is too large for MessagePack"))
}

/// The raw family: 5, 16 or 32 bits of length.
fn raw(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    match length(bytes.len())? {
        n @ 0..32 => out.push(0xa0 | n as u8),
        n @ 32..65536 => {
            out.push(0xda);
            out.extend((n as u16).to_be_bytes());
        }
        n => {
            out.push(0xdb);
            out.extend(n.to_be_bytes());
        }
    }
    out.extend(bytes);
    Ok(())
}

/// Errors: Internal for anything that is not one MessagePack value, nested at most 128 deep.
pub fn decode(bytes: &[u8]) -> Result<Value> {
    let mut rest = bytes;
    // The reader counts two a level.
    let value = rmpv::decode::read_value_with_max_depth(&mut rest, MAX_DEPTH * 2 + 2)
        .map_err(|e| Error::internal(format!("msgpack: {e}")))?;
    if !rest.is_empty() {
        return Err(Error::internal("msgpack: bytes after the end"));
    }
    unpack(value)
}

fn unpack(value: Packed) -> Result<Value> {
    Ok(match value {
        Packed::Nil => Value::Nil,
        Packed::Boolean(b) => Value::Bool(b),
        Packed::Integer(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => Value::Int(i),
            _ => return Err(Error::internal("unsupported value: uint64 overflows lua integer")),
        },
        Packed::F32(f) => Value::Float(f.into()),
        Packed::F64(f) => Value::Float(f),
        Packed::String(s) => match String::from_utf8(s.into_bytes()) {
            Ok(text) => Value::Str(text),
            Err(e) => Value::Bytes(e.into_bytes()),
        },
        Packed::Binary(bytes) => Value::Bytes(bytes),
        Packed::Array(list) => Value::List(list.into_iter().map(unpack).collect::<Result<_>>()?),
        Packed::Map(pairs) => Value::Map(pairs.into_iter().map(pair).collect::<Result<Map>>()?),
        Packed::Ext(kind, _) => return Err(Error::internal(format!("msgpack: extension type {kind}"))),
    })
}

fn pair((key, value): (Packed, Packed)) -> Result<(String, Value)> {
    let key = match key {
        Packed::String(s) => String::from_utf8_lossy(s.as_bytes()).into_owned(),
        Packed::Binary(b) => String::from_utf8_lossy(&b).into_owned(),
        other => other.to_string(),
    };
    Ok((key, unpack(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_raw_whatever_their_length() {
        for (n, head) in [(0, vec![0xa0]), (31, vec![0xbf]), (32, vec![0xda, 0, 32]), (65536, vec![0xdb, 0, 1, 0, 0])] {
            let text = Value::Str("x".repeat(n));
            let bytes = encode(&text).unwrap();
            assert_eq!(bytes[..head.len()], head, "{n}");
            assert_eq!(decode(&bytes).unwrap(), text);
        }
        assert_eq!(decode(&encode(&Value::Bytes(vec![0xff])).unwrap()).unwrap(), Value::Bytes(vec![0xff]));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = (0..200).fold(Value::Nil, |v, _| Value::List(vec![v]));
        assert!(encode(&deep).is_err());
        assert!(decode(&[0x91; 100_000]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_handled(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
