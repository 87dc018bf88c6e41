//! Functions of lists and maps.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::{Answer, int, items, text};
use crate::eval::{Budget, Text};
use crate::value::{Key, Map, Value};

fn map(arguments: &[Value]) -> Option<&Map> {
    match arguments.first() {
        Some(Value::Map(map)) => Some(map),
        _ => None,
    }
}

fn entries(arguments: &[Value]) -> impl Iterator<Item = (&Key, &Value)> {
    map(arguments).into_iter().flat_map(|m| m.entries())
}

pub(super) fn len(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let n = match &arguments[0] {
        Value::Str(text) => {
            budget.step(text.len() as u64 / 64)?;
            text.chars().count()
        }
        Value::Bytes(bytes) => bytes.len(),
        Value::Map(map) => map.entries().len(),
        _ => items(arguments, 0).len(),
    };
    Ok(Value::Int(n as i64))
}

pub(super) fn first(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(items(arguments, 0).first().cloned().unwrap_or_default())
}

pub(super) fn last(_: &mut Budget, arguments: &[Value]) -> Answer {
    Ok(items(arguments, 0).last().cloned().unwrap_or_default())
}

/// What is not there is nil.
pub(super) fn get(_: &mut Budget, arguments: &[Value]) -> Answer {
    let found = match (&arguments[0], &arguments[1]) {
        (Value::Map(map), key) => key.key().and_then(|k| map.at(&k).cloned()),
        (Value::List(list), Value::Int(n)) => {
            let n = if *n < 0 { n.saturating_add(list.items().len() as i64) } else { *n };
            usize::try_from(n).ok().and_then(|n| list.items().get(n).cloned())
        }
        (Value::Str(text), Value::Int(n)) => {
            usize::try_from(*n).ok().and_then(|n| text.as_bytes().get(n)).map(|b| Value::Int((*b).into()))
        }
        _ => None,
    };
    Ok(found.unwrap_or_default())
}

pub(super) fn take(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let (items, n) = (items(arguments, 0), int(arguments, 1).unwrap_or(0));
    let n = usize::try_from(n).map_err(|_| format!("cannot take {n} elements"))?;
    let taken = &items[..n.min(items.len())];
    budget.grow(taken.len() as u64)?;
    Ok(Value::list(taken.to_vec())?)
}

pub(super) fn reverse(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let items = items(arguments, 0);
    budget.grow(items.len() as u64)?;
    Ok(Value::list(items.iter().rev().cloned().collect())?)
}

pub(super) fn uniq(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let items = items(arguments, 0);
    budget.grow(items.len() as u64)?;
    let mut seen: HashSet<Key> = HashSet::new();
    let mut large: Vec<&Value> = Vec::new();
    let mut kept = Vec::new();
    for item in items {
        // Equal numbers are one, of whichever kind.
        let key = match item {
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Some(Key::Int(*f as i64)),
            item => item.key(),
        };
        let new = match key {
            Some(key) => seen.insert(key),
            None => {
                for other in &large {
                    budget.step(item.size().min(other.size()))?;
                }
                let new = !large.contains(&item);
                large.extend(new.then_some(item));
                new
            }
        };
        if new {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept)?)
}

pub(super) fn concat(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let mut all = Vec::new();
    for i in 0..arguments.len() {
        let items = items(arguments, i);
        budget.grow(items.len() as u64)?;
        all.extend_from_slice(items);
    }
    Ok(Value::list(all)?)
}

pub(super) fn flatten(budget: &mut Budget, arguments: &[Value]) -> Answer {
    fn into(all: &mut Vec<Value>, items: &[Value], budget: &mut Budget) -> Result<(), Text> {
        for item in items {
            budget.grow(1)?;
            match item {
                Value::List(list) => into(all, list.items(), budget)?,
                item => all.push(item.clone()),
            }
        }
        Ok(())
    }
    let mut all = Vec::new();
    into(&mut all, items(arguments, 0), budget)?;
    Ok(Value::list(all)?)
}

pub(super) fn sort(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let items = items(arguments, 0);
    let descending = match arguments.get(1) {
        Some(order) => descending(order)?,
        None => false,
    };
    let order = sorted(items, descending, budget)?;
    budget.grow(items.len() as u64)?;
    Ok(Value::list(order.into_iter().map(|i| items[i].clone()).collect())?)
}

