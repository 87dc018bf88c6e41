//! Whether a value of one type may stand where another is declared.
//!
//! The rules are those of the language, with one bent: whatever cannot be decided (undetermined types, type
//! parameters, objects of the runtime, a used-up budget) fits. Recursive types are compared coinductively: a question
//! that comes up while it is being answered is answered with yes.

use crate::algebra::{accepts_nil, any_member, base};
use crate::ty::{Field, Function, Named, Origin, Record, Shape, Ty};

/// Questions asked for one comparison until everything fits.
const FUEL: u32 = 20_000;

/// Whether `from` may stand where `to` is declared.
pub fn fits(from: &Ty, to: &Ty) -> bool {
    Relation { asked: vec![], fuel: FUEL, depth: 0 }.fits(from, to)
}

/// Whether no value of `from` can be right where `to` is declared, however generous one is: numbers and errors count
/// as text, numerals as numbers, nil as anything.
pub fn clashes(from: &Ty, to: &Ty) -> bool {
    let text = any_member(to, &mut |m| *m == Ty::String);
    let number = any_member(to, &mut |m| matches!(m, Ty::Number | Ty::Integer));
    let resolved = from.resolved();
    // A name keeps telling what it is the name of, unless there is a union behind it.
    let members = if resolved.members().len() > 1 { resolved.members() } else { std::slice::from_ref(from) };
    !members.iter().any(|m| {
        let numeral = match m {
            Ty::String => true,
            Ty::Str(s) => s.trim().starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)),
            _ => false,
        };
        let lenient = (text && matches!(base(m), Ty::Number | Ty::Integer)) || (number && numeral);
        m.is_nil() || lenient || matches!(m, Ty::Any | Ty::Unknown) || fits(m, to)
    })
}

struct Relation {
    /// Pairs being compared, when names are in them.
    asked: Vec<(Ty, Ty)>,
    fuel: u32,
    depth: u32,
}

impl Relation {
    fn fits(&mut self, from: &Ty, to: &Ty) -> bool {
        if self.fuel == 0 || self.depth > 100 {
            return true;
        }
        self.fuel -= 1;
        self.depth += 1;
        let answer = self.decide(from, to);
        self.depth -= 1;
        answer
    }

    fn decide(&mut self, from: &Ty, to: &Ty) -> bool {
        match (from, to) {
            (Ty::Undetermined | Ty::Never, _) | (_, Ty::Undetermined | Ty::Any | Ty::Unknown) => return true,
            (Ty::Of(a), Ty::Of(b)) if std::sync::Arc::ptr_eq(a, b) => return true,
            _ => {}
        }
        match (from.shape(), to.shape()) {
            (Some(Shape::Unresolved(_)), _) | (_, Some(Shape::Unresolved(_))) => return true,
            (Some(Shape::Annotated(inner, _)), _) => return self.fits(inner, to),
            (_, Some(Shape::Annotated(inner, _))) => return self.fits(from, inner),
            _ => {}
        }
        if let Some(Shape::Param(param)) = from.shape() {
            return param
                .bound
                .as_ref()
                .is_none_or(|bound| matches!(to.shape(), Some(Shape::Param(_))) || self.fits(bound, to));
        }
        if matches!(to.shape(), Some(Shape::Param(_) | Shape::Receiver))
            || matches!(from.shape(), Some(Shape::Receiver))
        {
            return true;
        }
        if let (Some(a), Some(b)) = (from.as_named(), to.as_named())
            && a.same_def(b)
        {
            return a.args.len() != b.args.len() || a.args.iter().zip(&b.args).all(|(a, b)| self.mutual(a, b));
        }
        if let Some(answer) = builtin(from, to) {
            return answer;
        }
        if from.as_named().is_some() || to.as_named().is_some() {
            // A member may know the name; what is behind it may be divided among several members.
            if let Some(Shape::Union(members)) = to.shape()
                && members.iter().any(|m| self.fits(from, m))
            {
                return true;
            }
            return self.fits_named(from, to);
        }
        match (from, to) {
            (Ty::Any | Ty::Unknown, _) => {
                return matches!(to.shape(), Some(Shape::Union(m)) if m.iter().any(|m| self.fits(from, m)));
            }
            (_, Ty::Never) => return false,
            _ => {}
        }
        match (from.shape(), to.shape()) {
            (Some(Shape::Union(members)), _) => members.iter().all(|m| self.fits(m, to)),
            (_, Some(Shape::Intersection(parts))) => parts.iter().all(|p| self.fits(from, p)),
            (_, Some(Shape::Union(members))) => members.iter().any(|m| self.fits(from, m)),
            (Some(Shape::Intersection(parts)), _) => parts.iter().any(|p| self.fits(p, to)),
            _ => self.single(from, to),
        }
    }

