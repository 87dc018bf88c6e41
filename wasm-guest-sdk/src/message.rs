//! Messages: a topic and payloads. Declared as an enum, they are typed on both sides: a variant is a topic, its content
//! the payloads.
//!
//! | variant | message |
//! |---|---|
//! | `Stop` | topic `Stop` without payload |
//! | `Add(i64)` | one payload |
//! | `Move(i64, i64)` | two payloads |
//! | `Put { key: String }` | one payload, a table |
//!
//! serde's attributes work: `#[serde(rename_all = "snake_case")]` gives topics as other languages write them.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::ser::{self, Impossible, Serializer};

use crate::flat::de::Reader;
use crate::flat::{self, Problem};
use crate::mailbox::Incoming;
use crate::payload::{FromArgs, Payload};
use crate::{Pid, Result};

/// A message as it arrived.
#[derive(Debug)]
pub struct Message {
    pub topic: String,
    /// `None` for messages that came with the start, and for those of the runtime.
    pub sender: Option<Pid>,
    pub payloads: Vec<Payload>,
}

impl Message {
    /// The first payload. Errors: Invalid for one that is no `T`; no payload reads as nil.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        self.payloads.first().unwrap_or(&Payload::Nil).decode()
    }
    /// All payloads, as a tuple.
    pub fn payloads<T: FromArgs>(&self) -> Result<T> {
        T::from_args(&self.payloads)
    }
    /// The message as a variant of an enum, or, for any other type, its first payload.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        if self.payloads.iter().all(|payload| flat::reader(payload).is_some()) {
            return T::deserialize(Received { topic: &self.topic, payloads: &self.payloads }).map_err(Problem::invalid);
        }
        let flattened = |p: &Payload| flat::flattened(p).map(Payload::flat);
        let payloads: Vec<Payload> = self.payloads.iter().map(flattened).collect::<Result<_>>()?;
        T::deserialize(Received { topic: &self.topic, payloads: &payloads }).map_err(Problem::invalid)
    }
}

/// What `receive` can give: a [`Message`] as it is, or any type that a message decodes to.
pub trait FromMessage: Sized {
    /// [`Incoming::Message`], or [`Incoming::Other`] for something else.
    fn incoming(message: Message) -> Incoming<Self>;
}

impl FromMessage for Message {
    fn incoming(message: Message) -> Incoming<Message> {
        let sender = message.sender;
        Incoming::Message(message, sender)
    }
}

impl<T: DeserializeOwned> FromMessage for T {
    fn incoming(message: Message) -> Incoming<T> {
        match message.decode() {
            Ok(decoded) => Incoming::Message(decoded, message.sender),
            Err(error) => Incoming::Other(message, error),
        }
    }
}

/// Takes an enum apart into a topic and payloads. Error: Invalid for what is no enum.
pub(crate) fn parts(message: &(impl Serialize + ?Sized)) -> Result<(&'static str, Vec<Payload>)> {
    message.serialize(Outgoing).map_err(Problem::invalid)
}

/// A message whose payloads can be read as they are.
#[derive(Clone, Copy)]
struct Received<'de> {
    topic: &'de str,
    payloads: &'de [Payload],
}

impl<'de> Received<'de> {
    fn reader(self, index: usize) -> Reader<'de> {
        match self.payloads.get(index).and_then(flat::reader) {
            Some(reader) => reader,
            None => flat::nil(),
        }
    }
}

macro_rules! first_payload {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.reader(0).$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Received<'de> {
    type Error = Problem;
    first_payload! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq deserialize_map
        deserialize_identifier deserialize_ignored_any
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, v: V) -> Result<V::Value, Problem> {
        self.reader(0).deserialize_unit_struct(name, v)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, v: V) -> Result<V::Value, Problem> {
        self.reader(0).deserialize_newtype_struct(name, v)
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, n: usize, v: V) -> Result<V::Value, Problem> {
        self.reader(0).deserialize_tuple(n, v)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        n: usize,
        v: V,
    ) -> Result<V::Value, Problem> {
        self.reader(0).deserialize_tuple_struct(name, n, v)
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        v: V,
    ) -> Result<V::Value, Problem> {
        self.reader(0).deserialize_struct(name, fields, v)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_enum(self)
    }
}

impl<'de> de::EnumAccess<'de> for Received<'de> {
    type Error = Problem;
    type Variant = Self;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Problem> {
        let topic: StrDeserializer<'_, Problem> = self.topic.into_deserializer();
        Ok((seed.deserialize(topic)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Received<'de> {
    type Error = Problem;
    fn unit_variant(self) -> Result<(), Problem> {
        Ok(())
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Problem> {
        seed.deserialize(&mut self.reader(0))
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_seq(Payloads { message: self, next: 0, len })
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        self.reader(0).deserialize_any(visitor)
    }
}

/// Payloads one after the other; those that are missing are nil.
struct Payloads<'de> {
    message: Received<'de>,
    next: usize,
    len: usize,
}

impl<'de> de::SeqAccess<'de> for Payloads<'de> {
    type Error = Problem;
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        if self.next == self.len {
            return Ok(None);
        }
        self.next += 1;
        seed.deserialize(&mut self.message.reader(self.next - 1)).map(Some)
    }
}

