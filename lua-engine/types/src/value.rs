//! Types as values of a running program: what they are called, what they are made of, how they compare.
//!
//! [`declare`] reads the declarations of a module once more, with what the checker has no use for (annotations, names
//! that mean nothing); a [`TypeValue`] is one of them, a primitive, or a part of another. Whether a value belongs to
//! one is decided by whoever knows values: the walk over [`TypeValue::ty`] is the engine's. [`call_sites`] finds the
//! names in a source that mean a type wherever a value is expected.

use crate::algebra::without_nil;
use crate::generics::substitute;
use crate::hash::Set;
use crate::lower::{Lower, reference};
use crate::scope::{Scopes, SymbolKind, member_token, required_module};
use crate::ty::{Def, Name, Shape, Ty};
use crate::{Imports, Manifest, check, literal, relate};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use wippy_lua_syntax::{Node, SyntaxKind, Tree};

/// Methods of type values; after one of these names a type's name is a value.
pub const METHODS: [&str; 12] =
    ["is", "kind", "name", "elem", "key", "val", "inner", "ret", "fields", "variants", "params", "tparams"];

/// Types that every program has as values, when they are called or one of their methods is.
pub const PRIMITIVES: [&str; 7] = ["boolean", "number", "integer", "string", "any", "unknown", "never"];

/// Pairs of types that are compared before two are called alike.
const COMPARED: usize = 10_000;

/// The types declared at the top level of a chunk, for [`TypeValue::declared`]. `imports` has what this function gave
/// for the imported modules. The export of the result is not determined.
pub fn declare(tree: &Tree, imports: &Imports) -> Manifest {
    let block = tree.root().child(SyntaxKind::Block);
    let statements = || block.into_iter().flat_map(|block| block.children());
    let is_type = |stat: &Node<'_>| matches!(stat.kind(), SyntaxKind::TypeStat | SyntaxKind::InterfaceStat);
    let typeof_in = |stat: Node<'_>| stat.descendants().any(|n| n.kind() == SyntaxKind::TypeofType);
    if statements().filter(is_type).any(typeof_in) {
        // Only the checker knows the types of expressions.
        return check::check(tree, imports, true).manifest;
    }
    let mut lower = Lower::new(imports, false);
    lower.values = true;
    if let Some(block) = block {
        lower.announce(block);
    }
    for stat in statements() {
        if is_type(&stat) {
            lower.declare(stat);
        } else if stat.kind() == SyntaxKind::LocalStat
            && let Some(module) = stat.child(SyntaxKind::ExprList).and_then(|l| l.children().next()?.into())
            && let (Some(module), Some(name)) = (required_module(module), stat.child(SyntaxKind::TypedName))
            && let Some(name) = name.first_token()
        {
            lower.alias(name.text(), literal::string(module.text()));
        }
    }
    let types = lower.exported();
    Manifest { export: Ty::Undetermined, types, _defs: std::mem::take(&mut lower.defs), _imports: imports.all() }
}

/// Whether a source may declare types at all: a quick look at its text.
pub fn may_declare(source: &str) -> bool {
    source.contains("type ") || source.contains("type\t") || source.contains("interface")
}

/// Whose type a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Declared in the chunk.
    Chunk,
    /// A primitive.
    Everybody,
}

