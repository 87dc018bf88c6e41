//! Change sets as bytes: the MessagePack form in which a history stores them.
//!
//! An array of `{Kind, Entry, OriginalEntry}` with entries as `{ID: {ns, name},
//! Kind, Meta, Data: {Data, Format}}`. Origins and unrecorded operations are no
//! part of it. Decoding trusts nothing: nesting is bounded and every shape is
//! checked; an error inside an entry's data is stored as its text.

use std::sync::Arc;

use rmpv::Value as Packed;

use crate::error::{Error, Result};
use crate::payload::{Map, Value};
use crate::registry::changeset::{ChangeSet, OpKind, Operation, Scope};
use crate::registry::entry::{Entry, EntryId};

/// How deep entry data may be nested.
const MAX_DEPTH: u32 = 256;
/// What the reader is allowed: [`MAX_DEPTH`] and the four levels around an
/// entry's data (array, operation, entry, payload); it counts two a level.
const READ_DEPTH: usize = (MAX_DEPTH as usize + 4) * 2 + 2;
/// The format name of data that is stored as plain MessagePack.
const FORMAT: &str = "golang/any";

/// Invalid if data is nested deeper than 256 levels.
pub(super) fn encode(changes: &ChangeSet) -> Result<Vec<u8>> {
    let ops = changes.0.iter().filter(|op| op.scope == Scope::History).map(pack_operation).collect::<Result<_>>()?;
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &Packed::Array(ops)).map_err(|e| Error::internal(e.to_string()))?;
    Ok(bytes)
}

/// Internal `damaged change set: …` for anything [`encode`] would not write.
pub(super) fn decode(bytes: &[u8]) -> Result<ChangeSet> {
    let mut rest = bytes;
    let value = rmpv::decode::read_value_with_max_depth(&mut rest, READ_DEPTH).map_err(|e| damaged(&e.to_string()))?;
    match value {
        Packed::Array(ops) if rest.is_empty() => {
            ops.into_iter().map(unpack_operation).collect::<Result<_>>().map(ChangeSet)
        }
        Packed::Array(_) => Err(damaged("bytes after the end")),
        _ => Err(damaged("not an array")),
    }
}

fn damaged(what: &str) -> Error {
    Error::internal(format!("damaged change set: {what}"))
}

fn pack_map<const N: usize>(pairs: [(&str, Packed); N]) -> Packed {
    Packed::Map(pairs.map(|(k, v)| (k.into(), v)).into())
}

fn pack_operation(op: &Operation) -> Result<Packed> {
    let original = op.original.as_ref().map_or(Ok(Packed::Nil), |e| pack_entry(e))?;
    let pairs = [("Kind", op.kind.as_str().into()), ("Entry", pack_entry(&op.entry)?), ("OriginalEntry", original)];
    Ok(pack_map(pairs))
}

fn pack_entry(entry: &Entry) -> Result<Packed> {
    let depth = |e: Error| entry.error(e);
    let id = pack_map([("ns", entry.id.ns().into()), ("name", entry.id.name().into())]);
    let meta = pack_pairs(&entry.meta, MAX_DEPTH).map_err(depth)?;
    let data = match &entry.data {
        Value::Nil => Packed::Nil,
        data => pack_map([("Data", pack(data, MAX_DEPTH).map_err(depth)?), ("Format", FORMAT.into())]),
    };
    Ok(pack_map([("ID", id), ("Kind", entry.kind.as_str().into()), ("Meta", meta), ("Data", data)]))
}

fn pack_pairs(map: &Map, depth: u32) -> Result<Packed> {
    map.iter().map(|(k, v)| Ok((k.as_str().into(), pack(v, depth)?))).collect::<Result<_>>().map(Packed::Map)
}

fn pack(value: &Value, depth: u32) -> Result<Packed> {
    let inner =
        depth.checked_sub(1).ok_or_else(|| Error::invalid(format!("data nested deeper than {MAX_DEPTH} levels")))?;
    Ok(match value {
        Value::Nil => Packed::Nil,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Float(f) => (*f).into(),
        Value::Str(s) => s.as_str().into(),
        Value::Bytes(b) => b.as_slice().into(),
        Value::List(list) => list.iter().map(|v| pack(v, inner)).collect::<Result<_>>().map(Packed::Array)?,
        Value::Map(map) => pack_pairs(map, inner)?,
        Value::Error(e) => e.to_string().into(),
    })
}

/// Takes members out of a map one after the other.
struct Members(Vec<(Packed, Packed)>);

impl Members {
    fn of(value: Packed, what: &str) -> Result<Members> {
        match value {
            Packed::Map(pairs) => Ok(Members(pairs)),
            _ => Err(damaged(&format!("{what} is no map"))),
        }
    }
    fn take(&mut self, key: &str) -> Packed {
        let found = self.0.iter().position(|(k, _)| k.as_str() == Some(key));
        found.map_or(Packed::Nil, |at| self.0.swap_remove(at).1)
    }
    fn text(&mut self, key: &str) -> Result<String> {
        match self.take(key) {
            Packed::Nil => Ok(String::new()),
            value => value.as_str().map(str::to_owned).ok_or_else(|| damaged(&format!("{key} is no text"))),
        }
    }
}

