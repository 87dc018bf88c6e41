//! The types an expression is checked against before it runs. Elements of
//! lists and maps are not tracked; [`Ty::Any`] may be anything.

use std::fmt;

/// What is known of a value before it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    Any,
    Nil,
    Bool,
    Int,
    Float,
    Str,
    Bytes,
    List,
    Map,
    Time,
    Duration,
    Zone,
    /// Has just these members, of these types.
    Object(&'static [(&'static str, Ty)]),
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ty::Any => "unknown",
            Ty::Nil => "nil",
            Ty::Bool => "bool",
            Ty::Int => "int",
            Ty::Float => "float64",
            Ty::Str => "string",
            Ty::Bytes => "[]uint8",
            Ty::List => "[]interface {}",
            Ty::Map => "map[string]interface {}",
            Ty::Time => "time.Time",
            Ty::Duration => "time.Duration",
            Ty::Zone => "*time.Location",
            Ty::Object(_) => "struct",
        })
    }
}

impl Ty {
    /// Of either of two.
    pub(crate) fn join(self, other: Ty) -> Ty {
        match (self, other) {
            (a, b) if a == b => a,
            _ => Ty::Any,
        }
    }
    pub(crate) fn is(self, set: Set) -> bool {
        let bit = match self {
            // What may be nil fails when it runs.
            Ty::Any | Ty::Nil => return true,
            Ty::Bool => Set::BOOL,
            Ty::Int => Set::INT,
            Ty::Float => Set::FLOAT,
            Ty::Str => Set::STR,
            Ty::Bytes => Set::BYTES,
            Ty::List => Set::LIST,
            Ty::Map | Ty::Object(_) => Set::MAP,
            Ty::Time => Set::TIME,
            Ty::Duration => Set::DURATION,
            Ty::Zone => Set::ZONE,
        };
        set.0 & bit.0 != 0
    }
}

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Set(u16);

impl Set {
    pub const NIL: Set = Set(1);
    pub const BOOL: Set = Set(1 << 1);
    pub const INT: Set = Set(1 << 2);
    pub const FLOAT: Set = Set(1 << 3);
    pub const STR: Set = Set(1 << 4);
    pub const BYTES: Set = Set(1 << 5);
    pub const LIST: Set = Set(1 << 6);
    pub const MAP: Set = Set(1 << 7);
    pub const TIME: Set = Set(1 << 8);
    pub const DURATION: Set = Set(1 << 9);
    pub const ZONE: Set = Set(1 << 10);
    pub const ANY: Set = Set(u16::MAX);
    pub const NUMBER: Set = Set::INT.or(Set::FLOAT);

    pub const fn or(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }
    pub fn has(self, value: &crate::Value) -> bool {
        use crate::Value;
        let bit = match value {
            Value::Nil => Set::NIL,
            Value::Bool(_) => Set::BOOL,
            Value::Int(_) => Set::INT,
            Value::Float(_) => Set::FLOAT,
            Value::Str(_) => Set::STR,
            Value::Bytes(_) => Set::BYTES,
            Value::List(_) => Set::LIST,
            Value::Map(_) => Set::MAP,
            Value::Time(_) => Set::TIME,
            Value::Duration(_) => Set::DURATION,
            Value::Zone(_) => Set::ZONE,
        };
        self.0 & bit.0 != 0
    }
}