/// The names in a chunk that stand for a type although they are written like variables: `T(v)`, `T:is(v)` and the
/// like, where `T` is a primitive or a type of the chunk and no local variable, and the primitives in `G(string)`,
/// where `G` is a generic type. In the order of the source.
pub fn call_sites(tree: &Tree) -> Vec<(Range<u32>, Owner)> {
    let block = tree.root().child(SyntaxKind::Block);
    let declarations = block.into_iter().flat_map(|b| b.children());
    let declarations = declarations.filter(|s| matches!(s.kind(), SyntaxKind::TypeStat | SyntaxKind::InterfaceStat));
    let (mut declared, mut generic) = (Set::default(), Set::default());
    for declaration in declarations {
        let Some(name) = declaration.tokens().nth(1).map(|token| token.text()) else { continue };
        declared.insert(name);
        if declaration.child(SyntaxKind::TypeParams).is_some() {
            generic.insert(name);
        }
    }
    let known = |name: &str| declared.contains(name) || PRIMITIVES.contains(&name);
    let mut sites: Vec<Node<'_>> = vec![];
    let mut next = Some(tree.root());
    while let Some(node) = next {
        // What is in a type is no expression of the program.
        if matches!(node.kind(), SyntaxKind::TypeofType | SyntaxKind::TypeAttribute) {
            next = node.next_outside();
            continue;
        }
        if let Some(name) = type_called(node).filter(|name| known(name.text())) {
            sites.push(name);
            // What a generic type is made of are types too.
            if generic.contains(name.text()) && node.kind() == SyntaxKind::CallExpr {
                let lists = node.child(SyntaxKind::Arguments).into_iter().flat_map(|a| a.children());
                let names = lists.flat_map(|list| list.children()).filter(|arg| arg.kind() == SyntaxKind::NameExpr);
                sites.extend(names.filter(|name| PRIMITIVES.contains(&name.text())));
            }
        }
        next = node.next_preorder();
    }
    if sites.is_empty() {
        return vec![];
    }
    // Hardly anybody calls a variable like a type; then there is no need to find out what every name means.
    let names: Set<&str> = sites.iter().map(|site| site.text()).collect();
    let declares = |node| declared_names(node).any(|name| names.contains(name));
    let shadowed = names.contains("self") || tree.root().descendants().any(declares);
    let scopes = shadowed.then(|| Scopes::new(tree));
    let is_global = |node: Node<'_>| {
        let Some(scopes) = &scopes else { return true };
        scopes.symbol_of(node).is_some_and(|symbol| scopes.get(symbol).kind == SymbolKind::Global)
    };
    let owner = |name: &str| if declared.contains(name) { Owner::Chunk } else { Owner::Everybody };
    let sites = sites.into_iter().filter(|node| is_global(*node)).map(|n| (n.range(), owner(n.text())));
    let mut sites: Vec<(Range<u32>, Owner)> = sites.collect();
    sites.sort_by_key(|(range, _)| range.start);
    sites
}

/// The names of the variables that a node declares itself.
fn declared_names(node: Node<'_>) -> impl Iterator<Item = &str> {
    let (skipped, taken) = match node.kind() {
        SyntaxKind::TypedName => (0, 1),
        SyntaxKind::LocalFunctionStat => (2, 1),
        SyntaxKind::ForNames => (0, usize::MAX),
        _ => (0, 0),
    };
    node.tokens().skip(skipped).take(taken).map(|token| token.text())
}

