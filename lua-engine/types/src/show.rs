//! Types as people read them in messages.

use crate::algebra::without_nil;
use crate::ty::{Function, Record, Results, Shape, Ty};
use std::fmt;

const MAX_DEPTH: u8 = 6;
const MAX_FIELDS: usize = 8;
const MAX_MEMBERS: usize = 6;
const MAX_BYTES: usize = 800;

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Printer { text: String::new() };
        out.ty(self, 0);
        if out.text.len() > MAX_BYTES {
            let end = (0..=MAX_BYTES - 3).rev().find(|i| out.text.is_char_boundary(*i)).unwrap_or(0);
            out.text.truncate(end);
            out.text.push_str("...");
        }
        f.write_str(&out.text)
    }
}

struct Printer {
    text: String,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn ty(&mut self, ty: &Ty, depth: u8) {
        if depth > MAX_DEPTH || self.text.len() > MAX_BYTES {
            self.push("...");
            return;
        }
        match ty {
            Ty::Undetermined | Ty::Unknown => self.push("unknown"),
            Ty::Any => self.push("any"),
            Ty::Never => self.push("never"),
            Ty::Nil | Ty::SoftNil => self.push("nil"),
            Ty::Boolean => self.push("boolean"),
            Ty::Number => self.push("number"),
            Ty::Integer => self.push("integer"),
            Ty::String => self.push("string"),
            Ty::Table => self.push("table"),
            Ty::Bool(b) => self.push(if *b { "true" } else { "false" }),
            Ty::Int(n) => self.push(&n.to_string()),
            Ty::Float(bits) => self.push(&f64::from_bits(*bits).to_string()),
            Ty::Str(text) => self.literal(text),
            Ty::Of(compound) => self.shape(&compound.shape, ty, depth),
        }
    }

    fn literal(&mut self, text: &str) {
        let shown: String = text.chars().take(100).flat_map(char::escape_debug).collect();
        self.push("\"");
        self.push(&shown.replace("\\'", "'"));
        self.push("\"");
    }

    fn shape(&mut self, shape: &Shape, ty: &Ty, depth: u8) {
        match shape {
            Shape::Union(members) => self.union(members, ty, depth),
            Shape::Intersection(parts) => self.list(parts, " & ", depth),
            Shape::Array(element) => {
                self.closed(element, depth);
                self.push("[]");
            }
            Shape::Map(key, value) => {
                self.push("{[");
                self.ty(key, depth + 1);
                self.push("]: ");
                self.ty(value, depth + 1);
                self.push("}");
            }
            Shape::Record(record) => self.record(record, depth),
            Shape::Tuple(parts) => {
                self.push("(");
                self.list(parts, ", ", depth);
                self.push(")");
            }
            Shape::Function(function) => self.function(function, depth),
            Shape::Named(named) => {
                self.push(&named.name);
                if !named.args.is_empty() {
                    self.push("<");
                    self.list(&named.args, ", ", depth);
                    self.push(">");
                }
            }
            Shape::Param(param) => self.push(&param.name),
            Shape::TypeValue(inner) => {
                self.push("typeof(");
                self.ty(inner, depth + 1);
                self.push(")");
            }
            Shape::Receiver => self.push("Self"),
            Shape::Annotated(inner, _) => self.ty(inner, depth),
            Shape::Unresolved(name) => self.push(name),
        }
    }

    fn list(&mut self, parts: &[Ty], separator: &str, depth: u8) {
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                self.push(separator);
            }
            self.ty(part, depth + 1);
        }
    }

    /// A type that something is written behind.
    fn closed(&mut self, ty: &Ty, depth: u8) {
        let is_optional = |m: &[Ty]| m.len() == 2 && m[0].is_nil();
        let open = match ty.shape() {
            Some(Shape::Union(members)) => !is_optional(members),
            Some(Shape::Function(_) | Shape::Intersection(_)) => true,
            _ => false,
        };
        if open {
            self.push("(");
        }
        self.ty(ty, depth + 1);
        if open {
            self.push(")");
        }
    }

    fn union(&mut self, members: &[Ty], ty: &Ty, depth: u8) {
        if members.len() == 2 && members[0].is_nil() {
            self.closed(&without_nil(ty), depth);
            self.push("?");
            return;
        }
        for (i, member) in members.iter().enumerate() {
            if i > 0 {
                self.push(" | ");
            }
            if i == MAX_MEMBERS {
                self.push("...");
                return;
            }
            match member.as_function() {
                Some(_) => self.closed(member, depth),
                None => self.ty(member, depth + 1),
            }
        }
    }

    fn record(&mut self, record: &Record, depth: u8) {
        self.push("{");
        for (i, field) in record.fields.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            if i == MAX_FIELDS {
                self.push("...}");
                return;
            }
            if field.readonly {
                self.push("readonly ");
            }
            self.push(&field.name);
            self.push(if field.optional { "?: " } else { ": " });
            self.ty(&field.ty, depth + 1);
        }
        if record.open {
            self.push(if record.fields.is_empty() { "..." } else { ", ..." });
        }
        self.push("}");
    }

    fn function(&mut self, function: &Function, depth: u8) {
        self.push("fun(");
        for (i, param) in function.params.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            if let Some(name) = &param.name {
                self.push(name);
                self.push(": ");
            }
            self.ty(&param.ty, depth + 1);
        }
        if let Some(rest) = &function.rest {
            self.push(if function.params.is_empty() { "..." } else { ", ..." });
            self.ty(rest, depth + 1);
        }
        self.push(")");
        self.results(&function.results, depth);
    }

    fn results(&mut self, results: &Results, depth: u8) {
        match (results.types.as_slice(), &results.rest) {
            ([], Some(_)) => {}
            ([one], None) => {
                self.push(" -> ");
                self.ty(one, depth + 1);
            }
            (types, rest) => {
                self.push(" -> (");
                self.list(types, ", ", depth);
                if let Some(rest) = rest {
                    self.push(", ...");
                    self.ty(rest, depth + 1);
                }
                self.push(")");
            }
        }
    }
}
