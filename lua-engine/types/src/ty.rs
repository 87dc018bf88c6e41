//! Types as values.
//!
//! A [`Ty`] is cheap to clone: simple types are inline, everything else is shared behind one pointer. Every compound
//! type knows its weight (number of parts) and depth; one that grows too large becomes [`Ty::Undetermined`], so any
//! walk over a type is bounded. Recursion goes only through [`Named`], which refers to its definition weakly: whoever
//! keeps a manifest keeps the definitions it needs.

use smallvec::{SmallVec, smallvec};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// A name, shared.
pub type Name = Arc<str>;

/// Types with more parts than this are given up as undetermined.
const MAX_WEIGHT: u32 = 20_000;
/// Types nested deeper than this are given up as undetermined.
const MAX_DEPTH: u16 = 60;
/// Steps from alias to alias until a type is given up.
const MAX_ALIASES: usize = 64;
/// Fields of a record among which one is found by looking at one after the other.
const FEW_FIELDS: usize = 12;
/// Lists of arguments for which a definition keeps what it is with them, and the weight of one: definitions of the
/// runtime live as long as it.
const MAX_KEPT: usize = 8;
const MAX_KEPT_WEIGHT: usize = 32;

/// A type.
#[derive(Clone, Debug)]
pub enum Ty {
    /// Nothing is known: fits everything in both directions, may be used in every way.
    Undetermined,
    /// The declared `any`.
    Any,
    Unknown,
    Never,
    Nil,
    /// The nil of a built-in function's result: assigned to something declared it counts as nil, used in an operator,
    /// a call or an argument it is passed over in silence.
    SoftNil,
    Boolean,
    Number,
    Integer,
    String,
    /// Any table.
    Table,
    /// `true` or `false` as a type.
    Bool(bool),
    Int(i64),
    /// Bits of a float literal.
    Float(u64),
    Str(Name),
    Of(Arc<Compound>),
}

/// A type with parts.
#[derive(Debug)]
pub struct Compound {
    weight: u32,
    depth: u16,
    /// Whether a type parameter or `Self` is somewhere in it.
    pub(crate) open: bool,
    pub shape: Shape,
}

#[derive(Debug, Clone)]
pub enum Shape {
    /// At least two members, flat, without duplicates.
    Union(Vec<Ty>),
    Intersection(Vec<Ty>),
    Array(Ty),
    Map(Ty, Ty),
    Record(Record),
    Tuple(Vec<Ty>),
    Function(Function),
    Named(Named),
    /// A type parameter.
    Param(Arc<TypeParam>),
    /// The value that stands for a type: `typeof(T)`.
    TypeValue(Ty),
    /// The receiver inside the methods of an interface.
    Receiver,
    /// A type with what its values must be beside. Only in types that are values of a program.
    Annotated(Ty, Arc<[Annotation]>),
    /// A name that means nothing. Only in types that are values of a program.
    Unresolved(Name),
}

/// `@name(arg)` behind a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    pub name: Name,
    /// The literal in the parentheses, as its type.
    pub arg: Option<Ty>,
}

/// A record type, an interface, or what is known of a table.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Sorted by name.
    pub fields: Vec<Field>,
    /// There may be fields nobody has declared: what a table literal gives, and every built-in object.
    pub open: bool,
    /// Made from an `interface`.
    pub interface: bool,
    /// A table constructor nobody else has seen yet: its fields may be of any narrower type than what is declared.
    pub fresh: bool,
    /// A module or object of the runtime that has no other members, although nobody is told off for asking.
    pub complete: bool,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: Name,
    pub ty: Ty,
    pub optional: bool,
    pub readonly: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Function {
    pub generics: Vec<Arc<TypeParam>>,
    /// Without the receiver.
    pub params: Vec<Param>,
    pub rest: Option<Ty>,
    pub results: Results,
    /// Called with `:`; the receiver is not among the parameters.
    pub method: bool,
    pub origin: Origin,
    pub asserts: Vec<Asserts>,
}

/// Who says what a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// Annotations: calls are checked.
    #[default]
    Declared,
    /// Nobody: calls are not checked.
    Inferred,
    /// A manifest: calls are checked for what cannot be right.
    Builtin,
}