/// The name a call goes to if that may be a type: the callee itself, or what one of the methods is taken from.
fn type_called(node: Node<'_>) -> Option<Node<'_>> {
    let is_method = |name: &str| METHODS.contains(&name);
    let callee = node.children().next()?;
    let (name, fits) = match (node.kind(), callee.kind()) {
        (SyntaxKind::MethodCallExpr, _) => (callee, is_method(member_token(node)?.text())),
        (SyntaxKind::CallExpr, SyntaxKind::FieldExpr) => {
            (callee.children().next()?, is_method(member_token(callee)?.text()))
        }
        (SyntaxKind::CallExpr, SyntaxKind::IndexExpr) => {
            let key = callee.children().nth(1).filter(|key| key.kind() == SyntaxKind::LiteralExpr)?;
            let key = key.first_token().filter(|t| t.kind() == SyntaxKind::Str)?;
            (callee.children().next()?, is_method(&literal::string(key.text())))
        }
        (SyntaxKind::CallExpr, _) => (callee, true),
        _ => return None,
    };
    (fits && name.kind() == SyntaxKind::NameExpr).then_some(name)
}

/// A type as a value.
#[derive(Clone)]
pub struct TypeValue {
    ty: Ty,
    name: Option<Name>,
    /// A generic type whose parameters are still open.
    generic: Option<Arc<Def>>,
    /// Hold the definitions that `ty` refers to.
    homes: Vec<Arc<Manifest>>,
}

/// Why a generic type cannot be instantiated, as programs read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInstantiated(pub String);

impl TypeValue {
    /// One of [`PRIMITIVES`] or `nil`.
    pub fn primitive(name: &str) -> Option<TypeValue> {
        let ty = match name {
            "nil" => Ty::Nil,
            "boolean" => Ty::Boolean,
            "number" => Ty::Number,
            "integer" => Ty::Integer,
            "string" => Ty::String,
            "any" => Ty::Any,
            "unknown" => Ty::Unknown,
            "never" => Ty::Never,
            _ => return None,
        };
        Some(TypeValue { ty, name: Some(name.into()), generic: None, homes: vec![] })
    }

    /// The type a module declares under a name.
    pub fn declared(home: &Arc<Manifest>, name: &str) -> Option<TypeValue> {
        let def = home.types.get(name)?;
        let generic = (!def.params.is_empty()).then(|| def.clone());
        let ty = match &generic {
            Some(_) => Ty::Never,
            None => reference(def, def.name.clone(), vec![]),
        };
        Some(TypeValue { ty, name: Some(def.name.clone()), generic, homes: vec![home.clone()] })
    }

    /// The type itself. For a generic type without arguments one that has no values.
    pub fn ty(&self) -> &Ty {
        &self.ty
    }

    /// The declared or primitive name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn part(&self, ty: &Ty) -> TypeValue {
        let name = match ty {
            Ty::Boolean | Ty::Number | Ty::Integer | Ty::String | Ty::Any | Ty::Unknown | Ty::Never | Ty::Nil => {
                Some(ty.to_string().into())
            }
            _ => ty.as_named().map(|named| named.name.clone()),
        };
        TypeValue { ty: ty.clone(), name, generic: None, homes: self.homes.clone() }
    }

    /// The type with types in the place of its parameters. Errors: it has none, or another number of them.
    pub fn instantiate(&self, args: &[&TypeValue]) -> Result<TypeValue, NotInstantiated> {
        let name = self.to_string();
        let Some(def) = &self.generic else { return Err(NotInstantiated(format!("type {name} is not generic"))) };
        if def.params.len() != args.len() {
            let (expected, got) = (def.params.len(), args.len());
            return Err(NotInstantiated(format!("generic {name} expects {expected} type arguments, got {got}")));
        }
        let mut homes = self.homes.clone();
        for home in args.iter().flat_map(|arg| &arg.homes) {
            if !homes.iter().any(|known| Arc::ptr_eq(known, home)) {
                homes.push(home.clone());
            }
        }
        let ty = reference(def, def.name.clone(), args.iter().map(|arg| arg.ty.clone()).collect());
        Ok(TypeValue { ty, name: self.name.clone(), generic: None, homes })
    }

    /// Whether it is a generic type with types in the place of its parameters.
    pub fn is_instance(&self) -> bool {
        self.ty.as_named().is_some_and(|named| !named.args.is_empty())
    }

    /// What sort of type it is.
    pub fn kind(&self) -> &'static str {
        if self.generic.is_some() {
            return "generic";
        }
        let mut ty = self.ty.clone();
        for _ in 0..COMPARED {
            match ty.as_named() {
                Some(named) if !named.args.is_empty() => return "instantiated",
                Some(named) => ty = named.expand(),
                None => break,
            }
        }
        match &ty {
            Ty::Nil | Ty::SoftNil => "nil",
            Ty::Boolean => "boolean",
            Ty::Number => "number",
            Ty::Integer => "integer",
            Ty::String => "string",
            Ty::Any => "any",
            Ty::Never => "never",
            Ty::Of(compound) => match &compound.shape {
                Shape::Union(members) if optional(members) => "optional",
                Shape::Union(_) => "union",
                Shape::Intersection(_) => "intersection",
                Shape::Tuple(_) => "tuple",
                Shape::Function(_) => "function",
                Shape::Array(_) => "array",
                Shape::Map(..) => "map",
                Shape::Record(record) if !record.interface => "record",
                _ => "unknown",
            },
            _ => "unknown",
        }
    }

    /// The type behind names.
    fn body(&self) -> Ty {
        self.ty.resolved().into_owned()
    }

    /// The element type of an array.
    pub fn elem(&self) -> Option<TypeValue> {
        match self.body().shape() {
            Some(Shape::Array(element)) => Some(self.part(element)),
            _ => None,
        }
    }

    /// The types of the keys and values of a map.
    pub fn entry(&self) -> Option<(TypeValue, TypeValue)> {
        match self.body().shape() {
            Some(Shape::Map(key, value)) => Some((self.part(key), self.part(value))),
            _ => None,
        }
    }

    /// What an optional type is without nil.
    pub fn inner(&self) -> Option<TypeValue> {
        let body = self.body();
        match body.shape() {
            Some(Shape::Union(members)) if optional(members) => Some(self.part(&without_nil(&body))),
            _ => None,
        }
    }

    /// What a function gives: a tuple if that is more than one value.
    pub fn ret(&self) -> Option<TypeValue> {
        let body = self.body();
        match body.as_function()?.results.types.as_slice() {
            [] => None,
            [one] => Some(self.part(one)),
            several => Some(self.part(&Ty::of(Shape::Tuple(several.to_vec())))),
        }
    }

    /// The fields of a record by name; of optional ones the type without nil.
    pub fn fields(&self) -> Option<Vec<(Name, TypeValue)>> {
        let body = self.body();
        let record = body.as_record().filter(|r| !r.interface)?;
        let ty = |optional: bool, ty: &Ty| if optional { without_nil(ty) } else { ty.clone() };
        Some(record.fields.iter().map(|f| (f.name.clone(), self.part(&ty(f.optional, &f.ty)))).collect())
    }

    /// The field of a record.
    pub fn field(&self, name: &str) -> Option<TypeValue> {
        let body = self.body();
        let field = body.as_record().filter(|r| !r.interface)?.field(name)?;
        Some(self.part(&if field.optional { without_nil(&field.ty) } else { field.ty.clone() }))
    }

    /// The members of a union that is more than an optional type.
    pub fn variants(&self) -> Option<Vec<TypeValue>> {
        match self.body().shape() {
            Some(Shape::Union(members)) if !optional(members) => Some(members.iter().map(|m| self.part(m)).collect()),
            _ => None,
        }
    }

    /// The types of a function's parameters.
    pub fn params(&self) -> Option<Vec<TypeValue>> {
        Some(self.body().as_function()?.params.iter().map(|p| self.part(&p.ty)).collect())
    }

    /// The parameters of a generic type, with what they are bound to.
    pub fn type_params(&self) -> Option<Vec<(Name, Option<TypeValue>)>> {
        let params = &self.generic.as_ref()?.params;
        Some(params.iter().map(|p| (p.name.clone(), p.bound.as_ref().map(|bound| self.part(bound)))).collect())
    }

    /// Whether both are the same in structure, whatever their names.
    pub fn same_as(&self, other: &TypeValue) -> bool {
        match (&self.generic, &other.generic) {
            (None, None) => alike(&self.ty, &other.ty),
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || same_generic(a, b),
            _ => false,
        }
    }

    /// Whether a value of this type may stand where the other is declared.
    pub fn fits(&self, other: &TypeValue) -> bool {
        match (&self.generic, &other.generic) {
            (None, None) => relate::fits(&self.ty, &other.ty),
            _ => self.same_as(other),
        }
    }
}

