//! Reading values. The bytes come from other processes and are not trusted: lengths are checked, nesting and the number of
//! references followed are bounded, and whatever is wrong is an error.

use alloc::string::ToString;
use core::fmt;

use serde::de::value::{I64Deserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Unexpected, Visitor};

use super::{ERROR, MAX_DEPTH, Problem, RAW, VALUE, tag};

/// References followed in one value: a table that is reached more often would grow without bound.
const MAX_REFERENCES: u32 = 1 << 16;

/// The head of a value.
#[derive(Clone, Copy)]
pub(crate) enum Item<'de> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'de [u8]),
    Bytes(&'de [u8]),
    List(u32),
    Map(u32),
    /// Values 1 to n, then pairs.
    Table(u32, u32),
    Error,
    Reference(u32),
}

pub(crate) struct Reader<'de> {
    /// From the start of the value on, because references count from there.
    bytes: &'de [u8],
    at: usize,
    depth: u32,
    references: u32,
    /// A value that is not in the bytes.
    given: Option<Item<'de>>,
}

impl<'de> Reader<'de> {
    pub fn new(bytes: &'de [u8]) -> Reader<'de> {
        Reader { bytes, at: 0, depth: 0, references: 0, given: None }
    }
    pub fn of(item: Item<'de>) -> Reader<'de> {
        Reader { given: Some(item), ..Reader::new(&[]) }
    }

    fn take(&mut self, n: usize) -> Result<&'de [u8], Problem> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..n));
        self.at += n;
        taken.ok_or_else(|| Problem::new("value is cut off"))
    }
    fn word<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut word = [0; N];
        word.copy_from_slice(self.take(N)?);
        Ok(word)
    }
    /// A number of elements, each of which takes at least one byte.
    fn count(&mut self) -> Result<u32, Problem> {
        let n = u32::from_le_bytes(self.word()?);
        match n as usize <= self.bytes.len() - self.at.min(self.bytes.len()) {
            true => Ok(n),
            false => Err(Problem::new("value is cut off")),
        }
    }
    fn sized(&mut self) -> Result<&'de [u8], Problem> {
        let n = self.count()? as usize;
        self.take(n)
    }
    /// The next head, without looking behind references.
    pub fn item(&mut self) -> Result<Item<'de>, Problem> {
        if let Some(item) = self.given.take() {
            return Ok(item);
        }
        Ok(match self.word::<1>()?[0] {
            tag::NIL => Item::Nil,
            tag::FALSE => Item::Bool(false),
            tag::TRUE => Item::Bool(true),
            tag::INT8 => Item::Int(i64::from(self.word::<1>()?[0] as i8)),
            tag::INT64 => Item::Int(i64::from_le_bytes(self.word()?)),
            tag::FLOAT => Item::Float(f64::from_le_bytes(self.word()?)),
            tag::STR8 => {
                let n = self.word::<1>()?[0];
                Item::Text(self.take(n.into())?)
            }
            tag::STR32 => Item::Text(self.sized()?),
            tag::BYTES => Item::Bytes(self.sized()?),
            tag::LIST => Item::List(self.count()?),
            tag::MAP => Item::Map(self.count()?),
            tag::TABLE => Item::Table(self.count()?, self.count()?),
            tag::REF => Item::Reference(u32::from_le_bytes(self.word()?)),
            tag::META => {
                // The metatable means something to Lua only.
                self.deeper()?;
                self.skip()?;
                let item = self.item();
                self.depth -= 1;
                item?
            }
            tag::ERROR => Item::Error,
            other => return Err(Problem(alloc::format!("unknown tag {other}"))),
        })
    }
    fn deeper(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::new("value is nested deeper than 128 levels, or contains itself"));
        }
        Ok(())
    }
    /// Passes over one value.
    fn skip(&mut self) -> Result<(), Problem> {
        let parts = match self.item()? {
            Item::List(n) => n.into(),
            Item::Map(n) => 2 * u64::from(n),
            Item::Table(n, pairs) => u64::from(n) + 2 * u64::from(pairs),
            Item::Error => 4,
            _ => return Ok(()),
        };
        self.deeper()?;
        (0..parts).try_for_each(|_| self.skip())?;
        self.depth -= 1;
        Ok(())
    }
    /// A reader at the `n`-th table begun in the value.
    fn follow(&mut self, n: u32) -> Result<Reader<'de>, Problem> {
        self.references += 1;
        if self.references > MAX_REFERENCES {
            return Err(Problem::new("value has too many references"));
        }
        let mut scan = Reader::new(self.bytes);
        let mut begun = 0;
        while scan.at < self.at {
            let start = scan.at;
            // Heads follow each other without gaps; a metatable is the value behind its tag.
            if self.bytes.get(start) == Some(&tag::META) {
                scan.at += 1;
                continue;
            }
            if matches!(scan.item()?, Item::List(_) | Item::Map(_) | Item::Table(..)) {
                if begun == n {
                    return Ok(Reader { at: start, depth: self.depth, references: self.references, ..scan });
                }
                begun += 1;
            }
        }
        Err(Problem::new("reference to a table that has not begun"))
    }
    /// Gives the next head, behind references, to `then`, and a reader that stands behind it.
    fn open<R>(&mut self, then: impl FnOnce(&mut Reader<'de>, Item<'de>) -> Result<R, Problem>) -> Result<R, Problem> {
        match self.item()? {
            Item::Reference(n) => {
                let mut there = self.follow(n)?;
                there.deeper()?;
                let item = there.item()?;
                let result = then(&mut there, item);
                self.references = there.references;
                result
            }
            item => then(self, item),
        }
    }
    fn peek(&self) -> Option<u8> {
        match self.given {
            Some(Item::Nil) => Some(tag::NIL),
            Some(_) => Some(tag::TRUE),
            None => self.bytes.get(self.at).copied(),
        }
    }
    /// Reads `elements` and then passes over `rest` values, and over elements the visitor left.
    fn list<V: Visitor<'de>>(&mut self, elements: u32, rest: u64, visitor: V) -> Result<V::Value, Problem> {
        self.deeper()?;
        let mut list = Elements { reader: self, left: elements };
        let value = visitor.visit_seq(&mut list)?;
        let left = u64::from(list.left) + rest;
        (0..left).try_for_each(|_| self.skip())?;
        self.depth -= 1;
        Ok(value)
    }
    fn map<V: Visitor<'de>>(&mut self, numbered: u32, pairs: u32, visitor: V) -> Result<V::Value, Problem> {
        self.deeper()?;
        let mut map = Pairs { reader: self, numbered, next: 1, pairs };
        let value = visitor.visit_map(&mut map)?;
        let left = u64::from((map.numbered + 1).saturating_sub(map.next)) + 2 * u64::from(map.pairs);
        (0..left).try_for_each(|_| self.skip())?;
        self.depth -= 1;
        Ok(value)
    }
    /// What the type of the value says it is.
    fn plain<V: Visitor<'de>>(&mut self, item: Item<'de>, visitor: V) -> Result<V::Value, Problem> {
        match item {
            Item::Nil | Item::Reference(_) => visitor.visit_unit(),
            Item::Bool(b) => visitor.visit_bool(b),
            Item::Int(i) => visitor.visit_i64(i),
            Item::Float(f) => visitor.visit_f64(f),
            Item::Text(bytes) => match core::str::from_utf8(bytes) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_borrowed_bytes(bytes),
            },
            Item::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Item::List(n) => self.list(n, 0, visitor),
            Item::Table(n, 0) if n > 0 => self.list(n, 0, visitor),
            Item::Table(n, pairs) => self.map(n, pairs, visitor),
            Item::Map(n) => self.map(0, n, visitor),
            Item::Error => {
                self.deeper()?;
                let mut parts = ErrorParts { reader: self, next: 0 };
                let value = visitor.visit_map(&mut parts)?;
                let left = 4 - parts.next;
                (0..left).try_for_each(|_| self.skip())?;
                self.depth -= 1;
                Ok(value)
            }
        }
    }
}

