//! Conversion between Lua values and plain data (`Value`).
//!
//! The rules of "plain conversion": a table with a sequence becomes a list (its
//! other keys are dropped), any other table a map with text keys, everything
//! that is no data its printed text. Off the message path; that is `codec`.

use std::ffi::c_void;

use wippy_runtime::Error;
use wippy_runtime::payload::{Map, Value};

use super::call::{Call, Raise};
use super::object::Object;
use super::stack::{Stack, Type};
use crate::modules::errors::ErrorObject;
use crate::types::TypeObject;

/// Deepest nesting of plain data.
pub const MAX_DEPTH: usize = 128;

impl Call<'_> {
    /// Argument `i` as plain data; a value that contains itself or is too deep is an Error object.
    pub fn value(&self, i: i32) -> Result<Value, Raise> {
        self.stack_value(i).map_err(Raise::from)
    }
    /// As [`Call::value`] for any slot.
    pub fn value_at(&self, i: i32) -> Result<Value, Raise> {
        self.stack_value(i).map_err(Raise::from)
    }
    /// Pushes plain data. Raises when it is too deep.
    pub fn push_value(&self, v: &Value) -> Result<(), Raise> {
        self.push_plain(v).map_err(Raise::from)
    }
    /// Pushes a map.
    pub fn push_map(&self, map: &Map) -> Result<(), Raise> {
        self.plain_map(map, 0).map_err(Raise::from)
    }
}

