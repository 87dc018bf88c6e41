//! Walking over encoded values without decoding them: how long one is, whether
//! it is sound, what lies at a path inside.

use wippy_runtime::payload::{FlatReader, Tag};
use wippy_runtime::{Error, Result};

/// The bytes of the next value, and whether some part of it refers to another. Errors (Invalid): the buffer is damaged,
/// nested too deeply, or refers to what has not begun.
pub fn next<'a>(reader: &mut FlatReader<'a>) -> Result<Piece<'a>> {
    let all = reader.rest();
    let mut walk = Walk { begun: 0, references: false };
    walk.value(reader, 0)?;
    let bytes = &all[..all.len() - reader.rest().len()];
    Ok(Piece { bytes, references: walk.references })
}

/// Errors (Invalid) unless `bytes` are exactly one value.
pub fn check_one(bytes: &[u8]) -> Result<()> {
    let mut reader = FlatReader::new(bytes);
    next(&mut reader)?;
    if reader.is_empty() { Ok(()) } else { Err(damaged()) }
}

/// One encoded value.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    pub bytes: &'a [u8],
    pub references: bool,
}

/// The member `key` of the encoded list, map or table: a text key, an integer key written as text, or the place in a
/// list from 1.
pub fn member<'a>(table: &'a [u8], key: &str) -> Result<Option<Piece<'a>>> {
    let mut r = FlatReader::new(table);
    let (items, pairs) = match r.tag()? {
        Tag::List => (r.count(1)?, 0),
        Tag::Map => (0, r.count(2)?),
        Tag::Table => (r.u32()?, r.u32()?),
        Tag::Meta => {
            next(&mut r)?;
            return member(r.rest(), key);
        }
        _ => return Ok(None),
    };
    let wanted: Option<u32> = key.parse().ok();
    for n in 1..=items {
        let item = next(&mut r)?;
        if wanted == Some(n) {
            return Ok(Some(item));
        }
    }
    for _ in 0..pairs {
        let name = next(&mut r)?;
        let value = next(&mut r)?;
        if is_key(name.bytes, key)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn is_key(encoded: &[u8], key: &str) -> Result<bool> {
    let mut r = FlatReader::new(encoded);
    Ok(match r.tag()? {
        tag @ (Tag::Str8 | Tag::Str32) => r.text(tag)? == key.as_bytes(),
        Tag::Int8 => key.parse() == Ok(i64::from(r.u8()? as i8)),
        Tag::Int64 => key.parse() == Ok(i64::from_le_bytes(r.word()?)),
        _ => false,
    })
}

struct Walk {
    begun: u32,
    references: bool,
}

impl Walk {
    fn value(&mut self, r: &mut FlatReader<'_>, depth: u32) -> Result<()> {
        if depth > FlatReader::MAX_DEPTH {
            return Err(Error::invalid(format!("value is nested deeper than {} levels", FlatReader::MAX_DEPTH)));
        }
        let parts = match r.tag()? {
            Tag::Nil | Tag::False | Tag::True => 0,
            Tag::Int8 => r.take(1).map(|_| 0)?,
            Tag::Int64 | Tag::Float => r.take(8).map(|_| 0)?,
            tag @ (Tag::Str8 | Tag::Str32 | Tag::Bytes) => r.text(tag).map(|_| 0)?,
            Tag::List => self.container(r.count(1)?.into()),
            Tag::Map => {
                let pairs = r.count(2)?;
                self.container(u64::from(pairs) * 2)
            }
            Tag::Table => {
                let (items, pairs) = (r.u32()?, r.u32()?);
                let parts = u64::from(items) + u64::from(pairs) * 2;
                if parts > r.rest().len() as u64 {
                    return Err(damaged());
                }
                self.container(parts)
            }
            Tag::Ref => {
                self.references = true;
                if r.u32()? >= self.begun {
                    return Err(damaged());
                }
                0
            }
            Tag::Meta => 2,
            // Kind, message, retryable, details.
            Tag::Error => 4,
        };
        (0..parts).try_for_each(|_| self.value(r, depth + 1))
    }
    fn container(&mut self, parts: u64) -> u64 {
        self.begun += 1;
        parts
    }
}

fn damaged() -> Error {
    Error::invalid("damaged payload")
}

#[cfg(test)]
mod tests {
    use wippy_runtime::payload::Flat;

    use super::*;

    #[test]
    fn members_are_found_by_number_and_name() {
        let flat = Flat::build(|w| {
            w.table(2, 2);
            w.int(10);
            w.list(1);
            w.str(b"deep");
            w.str(b"name");
            w.bool(true);
            w.int(7);
            w.nil();
        });
        check_one(flat.as_bytes()).unwrap();
        let found = |key: &str| member(flat.as_bytes(), key).unwrap().map(|p| p.bytes.to_vec());
        assert_eq!(found("1"), Some(Flat::build(|w| w.int(10)).as_bytes().to_vec()));
        assert_eq!(found("name"), Some(vec![Tag::True as u8]));
        assert_eq!(found("7"), Some(vec![Tag::Nil as u8]));
        assert_eq!(found("3"), None);
        let inner = found("2").unwrap();
        assert!(member(&inner, "1").unwrap().is_some() && member(&inner, "2").unwrap().is_none());
    }

    #[test]
    fn damaged_values_are_refused() {
        let cases: [&[u8]; 6] =
            [&[], &[Tag::Int64 as u8, 1], &[99], &[12, 0, 0, 0, 0], &[9, 255, 255, 255, 255], &[0, 0]];
        for bytes in cases {
            assert!(check_one(bytes).is_err(), "{bytes:?}");
        }
    }
}