fn unpack_operation(value: Packed) -> Result<Operation> {
    let mut op = Members::of(value, "operation")?;
    let kind = op.text("Kind")?;
    let kind = OpKind::parse(&kind).ok_or_else(|| damaged(&format!("unknown operation {kind:?}")))?;
    let entry = unpack_entry(op.take("Entry"))?;
    let original = match op.take("OriginalEntry") {
        Packed::Nil => None,
        value => Some(Arc::new(unpack_entry(value)?)),
    };
    Ok(Operation::new(kind, entry).with_original(original))
}

fn unpack_entry(value: Packed) -> Result<Entry> {
    let mut entry = Members::of(value, "entry")?;
    let id = match entry.take("ID") {
        Packed::String(text) => EntryId::parse(text.as_str().unwrap_or_default()),
        value => {
            let mut id = Members::of(value, "id")?;
            EntryId::new(&id.text("ns")?, &id.text("name")?)
        }
    };
    if id.name().is_empty() {
        return Err(damaged("an entry without name"));
    }
    let kind = entry.text("Kind")?;
    let meta = match entry.take("Meta") {
        Packed::Nil => Map::new(),
        Packed::Map(pairs) => unpack_pairs(pairs)?,
        _ => return Err(damaged("meta is no map")),
    };
    let data = match entry.take("Data") {
        Packed::Nil => Value::Nil,
        value => unpack_data(value)?,
    };
    Ok(Entry { id, kind, meta, data, origin: None })
}

fn unpack_data(value: Packed) -> Result<Value> {
    let mut payload = Members::of(value, "data")?;
    match payload.text("Format")?.as_str() {
        FORMAT | "lua/any" | "" => unpack(payload.take("Data")),
        other => Err(Error::internal(format!("change set holds data of format {other:?}, which cannot be read"))),
    }
}

fn unpack_pairs(pairs: Vec<(Packed, Packed)>) -> Result<Map> {
    let pair = |(k, v): (Packed, Packed)| {
        let key = k.as_str().ok_or_else(|| damaged("a key is no text"))?.to_owned();
        Ok((key, unpack(v)?))
    };
    pairs.into_iter().map(pair).collect()
}

/// Recursion is bounded by the depth the reader allowed.
fn unpack(value: Packed) -> Result<Value> {
    Ok(match value {
        Packed::Nil => Value::Nil,
        Packed::Boolean(b) => Value::Bool(b),
        Packed::Integer(n) => match n.as_i64() {
            Some(i) => Value::Int(i),
            None => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Packed::F32(f) => Value::Float(f.into()),
        Packed::F64(f) => Value::Float(f),
        Packed::String(s) => match s.into_str() {
            Some(text) => Value::Str(text),
            None => return Err(damaged("text is not UTF-8")),
        },
        Packed::Binary(bytes) => Value::Bytes(bytes),
        Packed::Array(list) => Value::List(list.into_iter().map(unpack).collect::<Result<_>>()?),
        Packed::Map(pairs) => Value::Map(unpack_pairs(pairs)?),
        Packed::Ext(kind, _) => return Err(damaged(&format!("extension type {kind}"))),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (-1e300..1e300f64).prop_map(Value::Float),
            ".*".prop_map(Value::Str),
            any::<Vec<u8>>().prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List);
            let map = prop::collection::vec((".*", inner), 0..6).prop_map(|p| Value::Map(p.into_iter().collect()));
            prop_oneof![list, map]
        })
    }

    fn changes() -> impl Strategy<Value = ChangeSet> {
        let entry = ("[a-z.]{1,8}", "[a-z:]{1,8}", values(), values()).prop_map(|(ns, name, data, tag)| {
            let meta = Map::from([("tag".to_owned(), tag)]);
            Arc::new(Entry { id: EntryId::new(&ns, &name), kind: "k".into(), meta, data, origin: None })
        });
        let entry = entry.boxed();
        let kind = prop::sample::select(vec![OpKind::Create, OpKind::Update, OpKind::Delete]);
        let op = (kind, entry.clone(), prop::option::of(entry))
            .prop_map(|(kind, entry, original)| Operation::new(kind, entry).with_original(original));
        prop::collection::vec(op, 0..5).prop_map(ChangeSet)
    }

    proptest! {
        #[test]
        fn round_trip(changes in changes()) {
            prop_assert_eq!(decode(&encode(&changes).unwrap()).unwrap(), changes);
        }
        #[test]
        fn any_bytes_are_handled(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
        #[test]
        fn a_damaged_byte_is_handled(changes in changes(), at: prop::sample::Index, byte: u8) {
            let mut bytes = encode(&changes).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode(&bytes);
            let _ = decode(&bytes[..at]);
        }
    }

    #[test]
    fn an_empty_change_set_is_one_byte() {
        assert_eq!(encode(&ChangeSet::new()).unwrap(), [0x90]);
    }

    #[test]
    fn nesting_is_bounded_both_ways() {
        let nest = |n: usize| (0..n).fold(Value::Int(1), |v, _| Value::List(vec![v]));
        let with = |data| {
            let entry = Entry { id: EntryId::parse("a:b"), kind: "k".into(), meta: Map::new(), data, origin: None };
            ChangeSet::new().create(entry)
        };
        let deepest = with(nest(255));
        assert_eq!(decode(&encode(&deepest).unwrap()).unwrap(), deepest);
        let error = encode(&with(nest(256))).unwrap_err();
        assert_eq!(error.to_string(), "entry a:b: data nested deeper than 256 levels");
        assert!(decode(&[0x91; 100_000]).is_err());
    }
}