    fn fits_named(&mut self, from: &Ty, to: &Ty) -> bool {
        if self.asked.iter().any(|(a, b)| a == from && b == to) {
            return true;
        }
        self.asked.push((from.clone(), to.clone()));
        let expand = |ty: &Ty| ty.as_named().map_or_else(|| ty.clone(), Named::expand);
        let answer = self.fits(&expand(from), &expand(to));
        self.asked.pop();
        answer
    }

    /// Two types of which neither is a union, an intersection or a name.
    fn single(&mut self, from: &Ty, to: &Ty) -> bool {
        match (from, to) {
            (Ty::Nil | Ty::SoftNil, Ty::Nil | Ty::SoftNil) => true,
            (Ty::Integer | Ty::Int(_) | Ty::Float(_), Ty::Number) => true,
            (Ty::Int(a), Ty::Float(b)) => *a as f64 == f64::from_bits(*b),
            (Ty::Float(a), Ty::Integer) => f64::from_bits(*a).fract() == 0.0,
            (Ty::Float(a), Ty::Int(b)) => f64::from_bits(*a) == *b as f64,
            (Ty::Table, _) => is_table(to),
            (_, Ty::Table) => is_table(from),
            (Ty::Of(a), Ty::Of(b)) => self.shapes(&a.shape, &b.shape, from),
            _ => base(from) == *to || from == to,
        }
    }

    fn shapes(&mut self, from: &Shape, to: &Shape, whole: &Ty) -> bool {
        match (from, to) {
            (Shape::Record(a), Shape::Record(b)) => self.records(a, b, whole),
            (Shape::Record(r), Shape::Array(_)) => r.fields.is_empty() || r.open,
            (Shape::Record(r), Shape::Map(key, value)) => {
                r.open || r.fields.iter().all(|f| self.fits(&Ty::Str(f.name.clone()), key) && self.field_fits(f, value))
            }
            (Shape::Array(a), Shape::Array(b)) => self.fits(a, b),
            (Shape::Array(a), Shape::Map(key, value)) => self.fits(&Ty::Integer, key) && self.fits(a, value),
            (Shape::Array(_) | Shape::Map(..) | Shape::Tuple(_), Shape::Record(r)) => {
                r.fields.iter().all(|f| f.optional || accepts_nil(&f.ty))
            }
            (Shape::Map(k, v), Shape::Map(l, w)) => self.mutual(k, l) && self.mutual(v, w),
            // `{[integer]: T}` where an array is declared: how most arrays are described.
            (Shape::Map(key, value), Shape::Array(b)) => self.fits(key, &Ty::Number) && self.fits(value, b),
            (Shape::Tuple(a), Shape::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.fits(a, b)),
            (Shape::Tuple(a), Shape::Array(b)) => a.iter().all(|a| a.is_nil() || self.fits(a, b)),
            (Shape::Tuple(a), Shape::Map(key, value)) => {
                self.fits(&Ty::Integer, key) && a.iter().all(|a| a.is_nil() || self.fits(a, value))
            }
            (Shape::Function(a), Shape::Function(b)) => self.functions(a, b),
            (Shape::TypeValue(a), Shape::TypeValue(b)) => self.mutual(a, b),
            // A type value can be called: with a value, giving it back.
            (Shape::TypeValue(_), Shape::Function(_)) => true,
            // A table with a metatable may be called.
            (Shape::Record(r), Shape::Function(_)) => r.open,
            _ => false,
        }
    }

    /// Both directions, for what can be written as well as read.
    fn mutual(&mut self, a: &Ty, b: &Ty) -> bool {
        let vague = |ty: &Ty| any_member(ty, &mut |m| matches!(m, Ty::Any | Ty::Unknown | Ty::Undetermined));
        vague(b) || (self.fits(a, b) && (self.fits(b, a) || vague(a)))
    }

    fn records(&mut self, a: &Record, b: &Record, whole: &Ty) -> bool {
        b.fields.iter().all(|wanted| match a.field(&wanted.name) {
            Some(found) => self.fields(found, wanted, a, b, whole),
            None => a.open || wanted.optional || accepts_nil(&wanted.ty),
        })
    }