#[derive(Debug, Clone)]
pub struct Param {
    pub name: Option<Name>,
    pub ty: Ty,
    /// May be left out although its type does not say so: has no annotation.
    pub optional: bool,
}

/// The types of a few values, without memory of their own as long as there are few.
pub type Types = SmallVec<[Ty; 2]>;

/// What a call gives: the first values, and the type of all further ones if there may be any.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    pub types: Types,
    pub rest: Option<Ty>,
}

/// What a function says about one of its arguments when it returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Asserts {
    pub param: usize,
    pub fact: Fact,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Truthy,
    NotNil,
    Nil,
    Falsy,
    Is(Ty),
}

/// A reference to a declared type.
#[derive(Debug, Clone)]
pub struct Named {
    /// As the source writes it.
    pub name: Name,
    pub def: Weak<Def>,
    pub args: Vec<Ty>,
}

/// A declared type.
#[derive(Debug)]
pub struct Def {
    pub name: Name,
    pub params: Vec<Arc<TypeParam>>,
    /// Set when the declaration has been read; until then the type is undetermined.
    pub body: OnceLock<Ty>,
    pub builtin: bool,
    /// The body with arguments filled in, for those it was needed with first.
    filled: Mutex<Vec<(Vec<Ty>, Ty)>>,
}

#[derive(Debug)]
pub struct TypeParam {
    pub name: Name,
    pub bound: Option<Ty>,
}

impl Default for Results {
    fn default() -> Self {
        Results::unknown()
    }
}

impl Results {
    /// Any number of values nothing is known of.
    pub fn unknown() -> Self {
        Results { types: Types::new(), rest: Some(Ty::Undetermined) }
    }

    pub fn one(ty: Ty) -> Self {
        Results { types: smallvec![ty], rest: None }
    }

    /// The `n`th value, from 0; nil where there is none.
    pub fn nth(&self, n: usize) -> Ty {
        self.types.get(n).or(self.rest.as_ref()).cloned().unwrap_or(Ty::Nil)
    }

    /// Whether the call does not return.
    pub fn never(&self) -> bool {
        matches!(self.types.first(), Some(Ty::Never))
    }
}

impl Record {
    pub fn field(&self, name: &str) -> Option<&Field> {
        // Mostly their lengths tell names apart, and these are at hand.
        if self.fields.len() <= FEW_FIELDS {
            return self.fields.iter().find(|f| *f.name == *name);
        }
        self.fields.binary_search_by(|f| f.name.as_ref().cmp(name)).ok().map(|i| &self.fields[i])
    }

    /// Adds or replaces a field.
    pub fn set(&mut self, field: Field) {
        match self.fields.binary_search_by(|f| f.name.cmp(&field.name)) {
            Ok(i) => self.fields[i] = field,
            Err(i) => self.fields.insert(i, field),
        }
    }
}

impl Def {
    pub fn new(name: Name, params: Vec<Arc<TypeParam>>, builtin: bool) -> Arc<Def> {
        Arc::new(Def { name, params, body: OnceLock::new(), builtin, filled: Mutex::default() })
    }

    /// `body` with `args` for the parameters.
    fn filled(&self, body: &Ty, args: &[Ty]) -> Ty {
        let fill = || crate::generics::substitute(body, &self.params, args);
        if args.iter().map(Ty::weight).sum::<usize>() > MAX_KEPT_WEIGHT {
            return fill();
        }
        // Nothing panics while it is locked, and filling in may well come back here, so that is done outside.
        let kept = || self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |(known, _): &&(Vec<Ty>, Ty)| known.iter().zip(args).all(|(a, b)| a.is_same_as(b));
        if let Some((_, ty)) = kept().iter().find(is_known) {
            return ty.clone();
        }
        let ty = fill();
        let mut kept = kept();
        if kept.len() < MAX_KEPT {
            kept.push((args.to_vec(), ty.clone()));
        }
        ty
    }
}

impl Named {
    /// What the name stands for, arguments filled in.
    pub fn expand(&self) -> Ty {
        self.look_behind(Ty::clone)
    }