/// Of a whole float the integer, of anything else the thing.
fn whole(item: Item<'_>) -> Item<'_> {
    match item {
        Item::Float(f) if f as i64 as f64 == f && f < 9.2e18 => Item::Int(f as i64),
        other => other,
    }
}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Problem {
        Problem(message.to_string())
    }
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Problem {
        Problem(alloc::format!("expected {expected}, got {}", Shown(unexpected)))
    }
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Problem {
        Self::invalid_type(unexpected, expected)
    }
}

/// What was there, as other languages call it. Floats are not written out: the code for that is a third of a small guest.
struct Shown<'a>(Unexpected<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Unit | Unexpected::Option => f.write_str("nil"),
            Unexpected::Bool(b) => f.write_str(if b { "true" } else { "false" }),
            Unexpected::Signed(n) => write!(f, "integer {n}"),
            Unexpected::Unsigned(n) => write!(f, "integer {n}"),
            Unexpected::Float(_) => f.write_str("a number with a fraction"),
            Unexpected::Char(_) | Unexpected::Str(_) => f.write_str("a text"),
            Unexpected::Bytes(_) => f.write_str("bytes"),
            Unexpected::Seq | Unexpected::TupleVariant => f.write_str("a list"),
            Unexpected::Map | Unexpected::StructVariant => f.write_str("a table"),
            Unexpected::Other(what) => f.write_str(what),
            _ => f.write_str("another value"),
        }
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.open(|reader, item| reader.plain(whole(item), visitor))
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.open(|reader, item| match item {
                // Bytes that are a text may be taken for one.
                Item::Bytes(bytes) => reader.plain(Item::Text(bytes), visitor),
                item => reader.plain(item, visitor),
            })
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.open(|reader, item| reader.plain(item, visitor))
    }
    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }
    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier }
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.open(|reader, item| match item {
            Item::Text(bytes) => visitor.visit_borrowed_bytes(bytes),
            item => reader.plain(item, visitor),
        })
    }
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_bytes(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.peek() == Some(tag::NIL) {
            self.item()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        if name == RAW {
            let start = self.at;
            self.skip()?;
            return visitor.visit_borrowed_bytes(&self.bytes[start..self.at]);
        }
        if name == VALUE && self.peek() != Some(tag::ERROR) {
            return self.deserialize_any(visitor);
        }
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.open(|reader, item| match item {
            Item::Map(0) => reader.list(0, 0, visitor),
            Item::Table(n, pairs) => reader.list(n, 2 * u64::from(pairs), visitor),
            item => reader.plain(item, visitor),
        })
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name != ERROR {
            return self.deserialize_seq(visitor);
        }
        match self.item()? {
            Item::Error => self.list(4, 0, visitor),
            item => self.plain(item, visitor),
        }
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.open(|reader, item| match item {
            Item::List(n) => reader.map(n, 0, visitor),
            Item::Table(n, pairs) => reader.map(n, pairs, visitor),
            item => reader.plain(item, visitor),
        })
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_any(visitor)
    }
    /// A text is a variant without content; a table with one pair is a variant with its content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.open(|reader, item| match item {
            Item::Text(bytes) | Item::Bytes(bytes) => match core::str::from_utf8(bytes) {
                Ok(text) => visitor.visit_enum(IntoDeserializer::<Problem>::into_deserializer(text)),
                Err(_) => Err(Problem::new("expected the name of a variant, got bytes")),
            },
            Item::Map(1) | Item::Table(0, 1) => {
                reader.deeper()?;
                let value = visitor.visit_enum(&mut *reader)?;
                reader.depth -= 1;
                Ok(value)
            }
            _ => Err(Problem::new("expected a text or a table with one key that names a variant")),
        })
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.skip()?;
        visitor.visit_unit()
    }
    serde::forward_to_deserialize_any! { bool f32 f64 unit unit_struct }
}

