//! Building unions and intersections, and taking parts of types away.
//!
//! All narrowing ends here: a test keeps or removes members of a union. Names are looked through only where a member
//! behind them is affected, so that a type keeps the name its author gave it.

use crate::ty::{Field, Record, Shape, Ty};
use smallvec::SmallVec;
use std::borrow::Cow;

/// Unions of more members are given up as undetermined.
const MAX_MEMBERS: usize = 512;
/// Names and unions in each other that are looked through.
const MAX_NAMES: u8 = 16;

/// What a union is made of: mostly a few types.
type Members = SmallVec<[Ty; 4]>;

/// Place of a type in a union: nil first, then the simple types, then the others.
fn rank(ty: &Ty) -> u8 {
    match ty {
        Ty::Nil | Ty::SoftNil => 0,
        Ty::Boolean | Ty::Bool(_) => 1,
        Ty::Integer | Ty::Int(_) => 2,
        Ty::Number | Ty::Float(_) => 3,
        Ty::String | Ty::Str(_) => 4,
        _ => 5,
    }
}

/// The union of types, in normal form.
pub fn union(types: impl IntoIterator<Item = Ty>) -> Ty {
    let mut members = Members::new();
    let (mut any, mut unknown) = (false, false);
    for ty in types {
        for member in ty.members() {
            match member {
                Ty::Undetermined => return Ty::Undetermined,
                Ty::Any => any = true,
                Ty::Unknown => unknown = true,
                Ty::Never => {}
                _ => members.push(member.clone()),
            }
        }
        if members.len() > 4 * MAX_MEMBERS {
            return Ty::Undetermined;
        }
    }
    if any {
        return Ty::Any;
    }
    if members.len() == 1 {
        return members.swap_remove(0);
    }
    members.sort_by(|a, b| match (a, b) {
        (Ty::Str(a), Ty::Str(b)) => a.cmp(b),
        (Ty::Int(a), Ty::Int(b)) => a.cmp(b),
        (Ty::Bool(a), Ty::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    });
    drop_subsumed(&mut members);
    match members.len() {
        0 if unknown => Ty::Unknown,
        0 => Ty::Never,
        1 => members.swap_remove(0),
        n if n > MAX_MEMBERS => Ty::Undetermined,
        _ => Ty::of(Shape::Union(members.into_vec())),
    }
}

fn drop_subsumed(members: &mut Members) {
    let (mut nil, mut boolean, mut yes, mut no) = (false, false, false, false);
    let (mut number, mut integer, mut string, mut table) = (false, false, false, false);
    for member in members.iter() {
        match member {
            Ty::Nil => nil = true,
            Ty::Boolean => boolean = true,
            Ty::Bool(true) => yes = true,
            Ty::Bool(false) => no = true,
            Ty::Number => (number, integer) = (true, true),
            Ty::Integer => integer = true,
            Ty::String => string = true,
            Ty::Table => table = true,
            _ => {}
        }
    }
    let both = yes && no;
    members.retain(|m| match m {
        Ty::SoftNil => !nil,
        Ty::Bool(_) => !boolean && !both,
        Ty::Int(_) => !integer,
        Ty::Integer | Ty::Float(_) => !number,
        Ty::Str(_) => !string,
        Ty::Of(c) => !(table && matches!(c.shape, Shape::Record(_) | Shape::Array(_) | Shape::Map(..))),
        _ => true,
    });
    if both && !boolean {
        let at = members.iter().position(|m| rank(m) >= 1).unwrap_or(members.len());
        members.insert(at, Ty::Boolean);
    }
    // Simple members are sorted: equal ones are neighbours. The others are few or already told apart by pointer.
    let mut kept = 0;
    for at in 0..members.len() {
        let (before, member) = (&members[..kept], &members[at]);
        let known = match rank(member) {
            5 => before.iter().rev().take(32).any(|k| k == member),
            _ => before.last() == Some(member),
        };
        if !known {
            members.swap(kept, at);
            kept += 1;
        }
    }
    members.truncate(kept);
}

pub fn either(a: Ty, b: Ty) -> Ty {
    if a == b { a } else { union([a, b]) }
}

pub fn optional(ty: Ty) -> Ty {
    either(ty, Ty::Nil)
}

/// The intersection of two types.
pub fn intersection(a: Ty, b: Ty) -> Ty {
    match (&a, &b) {
        (Ty::Undetermined, _) | (_, Ty::Undetermined) => return Ty::Undetermined,
        (Ty::Never, _) | (_, Ty::Never) => return Ty::Never,
        (Ty::Any | Ty::Unknown, _) => return b,
        (_, Ty::Any | Ty::Unknown) => return a,
        _ if a == b => return a,
        _ => {}
    }
    if let (Some(Shape::Union(_)), _) | (_, Some(Shape::Union(_))) = (a.shape(), b.shape()) {
        let pairs = a.members().iter().flat_map(|x| b.members().iter().map(|y| intersection(x.clone(), y.clone())));
        return union(pairs.take(MAX_MEMBERS));
    }
    if let (Some(x), Some(y)) = (a.as_record(), b.as_record()) {
        return Ty::record(merged(x, y));
    }
    let (simple_a, simple_b) = (a.shape().is_none(), b.shape().is_none());
    if simple_a && simple_b {
        return if base(&a) == b {
            a
        } else if base(&b) == a {
            b
        } else {
            match (&a, &b) {
                (Ty::Integer | Ty::Int(_), Ty::Number) => a,
                (Ty::Number, Ty::Integer | Ty::Int(_)) => b,
                _ => Ty::Never,
            }
        };
    }
    let mut parts: Vec<Ty> = vec![];
    for side in [a, b] {
        match side.shape() {
            Some(Shape::Intersection(inner)) => parts.extend(inner.iter().cloned()),
            _ => parts.push(side),
        }
    }
    Ty::of(Shape::Intersection(parts))
}

fn merged(a: &Record, b: &Record) -> Record {
    let mut both = a.clone();
    both.open |= b.open;
    both.interface &= b.interface;
    for field in &b.fields {
        let field = match both.field(&field.name) {
            Some(known) => Field {
                ty: intersection(known.ty.clone(), field.ty.clone()),
                optional: known.optional && field.optional,
                ..field.clone()
            },
            None => field.clone(),
        };
        both.set(field);
    }
    both
}

/// The type a literal belongs to; other types as they are.
pub fn base(ty: &Ty) -> Ty {
    match ty {
        Ty::Bool(_) => Ty::Boolean,
        Ty::Int(_) => Ty::Integer,
        Ty::Float(_) => Ty::Number,
        Ty::Str(_) => Ty::String,
        other => other.clone(),
    }
}

/// Literals, alone or in a union, become the types they belong to.
pub fn widen(ty: &Ty) -> Ty {
    match ty.shape() {
        Some(Shape::Union(members)) if members.iter().any(|m| base(m) != *m) => union(members.iter().map(base)),
        _ => base(ty),
    }
}

/// Keeps of every member what `keep` gives for it. Names stay when nothing behind them changes.
pub fn filter(ty: &Ty, keep: &mut impl FnMut(&Ty) -> Ty) -> Ty {
    filter_at(ty, keep, MAX_NAMES)
}

fn filter_at(ty: &Ty, keep: &mut impl FnMut(&Ty) -> Ty, depth: u8) -> Ty {
    if depth == 0 {
        return Ty::Undetermined;
    }
    match ty.shape() {
        Some(Shape::Union(members)) => {
            let kept: Members = members.iter().map(|m| filter_at(m, keep, depth - 1)).collect();
            if kept.as_slice() == members { ty.clone() } else { union(kept) }
        }
        Some(Shape::Named(_)) => ty.look_behind(|inner| {
            let kept = filter_at(inner, keep, depth - 1);
            if kept == *inner { ty.clone() } else { kept }
        }),
        Some(Shape::Intersection(_)) => match members_of_intersection(ty, depth) {
            Some(spread) => filter_at(&spread, keep, depth - 1),
            None => keep(ty),
        },
        _ => keep(ty),
    }
}

/// An intersection with a union behind a name in it, distributed.
fn members_of_intersection(ty: &Ty, depth: u8) -> Option<Ty> {
    let Some(Shape::Intersection(parts)) = ty.shape() else { return None };
    let resolved: Vec<_> = parts.iter().map(Ty::resolved).collect();
    if depth < 2 || !resolved.iter().any(|p| matches!(p.shape(), Some(Shape::Union(_)))) {
        return None;
    }
    Some(resolved.into_iter().map(Cow::into_owned).fold(Ty::Unknown, intersection))
}

pub fn without_nil(ty: &Ty) -> Ty {
    filter(ty, &mut |m| if m.is_nil() { Ty::Never } else { m.clone() })
}

/// As [`without_nil`], of a type that nobody else needs.
pub fn taking_nil(ty: Ty) -> Ty {
    match ty.shape() {
        Some(Shape::Union(_) | Shape::Named(_) | Shape::Intersection(_)) => without_nil(&ty),
        _ if ty.is_nil() => Ty::Never,
        _ => ty,
    }
}

/// What of the type can be nil.
pub fn only_nil(ty: &Ty) -> Ty {
    filter(ty, &mut |m| match m {
        Ty::Nil | Ty::SoftNil | Ty::Undetermined => m.clone(),
        Ty::Any | Ty::Unknown => Ty::Nil,
        Ty::Of(c) if matches!(c.shape, Shape::Param(_)) => Ty::Undetermined,
        _ => Ty::Never,
    })
}

pub fn truthy(ty: &Ty) -> Ty {
    filter(ty, &mut |m| match m {
        Ty::Nil | Ty::SoftNil | Ty::Bool(false) => Ty::Never,
        Ty::Boolean => Ty::Bool(true),
        _ => m.clone(),
    })
}

pub fn falsy(ty: &Ty) -> Ty {
    filter(ty, &mut |m| match m {
        Ty::Nil | Ty::SoftNil | Ty::Bool(false) | Ty::Undetermined => m.clone(),
        Ty::Boolean => Ty::Bool(false),
        Ty::Any | Ty::Unknown => Ty::Undetermined,
        Ty::Of(c) if matches!(c.shape, Shape::Param(_)) => Ty::Undetermined,
        _ => Ty::Never,
    })
}

/// Whether nil is one of the values, for sure (`any` and undetermined types are not counted).
pub fn has_nil(ty: &Ty) -> bool {
    any_member(ty, &mut |m| m.is_nil())
}

/// Whether nil stands where the type is declared.
pub fn accepts_nil(ty: &Ty) -> bool {
    any_member(ty, &mut |m| match m {
        Ty::Undetermined | Ty::Any | Ty::Unknown => true,
        Ty::Of(c) => matches!(c.shape, Shape::Param(_)),
        _ => m.is_nil(),
    })
}

/// Whether some member, names looked through, passes a test.
pub fn any_member(ty: &Ty, test: &mut impl FnMut(&Ty) -> bool) -> bool {
    any_member_at(ty, test, MAX_NAMES)
}

fn any_member_at(ty: &Ty, test: &mut impl FnMut(&Ty) -> bool, depth: u8) -> bool {
    if depth == 0 {
        return false;
    }
    match ty.shape() {
        Some(Shape::Union(members)) => members.iter().any(|m| any_member_at(m, test, depth - 1)),
        Some(Shape::Named(_)) => ty.look_behind(|inner| any_member_at(inner, test, depth - 1)),
        Some(Shape::Intersection(_)) => match members_of_intersection(ty, depth) {
            Some(spread) => any_member_at(&spread, test, depth - 1),
            None => test(ty),
        },
        _ => test(ty),
    }
}

/// The part of a type whose values have the Lua type `name`, or the rest.
pub fn by_lua_type(ty: &Ty, name: &str, wanted: bool) -> Ty {
    filter(ty, &mut |m| match (lua_type(m), wanted) {
        (Some(found), _) if (found == name) == wanted => m.clone(),
        (Some(_), _) => Ty::Never,
        (None, true) if matches!(m, Ty::Any | Ty::Unknown) => of_lua_type(name),
        (None, _) => m.clone(),
    })
}

/// What `type(x)` gives for every value of a type, if that is one string.
fn lua_type(ty: &Ty) -> Option<&'static str> {
    Some(match ty {
        Ty::Nil | Ty::SoftNil => "nil",
        Ty::Boolean | Ty::Bool(_) => "boolean",
        Ty::Number | Ty::Integer | Ty::Int(_) | Ty::Float(_) => "number",
        Ty::String | Ty::Str(_) => "string",
        Ty::Table => "table",
        Ty::Of(c) => match &c.shape {
            Shape::Array(_) | Shape::Map(..) | Shape::Tuple(_) => "table",
            // An open record may be an object of the runtime, an interface anything with methods.
            Shape::Record(r) if !r.open && !r.interface => "table",
            Shape::Function(_) => "function",
            _ => return None,
        },
        _ => return None,
    })
}

