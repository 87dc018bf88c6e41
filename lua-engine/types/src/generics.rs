//! Type parameters: putting types in their place, and finding them from arguments.

use crate::algebra::{either, widen};
use crate::ty::{Field, Function, Named, Param, Record, Results, Shape, Ty, TypeParam};
use std::sync::Arc;

/// `ty` with `params` replaced by `args`.
pub fn substitute(ty: &Ty, params: &[Arc<TypeParam>], args: &[Ty]) -> Ty {
    map_leaves(ty, &mut |leaf| {
        let Shape::Param(param) = leaf else { return None };
        let at = params.iter().position(|p| Arc::ptr_eq(p, param))?;
        args.get(at).cloned()
    })
}

/// `ty` with `Self` replaced.
pub fn with_receiver(ty: &Ty, receiver: &Ty) -> Ty {
    map_leaves(ty, &mut |leaf| matches!(leaf, Shape::Receiver).then(|| receiver.clone()))
}

/// Rebuilds a type with leaves replaced; shares what does not change.
fn map_leaves(ty: &Ty, replace: &mut impl FnMut(&Shape) -> Option<Ty>) -> Ty {
    let shape = match ty {
        Ty::Of(compound) if compound.open => &compound.shape,
        _ => return ty.clone(),
    };
    let mut changed = false;
    let mut map = |part: &Ty| {
        let new = map_leaves(part, replace);
        changed |= !same(&new, part);
        new
    };
    let rebuilt = match shape {
        Shape::Param(_) | Shape::Receiver => return replace(shape).unwrap_or_else(|| ty.clone()),
        Shape::Unresolved(_) => return ty.clone(),
        Shape::Union(parts) => {
            let parts: Vec<Ty> = parts.iter().map(&mut map).collect();
            return if changed { crate::algebra::union(parts) } else { ty.clone() };
        }
        Shape::Intersection(parts) => {
            let parts: Vec<Ty> = parts.iter().map(&mut map).collect();
            let all = || parts.iter().cloned().fold(Ty::Unknown, crate::algebra::intersection);
            return if changed { all() } else { ty.clone() };
        }
        Shape::Tuple(parts) => Shape::Tuple(parts.iter().map(map).collect()),
        Shape::Array(part) => Shape::Array(map(part)),
        Shape::TypeValue(part) => Shape::TypeValue(map(part)),
        Shape::Annotated(part, annotations) => Shape::Annotated(map(part), annotations.clone()),
        Shape::Map(key, value) => Shape::Map(map(key), map(value)),
        Shape::Record(record) => Shape::Record(Record {
            fields: record.fields.iter().map(|f| Field { ty: map(&f.ty), ..f.clone() }).collect(),
            ..*record
        }),
        Shape::Function(f) => Shape::Function(map_function(f, &mut map)),
        Shape::Named(named) => Shape::Named(Named { args: named.args.iter().map(map).collect(), ..named.clone() }),
    };
    if changed { Ty::of(rebuilt) } else { ty.clone() }
}

pub(crate) fn map_function(f: &Function, map: &mut impl FnMut(&Ty) -> Ty) -> Function {
    Function {
        generics: f.generics.clone(),
        params: f.params.iter().map(|p| Param { ty: map(&p.ty), ..p.clone() }).collect(),
        rest: f.rest.as_ref().map(&mut *map),
        results: Results {
            types: f.results.types.iter().map(&mut *map).collect(),
            rest: f.results.rest.as_ref().map(map),
        },
        ..f.clone()
    }
}

pub(crate) fn same(a: &Ty, b: &Ty) -> bool {
    match (a, b) {
        (Ty::Of(a), Ty::Of(b)) => Arc::ptr_eq(a, b),
        (Ty::Of(_), _) | (_, Ty::Of(_)) => false,
        _ => a == b,
    }
}

/// Types found for the parameters of one call.
pub struct Solution {
    params: Vec<Arc<TypeParam>>,
    found: Vec<Option<Ty>>,
    fuel: u32,
}