fn same_generic(a: &Def, b: &Def) -> bool {
    let (Some(x), Some(y)) = (a.body.get(), b.body.get()) else { return false };
    let params = |def: &Def| -> Vec<Ty> { def.params.iter().map(|p| Ty::of(Shape::Param(p.clone()))).collect() };
    a.params.len() == b.params.len() && alike(x, &substitute(y, &b.params, &params(a)))
}

/// The name, or the structure of a type without one.
impl fmt::Display for TypeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.generic {
            Some(def) => f.write_str(&def.name),
            None => self.ty.fmt(f),
        }
    }
}

impl fmt::Debug for TypeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeValue({self})")
    }
}

/// Whether a union is one type beside nil.
fn optional(members: &[Ty]) -> bool {
    members.len() == 2 && members[0].is_nil()
}

/// Whether two types are the same in structure: names are looked through, recursion is taken to be alike while it is
/// being compared.
fn alike(a: &Ty, b: &Ty) -> bool {
    let mut assumed: Vec<(Ty, Ty)> = vec![];
    let mut open = vec![(a.clone(), b.clone())];
    while let Some((a, b)) = open.pop() {
        if a == b || assumed.contains(&(a.clone(), b.clone())) {
            continue;
        }
        if assumed.len() >= COMPARED {
            return false;
        }
        if a.as_named().is_some() || b.as_named().is_some() {
            assumed.push((a.clone(), b.clone()));
        }
        if !same_shape(&a.resolved(), &b.resolved(), &mut open) {
            return false;
        }
    }
    true
}

