//! Writing values.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use serde::ser::{self, Serialize};

use super::{ERROR, MAX_DEPTH, Problem, RAW, tag};

pub(super) fn to_vec(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Problem> {
    let mut writer = Writer { out: Vec::new(), depth: 0 };
    value.serialize(&mut writer)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    depth: u32,
}

impl Writer {
    fn text(&mut self, text: &str) -> Result<(), Problem> {
        match u8::try_from(text.len()) {
            Ok(short) => self.out.extend([tag::STR8, short]),
            Err(_) => {
                self.out.push(tag::STR32);
                self.length(text.len())?;
            }
        }
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }
    fn length(&mut self, n: usize) -> Result<(), Problem> {
        let n = u32::try_from(n).map_err(|_| Problem::new("value is too large"))?;
        self.out.extend(n.to_le_bytes());
        Ok(())
    }
    /// Begins a table whose length is put in at its end.
    fn begin(&mut self, tag: u8) -> Result<Table<'_>, Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::new("value is nested deeper than 128 levels"));
        }
        self.out.push(tag);
        let at = self.out.len();
        self.out.extend([0; 4]);
        Ok(Table { writer: self, at: Some(at), count: 0, pair: 0, nested: false })
    }
    /// `{ variant = content }`, as a map that is complete but for the content.
    fn variant(&mut self, variant: &str) -> Result<(), Problem> {
        self.out.push(tag::MAP);
        self.length(1)?;
        self.text(variant)
    }
}

/// A list, a map, or the parts of an error under way.
struct Table<'a> {
    writer: &'a mut Writer,
    /// Where the count goes; an error has none.
    at: Option<usize>,
    count: u32,
    /// Where the current pair began.
    pair: usize,
    /// Inside of a map of one pair.
    nested: bool,
}

impl Table<'_> {
    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Problem> {
        self.count += 1;
        value.serialize(&mut *self.writer)
    }
    fn key(&mut self, key: &(impl Serialize + ?Sized)) -> Result<(), Problem> {
        self.pair = self.writer.out.len();
        key.serialize(&mut *self.writer)
    }
    /// A pair whose value is nil is none.
    fn value(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Problem> {
        let start = self.writer.out.len();
        value.serialize(&mut *self.writer)?;
        if self.writer.out[start..] == [tag::NIL] {
            self.writer.out.truncate(self.pair);
        } else {
            self.count += 1;
        }
        Ok(())
    }
    fn finish(self) -> Result<(), Problem> {
        if let Some(at) = self.at {
            self.writer.out[at..at + 4].copy_from_slice(&self.count.to_le_bytes());
        }
        self.writer.depth -= 1 + u32::from(self.nested);
        Ok(())
    }
}

impl ser::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Problem {
        Problem(message.to_string())
    }
}

impl ser::StdError for Problem {}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Problem;
    type SerializeSeq = Table<'a>;
    type SerializeTuple = Table<'a>;
    type SerializeTupleStruct = Table<'a>;
    type SerializeTupleVariant = Table<'a>;
    type SerializeMap = Table<'a>;
    type SerializeStruct = Table<'a>;
    type SerializeStructVariant = Table<'a>;

    fn serialize_bool(self, v: bool) -> Result<(), Problem> {
        self.out.push(if v { tag::TRUE } else { tag::FALSE });
        Ok(())
    }
    fn serialize_i8(self, v: i8) -> Result<(), Problem> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<(), Problem> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<(), Problem> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<(), Problem> {
        match i8::try_from(v) {
            Ok(small) => self.out.extend([tag::INT8, small as u8]),
            Err(_) => {
                self.out.push(tag::INT64);
                self.out.extend(v.to_le_bytes());
            }
        }
        Ok(())
    }
    fn serialize_u8(self, v: u8) -> Result<(), Problem> {
        self.serialize_i64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<(), Problem> {
        self.serialize_i64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<(), Problem> {
        self.serialize_i64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<(), Problem> {
        let v = i64::try_from(v).map_err(|_| Problem::new("integer is larger than 2^63 - 1"))?;
        self.serialize_i64(v)
    }
    fn serialize_f32(self, v: f32) -> Result<(), Problem> {
        self.serialize_f64(v.into())
    }
    fn serialize_f64(self, v: f64) -> Result<(), Problem> {
        self.out.push(tag::FLOAT);
        self.out.extend(v.to_le_bytes());
        Ok(())
    }
    fn serialize_char(self, v: char) -> Result<(), Problem> {
        self.text(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Result<(), Problem> {
        self.text(v)
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<(), Problem> {
        self.out.push(tag::BYTES);
        self.length(v.len())?;
        self.out.extend_from_slice(v);
        Ok(())
    }
    fn serialize_none(self) -> Result<(), Problem> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Problem> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Problem> {
        self.out.push(tag::NIL);
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Problem> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Problem> {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Problem> {
        let start = self.out.len();
        value.serialize(&mut *self)?;
        if name == RAW {
            // Takes the head of the bytes away again: they are a value themselves.
            self.out.drain(start..start + 5);
        }
        Ok(())
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Problem> {
        self.variant(variant)?;
        self.depth += 1;
        value.serialize(&mut *self)?;
        self.depth -= 1;
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Table<'a>, Problem> {
        self.begin(tag::LIST)
    }
    fn serialize_tuple(self, _: usize) -> Result<Table<'a>, Problem> {
        self.begin(tag::LIST)
    }
    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Table<'a>, Problem> {
        if name != ERROR {
            return self.begin(tag::LIST);
        }
        self.out.push(tag::ERROR);
        self.depth += 1;
        Ok(Table { writer: self, at: None, count: 0, pair: 0, nested: false })
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Table<'a>, Problem> {
        self.variant(variant)?;
        self.depth += 1;
        let table = self.begin(tag::LIST)?;
        Ok(Table { nested: true, ..table })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Table<'a>, Problem> {
        self.begin(tag::MAP)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Table<'a>, Problem> {
        self.begin(tag::MAP)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Table<'a>, Problem> {
        self.variant(variant)?;
        self.depth += 1;
        let table = self.begin(tag::MAP)?;
        Ok(Table { nested: true, ..table })
    }
    fn is_human_readable(&self) -> bool {
        true
    }
}

macro_rules! table {
    ($($trait:ident $(::$method:ident)+;)*) => {
        $(impl ser::$trait for Table<'_> {
            type Ok = ();
            type Error = Problem;
            $(fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
                self.element(value)
            })+
            fn end(self) -> Result<(), Problem> {
                self.finish()
            }
        })*
    };
}

table! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

impl ser::SerializeMap for Table<'_> {
    type Ok = ();
    type Error = Problem;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Problem> {
        self.key(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.value(value)
    }
    fn end(self) -> Result<(), Problem> {
        self.finish()
    }
}

impl ser::SerializeStruct for Table<'_> {
    type Ok = ();
    type Error = Problem;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Problem> {
        self.key(name)?;
        self.value(value)
    }
    fn end(self) -> Result<(), Problem> {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Table<'_> {
    type Ok = ();
    type Error = Problem;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Problem> {
        self.key(name)?;
        self.value(value)
    }
    fn end(self) -> Result<(), Problem> {
        self.finish()
    }
}