fn of_lua_type(name: &str) -> Ty {
    match name {
        "nil" => Ty::Nil,
        "boolean" => Ty::Boolean,
        "number" => Ty::Number,
        "string" => Ty::String,
        "table" => Ty::Table,
        _ => Ty::Undetermined,
    }
}

/// The part of a type that can equal a literal, or what is left when it does not.
pub fn by_literal(ty: &Ty, literal: &Ty, equal: bool) -> Ty {
    filter(ty, &mut |m| match (m, equal) {
        (Ty::Any | Ty::Unknown, true) => base(literal),
        (_, true) if admits(m, literal) => {
            if base(literal) == *m {
                literal.clone()
            } else {
                m.clone()
            }
        }
        (_, true) => Ty::Never,
        (Ty::Boolean, false) => match literal {
            Ty::Bool(b) => Ty::Bool(!b),
            _ => m.clone(),
        },
        (_, false) if m == literal || (m.is_nil() && literal.is_nil()) => Ty::Never,
        (_, false) => m.clone(),
    })
}

/// Whether a value of the type can equal the literal.
pub fn admits(ty: &Ty, literal: &Ty) -> bool {
    any_member(ty, &mut |m| match m {
        Ty::Nil | Ty::SoftNil => literal.is_nil(),
        Ty::Boolean => matches!(literal, Ty::Bool(_)),
        Ty::Number | Ty::Integer => matches!(literal, Ty::Int(_) | Ty::Float(_)),
        Ty::Int(a) => match literal {
            Ty::Float(b) => *a as f64 == f64::from_bits(*b),
            _ => m == literal,
        },
        Ty::Float(a) => match literal {
            Ty::Int(b) => *b as f64 == f64::from_bits(*a),
            _ => m == literal,
        },
        Ty::String => matches!(literal, Ty::Str(_)),
        Ty::Bool(_) | Ty::Str(_) => m == literal,
        Ty::Never => false,
        Ty::Undetermined | Ty::Any | Ty::Unknown => true,
        Ty::Table => false,
        Ty::Of(c) => {
            matches!(c.shape, Shape::Param(_) | Shape::Intersection(_) | Shape::TypeValue(_) | Shape::Receiver)
        }
    })
}