impl Solution {
    pub fn new(params: &[Arc<TypeParam>]) -> Self {
        Solution { params: params.to_vec(), found: vec![None; params.len()], fuel: 5_000 }
    }

    /// Learns from an argument (or an expected result) of type `actual` where `pattern` is declared.
    pub fn learn(&mut self, pattern: &Ty, actual: &Ty) {
        if self.fuel == 0 {
            return;
        }
        self.fuel -= 1;
        let Some(shape) = pattern.shape() else { return };
        if let Shape::Param(param) = shape {
            if let Some(at) = self.params.iter().position(|p| Arc::ptr_eq(p, param)) {
                let actual = widen(actual);
                self.found[at] = Some(match self.found[at].take() {
                    Some(known) => either(known, actual),
                    None => actual,
                });
            }
            return;
        }
        match (shape, actual.shape()) {
            (Shape::Named(p), Some(Shape::Named(a))) if p.same_def(a) => self.learn_all(&p.args, &a.args),
            (Shape::Named(p), _) if !p.args.is_empty() => self.learn(&pattern.resolved(), actual),
            (Shape::Union(members), _) => self.learn_union(members, actual),
            (_, Some(Shape::Named(_))) => self.learn(pattern, &actual.resolved()),
            (Shape::Array(p), Some(Shape::Array(a))) => self.learn(p, a),
            (Shape::Map(k, v), Some(Shape::Map(l, w))) => {
                self.learn(k, l);
                self.learn(v, w);
            }
            (Shape::Map(k, v), Some(Shape::Array(a))) => {
                self.learn(k, &Ty::Integer);
                self.learn(v, a);
            }
            (Shape::Map(_, v), Some(Shape::Record(r))) => r.fields.iter().for_each(|f| self.learn(v, &f.ty)),
            (Shape::Record(p), Some(Shape::Record(a))) => {
                for field in &p.fields {
                    if let Some(actual) = a.field(&field.name) {
                        self.learn(&field.ty, &actual.ty);
                    }
                }
            }
            (Shape::Tuple(p), Some(Shape::Tuple(a))) => self.learn_all(p, a),
            (Shape::Function(p), Some(Shape::Function(a))) => {
                for (p, a) in p.params.iter().zip(&a.params) {
                    self.learn(&p.ty, &a.ty);
                }
                for (n, result) in p.results.types.iter().enumerate() {
                    self.learn(result, &a.results.nth(n));
                }
            }
            // Whatever the pattern asks for: the parts cannot be told.
            (_, None) if actual.is_undetermined() || matches!(actual, Ty::Any | Ty::Unknown) => {
                self.learn_nothing(pattern);
            }
            _ => {}
        }
    }

    fn learn_all(&mut self, patterns: &[Ty], actuals: &[Ty]) {
        patterns.iter().zip(actuals).for_each(|(p, a)| self.learn(p, a));
    }

    /// `T?` and the like: what is not one of the plain members goes to the others.
    fn learn_union(&mut self, members: &[Ty], actual: &Ty) {
        let plain = |m: &Ty| members.contains(m) || (m.is_nil() && members.iter().any(Ty::is_nil));
        let rest = crate::algebra::filter(actual, &mut |m| if plain(m) { Ty::Never } else { m.clone() });
        for member in members.iter().filter(|m| m.shape().is_some()) {
            self.learn(member, &rest);
        }
    }

    fn learn_nothing(&mut self, pattern: &Ty) {
        let (params, found) = (&self.params, &mut self.found);
        map_leaves(pattern, &mut |leaf| {
            if let Shape::Param(param) = leaf
                && let Some(at) = params.iter().position(|p| Arc::ptr_eq(p, param))
            {
                found[at] = Some(Ty::Undetermined);
            }
            None
        });
    }

    /// The types in the order of the parameters; undetermined where nothing was learnt.
    pub fn types(&self) -> Vec<Ty> {
        self.found.iter().map(|t| t.clone().unwrap_or(Ty::Undetermined)).collect()
    }
}