/// Takes enums only.
struct Outgoing;

type Parts = (&'static str, Vec<Payload>);

fn encode(value: &(impl Serialize + ?Sized)) -> Result<Payload, Problem> {
    Payload::new(value).map_err(ser::Error::custom)
}

fn no_enum() -> Problem {
    ser::Error::custom("a message is an enum: its variant is the topic")
}

macro_rules! refused {
    ($($method:ident($($ty:ty),*);)*) => {
        $(fn $method(self, $(_: $ty),*) -> Result<Parts, Problem> {
            Err(no_enum())
        })*
    };
}

impl Serializer for Outgoing {
    type Ok = Parts;
    type Error = Problem;
    type SerializeSeq = Impossible<Parts, Problem>;
    type SerializeTuple = Impossible<Parts, Problem>;
    type SerializeTupleStruct = Impossible<Parts, Problem>;
    type SerializeTupleVariant = Several;
    type SerializeMap = Impossible<Parts, Problem>;
    type SerializeStruct = Impossible<Parts, Problem>;
    type SerializeStructVariant = Fields;

    refused! {
        serialize_bool(bool); serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64); serialize_f32(f32);
        serialize_f64(f64); serialize_char(char); serialize_str(&str); serialize_bytes(&[u8]); serialize_none();
        serialize_unit(); serialize_unit_struct(&'static str);
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Parts, Problem> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Parts, Problem> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Parts, Problem> {
        Ok((variant, Vec::new()))
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Parts, Problem> {
        Ok((variant, alloc::vec![encode(value)?]))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Problem> {
        Err(no_enum())
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Problem> {
        Err(no_enum())
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Problem> {
        Err(no_enum())
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Problem> {
        Err(no_enum())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Problem> {
        Err(no_enum())
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        topic: &'static str,
        _: usize,
    ) -> Result<Several, Problem> {
        Ok(Several { topic, payloads: Vec::new() })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        topic: &'static str,
        _: usize,
    ) -> Result<Fields, Problem> {
        Ok(Fields { topic, fields: Vec::new() })
    }
}

/// A tuple variant: a payload for each member.
struct Several {
    topic: &'static str,
    payloads: Vec<Payload>,
}

impl ser::SerializeTupleVariant for Several {
    type Ok = Parts;
    type Error = Problem;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.payloads.push(encode(value)?);
        Ok(())
    }
    fn end(self) -> Result<Parts, Problem> {
        Ok((self.topic, self.payloads))
    }
}

/// A struct variant: one payload with all fields, each encoded already.
struct Fields {
    topic: &'static str,
    fields: Vec<(&'static str, flat::Encoded)>,
}

impl ser::SerializeStructVariant for Fields {
    type Ok = Parts;
    type Error = Problem;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Problem> {
        self.fields.push((name, flat::Encoded::new(value)?));
        Ok(())
    }
    fn end(self) -> Result<Parts, Problem> {
        let table = Table(&self.fields);
        Ok((self.topic, alloc::vec![encode(&table)?]))
    }
}

struct Table<'a>(&'a [(&'static str, flat::Encoded)]);

impl Serialize for Table<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Request {
        Stop,
        Add(i64),
        MoveTo(i64, i64),
        Put { key: alloc::string::String, value: Option<i64> },
    }

    fn message(topic: &str, payloads: Vec<Payload>) -> Message {
        Message { topic: topic.into(), sender: None, payloads }
    }

    #[test]
    fn a_variant_is_a_topic_and_its_content_the_payloads() {
        let put = Request::Put { key: "k".into(), value: None };
        for (request, topic, count) in [
            (Request::Stop, "stop", 0),
            (Request::Add(1), "add", 1),
            (Request::MoveTo(1, 2), "move_to", 2),
            (put, "put", 1),
        ] {
            let (written, payloads) = parts(&request).unwrap();
            assert_eq!((written, payloads.len()), (topic, count));
            assert_eq!(message(written, payloads).decode::<Request>().unwrap(), request);
        }
    }

    #[test]
    fn what_is_no_message_of_the_type_comes_back_with_the_reason() {
        let Incoming::Other(back, why) = Request::incoming(message("jump", vec![])) else { panic!("another") };
        assert_eq!(back.topic, "jump");
        assert_eq!(why.message(), "unknown variant `jump`, expected one of `stop`, `add`, `move_to`, `put`");
        let why = message("add", vec![Payload::Text("one".into())]).decode::<Request>().unwrap_err();
        assert_eq!(why.message(), "expected i64, got a text");
        assert_eq!(parts(&7).unwrap_err().message(), "a message is an enum: its variant is the topic");
    }

    #[test]
    fn a_plain_type_is_the_first_payload_whatever_the_topic() {
        assert_eq!(message("any", vec![Payload::Float(2.0)]).decode::<i64>().unwrap(), 2);
        let several = message("any", vec![Payload::Int(1), Payload::Bool(true)]);
        assert_eq!(several.payloads::<(i64, bool, Option<i64>)>().unwrap(), (1, true, None));
    }
}