    /// What `look` finds in what the name stands for. Costs less than [`expand`](Self::expand).
    pub(crate) fn look_behind<R>(&self, look: impl FnOnce(&Ty) -> R) -> R {
        let Some(def) = self.def.upgrade() else { return look(&Ty::Undetermined) };
        match def.body.get() {
            Some(body) if def.params.is_empty() => look(body),
            Some(body) if def.params.len() == self.args.len() => look(&def.filled(body, &self.args)),
            _ => look(&Ty::Undetermined),
        }
    }

    pub fn same_def(&self, other: &Named) -> bool {
        Weak::ptr_eq(&self.def, &other.def)
    }

    pub fn is_builtin(&self) -> bool {
        self.def.upgrade().is_some_and(|d| d.builtin)
    }
}

impl Ty {
    /// A compound type, or undetermined if it would be too large.
    pub fn of(shape: Shape) -> Ty {
        let (mut weight, mut depth) = (1u32, 0u16);
        let mut open = matches!(shape, Shape::Param(_) | Shape::Receiver);
        each_part(&shape, &mut |part| {
            let (more, deep, is_open) = part.measures();
            weight = weight.saturating_add(more);
            depth = depth.max(deep);
            open |= is_open;
        });
        if weight > MAX_WEIGHT || depth >= MAX_DEPTH {
            return Ty::Undetermined;
        }
        Ty::Of(Arc::new(Compound { weight, depth: depth + 1, open, shape }))
    }

    pub fn record(record: Record) -> Ty {
        Ty::of(Shape::Record(record))
    }

    /// The record with a field added or replaced, in place if nobody else holds it: a module grows function by function.
    pub fn with_field(mut self, field: Field) -> Ty {
        let Ty::Of(shared) = &mut self else { return self };
        if let Some(own) = Arc::get_mut(shared)
            && let Shape::Record(record) = &mut own.shape
            && record.field(&field.name).is_none()
        {
            let (weight, depth, open) = field.ty.measures();
            let weight = own.weight.saturating_add(weight);
            if weight <= MAX_WEIGHT && depth < MAX_DEPTH {
                (own.weight, own.depth, own.open) = (weight, own.depth.max(depth + 1), own.open | open);
                record.set(field);
                return self;
            }
        }
        let Shape::Record(record) = &shared.shape else { return self };
        let mut record = record.clone();
        record.set(field);
        Ty::record(record)
    }

    /// Weight, depth and openness as a part of another type.
    fn measures(&self) -> (u32, u16, bool) {
        match self {
            Ty::Of(part) => (part.weight, part.depth, part.open),
            _ => (1, 0, false),
        }
    }

    pub fn array(element: Ty) -> Ty {
        Ty::of(Shape::Array(element))
    }

    pub fn function(function: Function) -> Ty {
        Ty::of(Shape::Function(function))
    }

    pub fn str(text: &str) -> Ty {
        Ty::Str(text.into())
    }

    /// Number of its parts, those that are shared counted each time.
    pub fn weight(&self) -> usize {
        match self {
            Ty::Of(compound) => compound.weight as usize,
            _ => 0,
        }
    }

    pub fn shape(&self) -> Option<&Shape> {
        match self {
            Ty::Of(compound) => Some(&compound.shape),
            _ => None,
        }
    }

    pub fn as_function(&self) -> Option<&Function> {
        match self.shape() {
            Some(Shape::Function(f)) => Some(f),
            _ => None,
        }
    }

    pub fn as_record(&self) -> Option<&Record> {
        match self.shape() {
            Some(Shape::Record(r)) => Some(r),
            _ => None,
        }
    }

    pub fn as_named(&self) -> Option<&Named> {
        match self.shape() {
            Some(Shape::Named(n)) => Some(n),
            _ => None,
        }
    }