impl<'de> de::EnumAccess<'de> for &mut Reader<'de> {
    type Error = Problem;
    type Variant = Self;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Problem> {
        Ok((seed.deserialize(&mut *self)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Reader<'de> {
    type Error = Problem;
    fn unit_variant(self) -> Result<(), Problem> {
        self.skip()
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Problem> {
        seed.deserialize(self)
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        de::Deserializer::deserialize_seq(self, visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        de::Deserializer::deserialize_any(self, visitor)
    }
}

struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: u32,
}

impl<'de> de::SeqAccess<'de> for &mut Elements<'_, 'de> {
    type Error = Problem;
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.reader).map(Some)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.left as usize)
    }
}

struct Pairs<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// Values that come first, with their place as key.
    numbered: u32,
    next: u32,
    pairs: u32,
}

impl<'de> de::MapAccess<'de> for &mut Pairs<'_, 'de> {
    type Error = Problem;
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        if self.next <= self.numbered {
            let key = I64Deserializer::<Problem>::new(self.next.into());
            self.next += 1;
            return seed.deserialize(key).map(Some);
        }
        let Some(pairs) = self.pairs.checked_sub(1) else { return Ok(None) };
        self.pairs = pairs;
        seed.deserialize(&mut *self.reader).map(Some)
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        seed.deserialize(&mut *self.reader)
    }
}

/// An error, for those who expect a struct or a map.
struct ErrorParts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    next: usize,
}

impl<'de> de::MapAccess<'de> for &mut ErrorParts<'_, 'de> {
    type Error = Problem;
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        let Some(name) = ["kind", "message", "retryable", "details"].get(self.next) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(StrDeserializer::<Problem>::new(name)).map(Some)
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        seed.deserialize(&mut *self.reader)
    }
}