/// Whether two types have the same outside; what is inside is left to be compared.
fn same_shape(a: &Ty, b: &Ty, inside: &mut Vec<(Ty, Ty)>) -> bool {
    let (Some(x), Some(y)) = (a.shape(), b.shape()) else { return a == b };
    let mut pair = |a: &Ty, b: &Ty| inside.push((a.clone(), b.clone()));
    let mut all = |a: &[Ty], b: &[Ty]| {
        a.iter().zip(b).for_each(|(a, b)| pair(a, b));
        a.len() == b.len()
    };
    match (x, y) {
        (Shape::Union(a), Shape::Union(b))
        | (Shape::Intersection(a), Shape::Intersection(b))
        | (Shape::Tuple(a), Shape::Tuple(b)) => all(a, b),
        (Shape::Array(a), Shape::Array(b)) => all(std::slice::from_ref(a), std::slice::from_ref(b)),
        (Shape::Map(k, v), Shape::Map(l, w)) => all(&[k.clone(), v.clone()], &[l.clone(), w.clone()]),
        (Shape::Annotated(a, x), Shape::Annotated(b, y)) => {
            x == y && all(std::slice::from_ref(a), std::slice::from_ref(b))
        }
        (Shape::Record(a), Shape::Record(b)) => {
            let types = |fields: &[crate::ty::Field]| fields.iter().map(|f| f.ty.clone()).collect::<Vec<_>>();
            let same = a.fields.iter().zip(&b.fields).all(|(a, b)| a.name == b.name && a.optional == b.optional);
            same && a.interface == b.interface && all(&types(&a.fields), &types(&b.fields))
        }
        (Shape::Function(a), Shape::Function(b)) => {
            let params = |f: &crate::ty::Function| f.params.iter().map(|p| p.ty.clone()).collect::<Vec<_>>();
            let rests = a.rest.is_some() == b.rest.is_some() && a.results.rest.is_some() == b.results.rest.is_some();
            rests
                && a.method == b.method
                && all(a.rest.as_slice(), b.rest.as_slice())
                && all(a.results.rest.as_slice(), b.results.rest.as_slice())
                && all(&params(a), &params(b))
                && all(&a.results.types, &b.results.types)
        }
        _ => x == y,
    }
}
