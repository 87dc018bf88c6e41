//! Tables: what a constructor gives, what becomes of it in a variable, and why one does not suit.

use super::Checker;
use crate::algebra::{accepts_nil, base, filter, union, widen, without_nil};
use crate::relate::fits;
use crate::ty::{Field, Record, Shape, Ty};
use wippy_lua_syntax::{Node, SyntaxKind};

impl<'t> Checker<'t, '_> {
    /// A table constructor: a fresh record, or a tuple if there are only positions.
    pub(super) fn table(&mut self, node: Node<'t>) -> Ty {
        let mut record = Record { fresh: true, ..Record::default() };
        let mut elements = vec![];
        let mut more = false;
        let fields: Vec<_> = node.children().collect();
        let last = fields.len().wrapping_sub(1);
        for (n, field) in fields.into_iter().enumerate() {
            let value = match field.kind() {
                SyntaxKind::IndexedField => field.children().nth(1),
                _ => field.children().next(),
            };
            let ty = value.map_or(Ty::Undetermined, |v| self.expr(v));
            let name = match field.kind() {
                SyntaxKind::NamedField => field.first_token().map(|t| t.text()),
                SyntaxKind::IndexedField => {
                    let key = field.children().next();
                    let name = key.and_then(super::expr::string_key);
                    if let (Some(key), None) = (key, name) {
                        self.expr(key);
                        record.open = true;
                    }
                    name
                }
                _ => {
                    let several = [SyntaxKind::CallExpr, SyntaxKind::MethodCallExpr, SyntaxKind::VarargExpr];
                    more |= n == last && value.is_some_and(|v| several.contains(&v.kind()));
                    elements.push(ty.clone());
                    None
                }
            };
            if let Some(name) = name {
                record.set(Field { name: self.lower.name(name), ty, optional: false, readonly: false });
            }
        }
        if elements.is_empty() {
            return Ty::record(record);
        }
        if record.fields.is_empty() && !record.open {
            return if more { Ty::array(Ty::Undetermined) } else { Ty::of(Shape::Tuple(elements)) };
        }
        record.open = true;
        Ty::record(record)
    }

    /// Whether a value may be given to something declared. Constants count with their exact type.
    pub(super) fn suits(&mut self, value: &Ty, declared: &Ty, at: Node<'t>) -> bool {
        if fits(value, declared) {
            return true;
        }
        let symbol = self.scopes.symbol_of(at).filter(|_| at.kind() == SyntaxKind::NameExpr);
        let exact = symbol.and_then(|s| self.exact[s.0 as usize].as_ref());
        exact.is_some_and(|exact| base(exact) == *value && fits(exact, declared))
    }
}

/// A type as a message shows it: literals inside a constructor by their base.
pub(super) fn shown(ty: &Ty) -> Ty {
    match ty.shape() {
        Some(Shape::Record(record)) if record.fresh => {
            let fields = record.fields.iter().map(|f| Field { ty: shown_part(&f.ty), ..f.clone() }).collect();
            Ty::record(Record { fields, fresh: false, ..*record })
        }
        Some(Shape::Tuple(elements)) => Ty::array(union(elements.iter().map(shown_part))),
        _ => ty.clone(),
    }
}

fn shown_part(ty: &Ty) -> Ty {
    shown(&widen(ty))
}

/// What a variable without annotation makes of a value: literals become their base, constructors grow.
pub(super) fn stored(ty: &Ty) -> Ty {
    match ty {
        // Nothing has been decided yet.
        Ty::Nil => Ty::Undetermined,
        Ty::Of(c) => match &c.shape {
            Shape::Record(record) if record.fresh => {
                let field = |f: &Field| Field { ty: stored(&f.ty), ..f.clone() };
                let fields = record.fields.iter().map(field).collect();
                Ty::record(Record { fields, open: true, fresh: false, ..*record })
            }
            Shape::Tuple(elements) => Ty::array(union(elements.iter().map(stored))),
            Shape::Union(_) => widen(&filter(ty, &mut |m| match m.shape() {
                Some(_) => stored(m),
                None => m.clone(),
            })),
            _ => ty.clone(),
        },
        _ => base(ty),
    }
}

/// A value as an argument of a generic function sees it: constructors as what they are, other types unchanged.
pub(super) fn stored_exactly(ty: &Ty) -> Ty {
    match ty.shape() {
        Some(Shape::Record(record)) if record.fresh => closed(ty),
        Some(Shape::Tuple(_)) => stored(ty),
        _ => ty.clone(),
    }
}

/// A constructor as a type of its own, for `typeof`.
pub(super) fn closed(ty: &Ty) -> Ty {
    match stored(ty).shape() {
        Some(Shape::Record(record)) => Ty::record(Record { open: false, ..record.clone() }),
        _ => stored(ty),
    }
}