    /// The type behind names: never a [`Named`].
    pub fn resolved(&self) -> Cow<'_, Ty> {
        let Some(named) = self.as_named() else { return Cow::Borrowed(self) };
        let mut ty = named.expand();
        for _ in 1..MAX_ALIASES {
            match ty.as_named() {
                Some(named) => ty = named.expand(),
                None => return Cow::Owned(ty),
            }
        }
        Cow::Owned(Ty::Undetermined)
    }

    /// What `look` finds in the type behind names: as [`resolved`](Self::resolved), for less.
    pub(crate) fn look_behind<R>(&self, look: impl FnOnce(&Ty) -> R) -> R {
        match self.as_named() {
            None => look(self),
            Some(named) => named.look_behind(|ty| match ty.as_named() {
                None => look(ty),
                Some(_) => look(&ty.resolved()),
            }),
        }
    }

    /// Whether two types are one and are shown alike, as far as that costs nothing to say.
    fn is_same_as(&self, other: &Ty) -> bool {
        match (self.as_named(), other.as_named()) {
            (Some(a), Some(b)) if a.args.is_empty() && b.args.is_empty() => a.same_def(b) && a.name == b.name,
            _ => crate::generics::same(self, other),
        }
    }

    /// The members of a union, or the type itself.
    pub fn members(&self) -> &[Ty] {
        match self.shape() {
            Some(Shape::Union(members)) => members,
            _ => std::slice::from_ref(self),
        }
    }

    pub fn is_undetermined(&self) -> bool {
        matches!(self, Ty::Undetermined)
    }

    pub fn is_nil(&self) -> bool {
        matches!(self, Ty::Nil | Ty::SoftNil)
    }
}

/// Calls `f` with every direct part of a shape.
fn each_part(shape: &Shape, f: &mut impl FnMut(&Ty)) {
    match shape {
        Shape::Union(parts) | Shape::Intersection(parts) | Shape::Tuple(parts) => parts.iter().for_each(f),
        Shape::Array(part) | Shape::TypeValue(part) | Shape::Annotated(part, _) => f(part),
        Shape::Map(key, value) => {
            f(key);
            f(value);
        }
        Shape::Record(record) => record.fields.iter().for_each(|field| f(&field.ty)),
        Shape::Function(function) => {
            function.params.iter().for_each(|p| f(&p.ty));
            function.rest.iter().for_each(&mut *f);
            function.results.types.iter().for_each(&mut *f);
            function.results.rest.iter().for_each(f);
        }
        Shape::Named(named) => named.args.iter().for_each(f),
        Shape::Param(_) | Shape::Receiver | Shape::Unresolved(_) => {}
    }
}

impl PartialEq for Ty {
    fn eq(&self, other: &Ty) -> bool {
        use Ty::*;
        match (self, other) {
            (Of(a), Of(b)) => Arc::ptr_eq(a, b) || (a.weight == b.weight && a.depth == b.depth && a.shape == b.shape),
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b)) => a == b,
            (Float(a), Float(b)) => a == b,
            (Str(a), Str(b)) => a == b,
            _ => !matches!(self, Of(_)) && std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Shape) -> bool {
        use Shape::*;
        match (self, other) {
            (Union(a), Union(b)) | (Intersection(a), Intersection(b)) | (Tuple(a), Tuple(b)) => a == b,
            (Array(a), Array(b)) | (TypeValue(a), TypeValue(b)) => a == b,
            (Map(k, v), Map(l, w)) => k == l && v == w,
            (Record(a), Record(b)) => a == b,
            (Function(a), Function(b)) => a == b,
            (Named(a), Named(b)) => a.same_def(b) && a.args == b.args,
            (Param(a), Param(b)) => Arc::ptr_eq(a, b),
            (Receiver, Receiver) => true,
            (Annotated(a, x), Annotated(b, y)) => a == b && x == y,
            (Unresolved(a), Unresolved(b)) => a == b,
            _ => false,
        }
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Record) -> bool {
        let same = |(a, b): (&Field, &Field)| {
            a.name == b.name && a.optional == b.optional && a.readonly == b.readonly && a.ty == b.ty
        };
        self.open == other.open
            && self.fresh == other.fresh
            && self.interface == other.interface
            && self.fields.len() == other.fields.len()
            && self.fields.iter().zip(&other.fields).all(same)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        let same = |(a, b): (&Param, &Param)| a.optional == b.optional && a.ty == b.ty;
        self.method == other.method
            && self.origin == other.origin
            && self.generics.len() == other.generics.len()
            && self.generics.iter().zip(&other.generics).all(|(a, b)| Arc::ptr_eq(a, b))
            && self.params.len() == other.params.len()
            && self.params.iter().zip(&other.params).all(same)
            && self.rest == other.rest
            && self.results == other.results
            && self.asserts == other.asserts
    }
}