    fn fields(&mut self, found: &Field, wanted: &Field, a: &Record, b: &Record, whole: &Ty) -> bool {
        if found.readonly && !wanted.readonly {
            return false;
        }
        if found.optional && !wanted.optional && !accepts_nil(&wanted.ty) && !a.open {
            return false;
        }
        let mut wanted_ty = crate::generics::with_receiver(&wanted.ty, whole);
        if wanted.optional {
            wanted_ty = crate::algebra::optional(wanted_ty);
        }
        // What nobody can write through (or only its owner sees) may vary; the rest must be the same but for widenings.
        let free = wanted.readonly || b.interface || a.interface || a.open || a.fresh;
        if free { self.fits(&found.ty, &wanted_ty) } else { self.widens(&found.ty, &wanted_ty) }
    }

    /// The widenings a mutable field allows.
    fn widens(&mut self, from: &Ty, to: &Ty) -> bool {
        if !self.fits(from, to) {
            return false;
        }
        let (inner_from, inner_to) = (crate::algebra::without_nil(from), crate::algebra::without_nil(to));
        let compound = |ty: &Ty| matches!(ty.resolved().shape(), Some(Shape::Record(_) | Shape::Function(_)));
        from.is_nil()
            || *from == Ty::Never
            || (compound(&inner_from) && compound(&inner_to))
            || base(&inner_from) == inner_to
            || (base(&inner_from) == Ty::Integer && inner_to == Ty::Number)
            || self.mutual(&inner_from, &inner_to)
    }

    fn field_fits(&mut self, field: &Field, value: &Ty) -> bool {
        self.fits(&crate::algebra::without_nil(&field.ty), value)
    }

    fn functions(&mut self, a: &Function, b: &Function) -> bool {
        if a.origin == Origin::Builtin || !a.generics.is_empty() || !b.generics.is_empty() {
            return true;
        }
        // A method takes its receiver as first argument when it is called as a function.
        let skip = usize::from(b.method && !a.method);
        if a.method && !b.method {
            return true;
        }
        for (n, param) in a.params.iter().skip(skip).enumerate() {
            let given = b.params.get(n).map(|p| &p.ty).or(b.rest.as_ref());
            match given {
                Some(given) => {
                    if !self.fits(given, &param.ty) && !matches!(given, Ty::Any | Ty::Unknown) {
                        return false;
                    }
                }
                None if param.optional || accepts_nil(&param.ty) => {}
                None => return false,
            }
        }
        if b.results.rest.is_some() || a.results.rest.is_some() || a.results.never() {
            return true;
        }
        b.results.types.iter().enumerate().all(|(n, wanted)| match a.results.types.get(n) {
            Some(found) => self.fits(found, wanted),
            None => accepts_nil(wanted),
        })
    }
}

/// What holds when one side is an object of the runtime, whose parts nobody writes down.
fn builtin(from: &Ty, to: &Ty) -> Option<bool> {
    let (a, b) = (from.as_named().filter(|n| n.is_builtin()), to.as_named().filter(|n| n.is_builtin()));
    if a.is_none() && b.is_none() {
        return None;
    }
    let error = |n: Option<&Named>| n.is_some_and(|n| n.name.eq_ignore_ascii_case("error"));
    // Whatever is returned as an error counts as one, and an error counts as its text.
    if error(b) {
        return Some(!from.members().iter().any(Ty::is_nil));
    }
    if error(a) && *to == Ty::String {
        return Some(true);
    }
    let object = |ty: &Ty| matches!(ty, Ty::Of(_) | Ty::Table);
    match (a, b) {
        (Some(_), Some(_)) => Some(true),
        (None, Some(_)) if matches!(from.resolved().shape(), Some(Shape::Union(_) | Shape::Intersection(_))) => None,
        (Some(_), None) if matches!(to.resolved().shape(), Some(Shape::Union(_) | Shape::Intersection(_))) => None,
        (None, Some(_)) => match from {
            Ty::Any | Ty::Unknown => None,
            _ => Some(object(&from.resolved()) && from.as_function().is_none()),
        },
        _ => Some(object(&to.resolved()) && to.as_function().is_none()),
    }
}

/// Whether values of a type are tables (or objects that may stand for one).
fn is_table(ty: &Ty) -> bool {
    match ty {
        Ty::Table => true,
        Ty::Of(c) => !matches!(c.shape, Shape::Function(_)),
        _ => false,
    }
}
