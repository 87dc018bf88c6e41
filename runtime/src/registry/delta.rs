//! The operations that turn one set of entries into another.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::changeset::{OpKind, Operation};
use super::entry::{Entry, EntryId};
use crate::payload::{Map, Value};

/// Operations turning `from` into `to`, by (namespace, name); an entry whose
/// kind changed is deleted and created. Integers equal floats of the same
/// value and the order of keys does not matter. Of several entries with one
/// id the last counts.
pub fn build_delta(from: &[Arc<Entry>], to: &[Arc<Entry>]) -> Vec<Operation> {
    let index = |list: &[Arc<Entry>]| -> BTreeMap<EntryId, Arc<Entry>> {
        list.iter().map(|e| (e.id.clone(), e.clone())).collect()
    };
    let (old, new) = (index(from), index(to));
    let mut ops = Vec::new();
    for (id, before) in &old {
        match new.get(id) {
            Some(after) if after.kind == before.kind => {}
            _ => ops.push(Operation::new(OpKind::Delete, before.clone()).with_original(Some(before.clone()))),
        }
    }
    for (id, after) in &new {
        match old.get(id) {
            Some(before) if before.kind == after.kind => {
                if !same(before, after) {
                    let op = Operation::new(OpKind::Update, after.clone());
                    ops.push(op.with_original(Some(before.clone())));
                }
            }
            _ => ops.push(Operation::new(OpKind::Create, after.clone())),
        }
    }
    ops
}

fn same(a: &Arc<Entry>, b: &Arc<Entry>) -> bool {
    Arc::ptr_eq(a, b) || (a.kind == b.kind && same_map(&a.meta, &b.meta) && same_value(&a.data, &b.data))
}

fn same_map(a: &Map, b: &Map) -> bool {
    a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same_value(v, w)))
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(i), Value::Float(f)) | (Value::Float(f), Value::Int(i)) => *i as f64 == *f,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Map(a), Value::Map(b)) => same_map(a, b),
        _ => a == b,
    }
}
