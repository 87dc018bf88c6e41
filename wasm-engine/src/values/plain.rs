//! From the flat form to plain data, by the rules of "plain conversion": a
//! table with a list part is a list (its other keys are dropped), any other a
//! map with text keys. Parts that a value refers to twice are copied, within
//! bounds; a value that contains itself is an error.

use wippy_runtime::payload::{Flat, FlatReader, Map, Tag, Value};
use wippy_runtime::{Error, Result};

/// Values one conversion may make: references can name more than a buffer holds.
const MAX_VALUES: usize = 8 << 20;
/// Deepest nesting of a tree that a host function makes.
const SMALL_DEPTH: u32 = 64;

/// All values of a buffer. Errors (Invalid): damaged, too deep, contains itself, too many.
pub fn values(flat: &Flat) -> Result<Vec<Value>> {
    let mut reader = flat.reader();
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(value(&mut reader)?);
    }
    Ok(all)
}

/// The next value.
pub fn value(reader: &mut FlatReader<'_>) -> Result<Value> {
    within(reader, FlatReader::MAX_DEPTH)
}

/// The next value, for host functions: they run on the stack of their guest, which is small, so trees are less deep.
pub fn small(reader: &mut FlatReader<'_>) -> Result<Value> {
    within(reader, SMALL_DEPTH)
}

fn within(reader: &mut FlatReader<'_>, max_depth: u32) -> Result<Value> {
    let mut plain = Plain { begun: Vec::new(), open: Vec::new(), left: MAX_VALUES, max_depth };
    plain.value(reader, 0)
}

/// Where a container begins, its tag included.
struct Plain<'a> {
    begun: Vec<FlatReader<'a>>,
    /// Numbers of the containers around the current place.
    open: Vec<usize>,
    left: usize,
    max_depth: u32,
}

impl<'a> Plain<'a> {
    fn value(&mut self, r: &mut FlatReader<'a>, depth: u32) -> Result<Value> {
        if depth > self.max_depth {
            return Err(Error::invalid(format!("value is nested deeper than {} levels", self.max_depth)));
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| Error::invalid("value has too many parts"))?;
        let here = r.clone();
        Ok(match r.tag()? {
            Tag::List => {
                let n = r.count(1)?;
                self.container(here, |p| Ok(Value::List(p.items(r, n, depth)?)))?
            }
            Tag::Map => {
                let n = r.count(2)?;
                self.container(here, |p| Ok(Value::Map(p.pairs(r, n, depth)?)))?
            }
            Tag::Table => {
                let (items, pairs) = (r.u32()?, r.u32()?);
                if items as usize + (pairs as usize).saturating_mul(2) > r.rest().len() {
                    return Err(Error::invalid("damaged payload"));
                }
                self.container(here, |p| {
                    let list = p.items(r, items, depth)?;
                    let map = p.pairs(r, pairs, depth)?;
                    Ok(if items > 0 { Value::List(list) } else { Value::Map(map) })
                })?
            }
            Tag::Ref => {
                let n = r.u32()? as usize;
                if self.open.contains(&n) {
                    return Err(Error::invalid("cannot convert a table that contains itself"));
                }
                let mut there = self.begun.get(n).cloned().ok_or_else(|| Error::invalid("damaged payload"))?;
                // Containers inside get the numbers they had; those begun since are put back afterwards.
                let later = self.begun.split_off(n);
                let copy = self.value(&mut there, depth);
                self.begun.truncate(n);
                self.begun.extend(later);
                copy?
            }
            Tag::Meta => {
                // The metatable is a container of its own and not part of the data.
                self.value(r, depth + 1)?;
                self.value(r, depth + 1)?
            }
            Tag::Error => Value::Error(r.error(depth)?),
            Tag::Bytes => Value::Bytes(r.text(Tag::Bytes)?.to_vec()),
            tag @ (Tag::Str8 | Tag::Str32) => text(r.text(tag)?),
            Tag::Nil => Value::Nil,
            Tag::False => Value::Bool(false),
            Tag::True => Value::Bool(true),
            Tag::Int8 => Value::Int(i64::from(r.u8()? as i8)),
            Tag::Int64 => Value::Int(i64::from_le_bytes(r.word()?)),
            Tag::Float => Value::Float(f64::from_le_bytes(r.word()?)),
        })
    }

    fn container(&mut self, here: FlatReader<'a>, read: impl FnOnce(&mut Self) -> Result<Value>) -> Result<Value> {
        let number = self.begun.len();
        self.begun.push(here);
        self.open.push(number);
        let value = read(self);
        self.open.pop();
        value
    }
    fn items(&mut self, r: &mut FlatReader<'a>, n: u32, depth: u32) -> Result<Vec<Value>> {
        (0..n).map(|_| self.value(r, depth + 1)).collect()
    }
    fn pairs(&mut self, r: &mut FlatReader<'a>, n: u32, depth: u32) -> Result<Map> {
        let mut map = Map::new();
        for _ in 0..n {
            let key = match self.value(r, depth + 1)? {
                Value::Str(text) => text,
                Value::Int(i) => i.to_string(),
                Value::Float(f) => f.to_string(),
                Value::Bool(b) => b.to_string(),
                Value::Bytes(b) => String::from_utf8_lossy(&b).into_owned(),
                other => other.type_name().to_owned(),
            };
            let value = self.value(r, depth + 1)?;
            map.insert(key, value);
        }
        Ok(map)
    }
}

/// Text, or bytes where it is no UTF-8.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Str(text.to_owned()),
        Err(_) => Value::Bytes(bytes.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(write: impl FnOnce(&mut wippy_runtime::payload::FlatWriter<'_>)) -> Result<Value> {
        value(&mut Flat::build(write).reader())
    }

    #[test]
    fn shared_parts_are_copied_and_cycles_refused() {
        let shared = flat(|w| {
            w.list(3);
            w.list(1);
            w.list(1);
            w.int(7);
            w.reference(1);
            w.reference(2);
        });
        let seven = Value::List(vec![Value::Int(7)]);
        let nested = Value::List(vec![seven.clone()]);
        assert_eq!(shared.unwrap(), Value::List(vec![nested.clone(), nested, seven]));
        let cycle = flat(|w| {
            w.list(1);
            w.reference(0);
        });
        assert_eq!(cycle.unwrap_err().message(), "cannot convert a table that contains itself");
        assert!(flat(|w| w.reference(3)).is_err());
        // Each level doubles: forty of them would fill any memory.
        let doubling = flat(|w| {
            w.list(41);
            w.list(0);
            for n in 1..=40 {
                w.list(2);
                w.reference(n);
                w.reference(n);
            }
        });
        assert!(doubling.is_err());
    }

    #[test]
    fn tables_with_a_list_part_are_lists() {
        let table = |items: u32, pairs: u32| {
            flat(|w| {
                w.table(items, pairs);
                (0..items).for_each(|n| w.int(i64::from(n)));
                for n in 0..pairs {
                    w.str(format!("k{n}").as_bytes());
                    w.bool(true);
                }
            })
            .unwrap()
        };
        assert_eq!(table(2, 1), Value::List(vec![Value::Int(0), Value::Int(1)]));
        assert_eq!(table(0, 1).get("k0"), Some(&Value::Bool(true)));
    }
}