/// Whether an order is `desc`.
pub(super) fn descending(order: &Value) -> Result<bool, Text> {
    match order.as_str() {
        Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        _ => Err(format!("unknown order, use \"asc\" or \"desc\" (got {order:?})", order = order.to_string()).into()),
    }
}

/// The places of `keys` in order. Equal ones stay as they are.
pub(super) fn sorted(keys: &[Value], descending: bool, budget: &mut Budget) -> Result<Vec<usize>, Text> {
    let n = keys.len() as u64;
    budget.step(n * u64::from(n.checked_ilog2().unwrap_or(0) + 1))?;
    let mut order: Vec<usize> = (0..keys.len()).collect();
    let turn = |o: std::cmp::Ordering| if descending { o.reverse() } else { o };
    // The order must be total, so all keys are compared as one type.
    if keys.iter().all(|k| matches!(k, Value::Int(_))) {
        let key = |i: usize| if let Value::Int(n) = keys[i] { n } else { 0 };
        order.sort_by(|a, b| turn(key(*a).cmp(&key(*b))));
    } else if keys.iter().all(|k| k.as_float().is_some()) {
        let key = |i: usize| keys[i].as_float().unwrap_or(f64::NAN);
        order.sort_by(|a, b| turn(key(*a).total_cmp(&key(*b))));
    } else if keys.iter().all(|k| k.as_str().is_some()) {
        budget.step(keys.iter().map(Value::size).sum())?;
        let key = |i: usize| keys[i].as_str().unwrap_or_default();
        order.sort_by(|a, b| turn(key(*a).cmp(key(*b))));
    } else {
        let names = |v: &Value| v.type_name();
        let (a, b) = (keys.first().map_or("", names), keys.last().map_or("", names));
        return Err(format!("cannot sort {a} and {b}").into());
    }
    Ok(order)
}

/// As `+`, for numbers.
pub(super) fn add(a: &Value, b: &Value) -> Answer {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.wrapping_add(*b))),
        _ => match (a.as_float(), b.as_float()) {
            (Some(a), Some(b)) => Ok(Value::Float(a + b)),
            _ => Err(format!("invalid operation: {} + {}", a.type_name(), b.type_name()).into()),
        },
    }
}

pub(super) fn keys(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let keys: Vec<Value> = entries(arguments).map(|(k, _)| k.to_value()).collect();
    budget.grow(keys.len() as u64)?;
    Ok(Value::list(keys)?)
}

pub(super) fn values(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let values: Vec<Value> = entries(arguments).map(|(_, v)| v.clone()).collect();
    budget.grow(values.len() as u64)?;
    Ok(Value::list(values)?)
}

pub(super) fn to_pairs(budget: &mut Budget, arguments: &[Value]) -> Answer {
    budget.grow(3 * map(arguments).map_or(0, |m| m.entries().len()) as u64)?;
    let pairs = entries(arguments).map(|(k, v)| Value::list(vec![k.to_value(), v.clone()]));
    Ok(Value::list(pairs.collect::<Result<_, _>>()?)?)
}

pub(super) fn from_pairs(budget: &mut Budget, arguments: &[Value]) -> Answer {
    let mut map = IndexMap::new();
    for pair in items(arguments, 0) {
        budget.grow(1)?;
        let Value::List(pair) = pair else { return Err(format!("invalid pair {pair}").into()) };
        let [key, value] = pair.items() else { return Err("invalid pair length".into()) };
        let key = key.key().ok_or_else(|| format!("cannot use {} as a key", key.type_name()))?;
        map.insert(key, value.clone());
    }
    Ok(Value::map(map)?)
}

/// The separator of `join`, which must stand between texts.
pub(super) fn texts<'a>(arguments: &'a [Value], name: &str) -> Result<(Vec<&'a str>, &'a str), Text> {
    let all = items(arguments, 0).iter().map(|v| {
        v.as_str().ok_or_else(|| Text::Owned(format!("invalid argument for {name} (array of {})", v.type_name())))
    });
    Ok((all.collect::<Result<_, _>>()?, text(arguments, 1, "")))
}