impl Stack<'_> {
    /// The value in slot `i` as plain data. Errors (Invalid): it contains itself, or is nested too deeply.
    pub fn stack_value(&self, i: i32) -> Result<Value, Error> {
        self.plain(self.absolute(i), &mut Vec::new())
    }
    /// As [`Stack::stack_value`], with the text of Error objects in their place: what others keep or see later.
    pub fn stack_data(&self, i: i32) -> Result<Value, Error> {
        let mut value = self.stack_value(i)?;
        errors_to_text(&mut value);
        Ok(value)
    }
    fn plain(&self, i: i32, parents: &mut Vec<*const c_void>) -> Result<Value, Error> {
        Ok(match self.type_of(i) {
            Type::None | Type::Nil => Value::Nil,
            Type::Boolean => Value::Bool(self.truth(i)),
            Type::Number => match self.is_integer(i) {
                true => Value::Int(self.integer(i).unwrap_or_default()),
                false => Value::Float(self.number(i).unwrap_or_default()),
            },
            Type::String => text_value(self.bytes(i).unwrap_or_default()),
            Type::Table => {
                let p = self.pointer(i);
                if parents.contains(&p) {
                    return Err(Error::invalid("cannot convert a table that contains itself"));
                }
                if parents.len() >= MAX_DEPTH || !self.reserve(8) {
                    return Err(Error::invalid(format!("value is nested deeper than {MAX_DEPTH} levels")));
                }
                parents.push(p);
                let v = self.plain_table(i, parents);
                parents.pop();
                v?
            }
            Type::Userdata => match self.object_at::<ErrorObject>(i) {
                Some(e) => Value::Error(e.to_error()),
                None => Value::Str(
                    self.object_at::<TypeObject>(i)
                        .and_then(Object::text)
                        .map_or_else(|| self.printed(i), str::to_owned),
                ),
            },
            Type::Function | Type::Thread => Value::Str(self.printed(i)),
        })
    }
    fn plain_table(&self, i: i32, parents: &mut Vec<*const c_void>) -> Result<Value, Error> {
        let length = self.last_index(i);
        let base = self.top();
        if length > 0 {
            let mut list = Vec::with_capacity(length.min(1 << 16));
            for n in 1..=length {
                self.get_index(i, n as i64);
                list.push(self.plain(base + 1, parents)?);
                self.pop_raw(1);
            }
            return Ok(Value::List(list));
        }
        let mut map = Map::new();
        self.push_nil();
        while self.next(i) {
            let key = self.key_text(base + 1);
            map.insert(key, self.plain(base + 2, parents)?);
            self.pop_raw(1);
        }
        Ok(Value::Map(map))
    }
    /// The largest positive integer key if the table counts as a list, else 0. A few keys spread so far that the
    /// holes would outgrow them do not make a list.
    pub fn last_index(&self, i: i32) -> usize {
        let (mut last, mut count) = (0_i64, 0_i64);
        let key = self.top() + 1;
        self.push_nil();
        while self.next(i) {
            if self.is_integer(key)
                && let Some(n) = self.integer(key)
                && n > 0
            {
                last = last.max(n);
                count += 1;
            }
            self.pop_raw(1);
        }
        if last <= count.saturating_mul(4).saturating_add(1024) { last as usize } else { 0 }
    }
    /// A key as text, without changing the slot.
    pub fn key_text(&self, i: i32) -> String {
        match self.type_of(i) {
            Type::String => String::from_utf8_lossy(self.bytes(i).unwrap_or_default()).into_owned(),
            Type::Number => match self.is_integer(i) {
                true => self.integer(i).unwrap_or_default().to_string(),
                false => number_text(self.number(i).unwrap_or_default()),
            },
            Type::Boolean => self.truth(i).to_string(),
            _ => self.printed(i),
        }
    }
    /// Type and address, as `tostring` prints values without text of their own; Error objects give their message.
    pub fn printed(&self, i: i32) -> String {
        match self.object_at::<ErrorObject>(i) {
            Some(e) => e.text().to_owned(),
            None => format!("{}: {:p}", self.type_of(i).name(), self.pointer(i)),
        }
    }
    /// Pushes plain data. Errors: it is too deep.
    pub fn push_plain(&self, v: &Value) -> Result<(), Error> {
        self.plain_value(v, 0)
    }
    fn plain_value(&self, v: &Value, depth: usize) -> Result<(), Error> {
        match v {
            Value::Nil => self.push_nil(),
            Value::Bool(b) => self.push_bool(*b),
            Value::Int(i) => self.push_int(*i),
            Value::Float(f) => self.push_float(*f),
            Value::Str(s) => self.push_str(s),
            Value::Bytes(b) => self.push_str(b),
            Value::Error(e) => self.push_error(e.clone()),
            Value::List(l) => {
                self.depth(depth)?;
                self.push_table(l.len(), 0);
                for (i, v) in l.iter().enumerate() {
                    self.plain_value(v, depth + 1)?;
                    self.set_index(-2, i as i64 + 1);
                }
            }
            Value::Map(m) => self.plain_map(m, depth)?,
        }
        Ok(())
    }
    fn plain_map(&self, m: &Map, depth: usize) -> Result<(), Error> {
        self.depth(depth)?;
        self.push_table(0, m.len().max(1));
        for (k, v) in m {
            self.plain_value(v, depth + 1)?;
            self.set_field(-2, k);
        }
        Ok(())
    }
    fn depth(&self, depth: usize) -> Result<(), Error> {
        if depth >= MAX_DEPTH {
            return Err(Error::invalid(format!("value is nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }
}

fn errors_to_text(value: &mut Value) {
    match value {
        Value::Error(e) => *value = Value::Str(e.to_string()),
        Value::List(list) => list.iter_mut().for_each(errors_to_text),
        Value::Map(map) => map.values_mut().for_each(errors_to_text),
        _ => {}
    }
}

/// Text, or bytes when it is no UTF-8.
pub fn text_value(s: &[u8]) -> Value {
    match std::str::from_utf8(s) {
        Ok(s) => Value::Str(s.to_owned()),
        Err(_) => Value::Bytes(s.to_vec()),
    }
}

/// A float as the dialect prints it: integral ones without fraction, the others in the shortest form that
/// reads back, with an exponent below 1e-4 and from 1e6 (1e21 for integral ones).
pub fn number_text(f: f64) -> String {
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if f.fract() == 0.0 && f.abs() < 9.223_372_036_854_775e18 {
        return (f as i64).to_string();
    }
    if f.abs() < 1e-4 || f.abs() >= 1e6 { exponent_text(f) } else { f.to_string() }
}

/// Shortest digits with an exponent of at least two digits, such as `1.5e+06`.
pub fn exponent_text(f: f64) -> String {
    let text = format!("{f:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(e) => format!("{digits}e-{e:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}