/// What is still certain of a table others can get at: its functions, unless anything at all may be overwritten.
pub(super) fn loosened(ty: &Ty, overwritten: bool) -> Ty {
    match ty.shape() {
        Some(Shape::Record(record)) if record.open && !record.interface => {
            let fields = if overwritten {
                vec![]
            } else {
                record.fields.iter().map(|f| Field { ty: loosened_field(&f.ty), ..f.clone() }).collect()
            };
            Ty::record(Record { fields, ..*record })
        }
        Some(Shape::Array(_)) => Ty::array(Ty::Undetermined),
        Some(Shape::Union(_)) => {
            filter(ty, &mut |m| if m.shape().is_some() { loosened(m, overwritten) } else { m.clone() })
        }
        _ => ty.clone(),
    }
}

pub(super) fn loosened_field(ty: &Ty) -> Ty {
    match ty.shape() {
        Some(Shape::Function(_) | Shape::TypeValue(_)) => ty.clone(),
        Some(Shape::Record(record)) if record.open && !record.interface => loosened(ty, false),
        _ => Ty::Undetermined,
    }
}

/// What a module tells of a value it returns.
pub(super) fn given_away(ty: &Ty) -> Ty {
    loosened(&stored(ty), false)
}

/// The part of a declared type that a value picks.
pub(super) fn narrowed_to(declared: &Ty, value: &Ty) -> Ty {
    let parts = value.resolved();
    filter(declared, &mut |m| match parts.members().iter().any(|v| fits(v, m) || fits(m, v)) {
        true => m.clone(),
        false => Ty::Never,
    })
}

/// Types of the variables of `for ... in ipairs(t)` or `pairs(t)`.
pub(super) fn iteration(table: &Ty, ordered: bool) -> Vec<Ty> {
    let table = table.resolved();
    match table.shape() {
        Some(Shape::Array(element)) => vec![Ty::Integer, without_nil(element)],
        Some(Shape::Map(_, value)) if ordered => vec![Ty::Integer, without_nil(value)],
        Some(Shape::Map(key, value)) => vec![key.clone(), without_nil(value)],
        _ if ordered => vec![Ty::Integer, Ty::Undetermined],
        _ => vec![Ty::Undetermined, Ty::Undetermined],
    }
}

/// Why a table constructor does not suit a declared type; none for other values.
pub(super) fn why_not(value: &Ty, declared: &Ty) -> Option<String> {
    let inner = without_nil(declared);
    let inner = inner.resolved();
    match value.shape() {
        Some(Shape::Record(record)) if record.fresh => Some(why_not_record(record, &inner)),
        Some(Shape::Tuple(elements)) => Some(why_not_elements(elements, &inner)),
        _ => None,
    }
}

fn mismatch(what: &str, at: &str, expected: &Ty, got: &Ty) -> String {
    // The innermost place is what a reader has to change.
    match why_not(got, expected) {
        Some(inner) if inner.contains(" on field '") => {
            let (before, after) = inner.split_once(" on field '").unwrap_or((&inner, ""));
            format!("{before} on field '{at}.{after}")
        }
        _ => format!("{what} mismatch on field '{at}', expected {expected}, got {}", shown(got)),
    }
}

fn why_not_record(record: &Record, declared: &Ty) -> String {
    match declared.shape() {
        Some(Shape::Record(wanted)) => {
            for field in &wanted.fields {
                match record.field(&field.name) {
                    Some(given) if given.ty == Ty::Nil && (field.optional || accepts_nil(&field.ty)) => {}
                    Some(given) if !fits(&given.ty, &field.ty) => {
                        return mismatch("field type", &field.name, &field.ty, &given.ty);
                    }
                    None if !field.optional && !accepts_nil(&field.ty) && !record.open => {
                        return format!("missing required field on field '{}', expected {}", field.name, field.ty);
                    }
                    _ => {}
                }
            }
            "table shape is incompatible with expected record fields".to_owned()
        }
        Some(Shape::Map(key, value)) => {
            let bad = record.fields.iter().find(|f| !fits(&f.ty, value));
            match bad {
                Some(field) if fits(&Ty::Str(field.name.clone()), key) => {
                    mismatch("field value type", &field.name, value, &field.ty)
                }
                _ => "table not compatible with expected type".to_owned(),
            }
        }
        Some(Shape::Array(_) | Shape::Tuple(_)) => "named fields not allowed in array context".to_owned(),
        Some(Shape::Union(_)) => "table not compatible with any union member".to_owned(),
        _ => "table not compatible with expected type".to_owned(),
    }
}

fn why_not_elements(elements: &[Ty], declared: &Ty) -> String {
    match declared.shape() {
        Some(Shape::Array(wanted)) | Some(Shape::Map(_, wanted)) => {
            let bad = elements.iter().enumerate().find(|(_, e)| !fits(e, wanted) && **e != Ty::Nil);
            match bad {
                Some((n, element)) => mismatch("element type", &(n + 1).to_string(), wanted, element),
                None => "table not compatible with expected type".to_owned(),
            }
        }
        Some(Shape::Tuple(wanted)) if elements.len() < wanted.len() => "not enough elements for tuple".to_owned(),
        Some(Shape::Tuple(wanted)) if elements.len() > wanted.len() => "too many elements for tuple".to_owned(),
        Some(Shape::Record(_)) => "array elements not allowed in record context".to_owned(),
        Some(Shape::Union(_)) => "table not compatible with any union member".to_owned(),
        _ => "table not compatible with expected type".to_owned(),
    }
}
