//! From type expressions in a source to types.
//!
//! Names are resolved here: type parameters, declarations of enclosing blocks, of the top level, of imported modules
//! and of the runtime. A name that means nothing is no error: it is undetermined. The definition of a declaration is
//! made before its body is read, so declarations may refer to themselves and to each other.

use crate::algebra::{intersection, optional, union};
use crate::hash::{Map, map};
use crate::ty::{
    Annotation, Asserts, Def, Fact, Field, Function, Name, Named, Origin, Param, Record, Results, Shape, Ty, TypeParam,
    Types,
};
use crate::{Imports, Manifest, builtin, literal, relate};
use std::sync::Arc;
use wippy_lua_syntax::{Node, SyntaxKind};

/// Names of fields, parameters and types, and texts, in most sources.
const USUAL_NAMES: usize = 56;

#[derive(Clone)]
enum Entry {
    Def(Arc<Def>),
    Param(Arc<TypeParam>),
}

/// The types in sight, and how to read new ones.
pub struct Lower<'t, 'e> {
    imports: &'e Imports,
    /// A manifest of the runtime is being read: `any` promises nothing there, and objects are open.
    builtin: bool,
    /// The types are read as values of a program: with their annotations, and names that mean nothing stay names.
    pub values: bool,
    /// What each open block declares; none as long as it is nothing, which is so for most.
    levels: Vec<Option<Map<&'t str, Entry>>>,
    /// Local variables that hold a module: `local a = require("b")`.
    aliases: Map<&'t str, String>,
    /// Types of the expressions in `typeof(...)`, by index of their node; found before a type is read.
    pub typeofs: Map<usize, Ty>,
    /// All definitions made here. Types refer to them weakly.
    pub defs: Vec<Arc<Def>>,
    names: Map<&'t str, Name>,
}

impl<'t, 'e> Lower<'t, 'e> {
    pub fn new(imports: &'e Imports, builtin: bool) -> Self {
        Lower {
            imports,
            builtin,
            values: false,
            levels: vec![None],
            aliases: Map::default(),
            typeofs: Map::default(),
            defs: vec![],
            names: map(USUAL_NAMES),
        }
    }

    pub fn name(&mut self, text: &'t str) -> Name {
        self.names.entry(text).or_insert_with(|| text.into()).clone()
    }

    pub fn open(&mut self) {
        self.levels.push(None);
    }

    pub fn close(&mut self) {
        self.levels.pop();
    }

    /// Runs `f` where only what the chunk itself declares is in sight.
    pub fn at_top<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let inner = self.levels.split_off(1);
        let result = f(self);
        self.levels.extend(inner);
        result
    }

    pub fn alias(&mut self, name: &'t str, module: String) {
        self.aliases.insert(name, module);
    }

    /// The module a chunk knows as `alias`.
    pub fn module(&self, alias: &str) -> Option<Arc<Manifest>> {
        let name = self.aliases.get(alias).map_or(alias, String::as_str);
        let builtin = || if self.builtin { None } else { builtin::module(name) };
        self.imports.get(name).cloned().or_else(builtin)
    }

    /// The types declared at the top level.
    pub fn exported(&self) -> Map<Name, Arc<Def>> {
        let defs = self.levels[0].iter().flatten().filter_map(|(_, e)| match e {
            Entry::Def(def) => Some((def.name.clone(), def.clone())),
            Entry::Param(_) => None,
        });
        defs.collect()
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.levels.iter().rev().flatten().find_map(|level| level.get(name))
    }

    /// Makes a name mean something until the end of the block.
    fn show(&mut self, name: &'t str, entry: Entry) {
        if let Some(level) = self.levels.last_mut() {
            level.get_or_insert_default().insert(name, entry);
        }
    }

    /// The type a plain name declared in this chunk stands for, if there is one.
    pub fn declared(&self, name: &str) -> Option<Ty> {
        match self.entry(name)? {
            Entry::Def(def) => Some(reference(def, def.name.clone(), vec![])),
            Entry::Param(_) => None,
        }
    }

    // ----- declarations -----

    /// Announces all `type` and `interface` statements of a block.
    pub fn announce(&mut self, block: Node<'t>) {
        for stat in block.children() {
            if matches!(stat.kind(), SyntaxKind::TypeStat | SyntaxKind::InterfaceStat)
                && let Some(token) = stat.tokens().nth(1)
            {
                let name = self.name(token.text());
                let params = self.type_params(stat);
                let def = Def::new(name, params, self.builtin);
                self.defs.push(def.clone());
                // The last declaration of a name wins, as it does at run time.
                self.show(token.text(), Entry::Def(def));
            }
        }
    }

    /// Reads the body of a `type` or `interface` statement that was announced.
    pub fn declare(&mut self, stat: Node<'t>) {
        let Some(token) = stat.tokens().nth(1) else { return };
        let level = self.levels.last().and_then(Option::as_ref);
        let Some(Entry::Def(def)) = level.and_then(|level| level.get(token.text())).cloned() else { return };
        self.open();
        self.bring_in(stat, &def.params);
        let body = match stat.kind() {
            SyntaxKind::TypeStat => {
                stat.children().filter(|n| n.kind() != SyntaxKind::TypeParams).last().map(|n| self.ty(n))
            }
            _ => Some(self.interface(stat)),
        };
        self.close();
        if let Some(body) = body {
            // An alias of itself would never be resolved to anything.
            let circular = body.as_named().is_some_and(|n| std::ptr::eq(n.def.as_ptr(), Arc::as_ptr(&def)));
            let _ = def.body.set(if circular { Ty::Undetermined } else { body });
        }
    }

    fn type_params(&mut self, of: Node<'t>) -> Vec<Arc<TypeParam>> {
        let Some(list) = of.child(SyntaxKind::TypeParams) else { return vec![] };
        let mut params = vec![];
        self.open();
        for param in list.children() {
            let Some(token) = param.first_token() else { continue };
            let bound = param.children().next().map(|bound| self.ty(bound));
            let made = Arc::new(TypeParam { name: self.name(token.text()), bound });
            self.show(token.text(), Entry::Param(made.clone()));
            params.push(made);
        }
        self.close();
        params
    }

    /// Makes the type parameters of a declaration or function visible in the current level.
    pub fn bring_in(&mut self, of: Node<'t>, params: &[Arc<TypeParam>]) {
        let Some(list) = of.child(SyntaxKind::TypeParams) else { return };
        let tokens: Vec<_> = list.children().filter_map(|p| p.first_token()).collect();
        for (token, param) in tokens.into_iter().zip(params) {
            self.show(token.text(), Entry::Param(param.clone()));
        }
    }

    fn interface(&mut self, stat: Node<'t>) -> Ty {
        let mut record = Record { interface: true, open: self.builtin, ..Record::default() };
        for base in stat.child(SyntaxKind::InterfaceBases).into_iter().flat_map(|b| b.children()) {
            match self.ty(base).resolved().as_record() {
                Some(base) => base.fields.iter().for_each(|f| record.set(f.clone())),
                // Nobody can say what an unknown base brings.
                None => record.open = true,
            }
        }
        // In manifests an interface with a small letter is a table of functions.
        let plain = self.builtin && stat.tokens().nth(1).is_some_and(|t| t.text().starts_with(char::is_lowercase));
        for part in stat.children() {
            match part.kind() {
                SyntaxKind::RecordField => {
                    if let Some(field) = self.record_field(part) {
                        record.set(field);
                    }
                }
                SyntaxKind::MethodSig => {
                    let Some(token) = part.tokens().nth(1) else { continue };
                    let mut function = self.signature(part);
                    function.method = !plain;
                    function.origin = if self.builtin { Origin::Builtin } else { Origin::Declared };
                    let name = self.name(token.text());
                    record.set(Field { name, ty: Ty::function(function), optional: false, readonly: self.builtin });
                }
                _ => {}
            }
        }
        // Tables and texts count as errors, whatever methods they have; objects with fields may have more of them.
        let methods = || record.fields.iter().all(|f| f.ty.as_function().is_some());
        let error = stat.tokens().nth(1).is_some_and(|t| t.text() == "Error");
        record.complete = self.builtin && !error && (plain || methods());
        Ty::record(record)
    }

    // ----- functions -----

    /// The type of a function body or method signature, from its annotations alone.
    pub fn signature(&mut self, body: Node<'t>) -> Function {
        let generics = self.type_params(body);
        self.open();
        self.bring_in(body, &generics);
        let mut function = Function { generics, ..Function::default() };
        let mut annotated = false;
        let list = body.child(SyntaxKind::ParamList);
        for param in list.into_iter().flat_map(|l| l.children()) {
            let annotation = param.child(SyntaxKind::TypeAnnotation).and_then(|a| a.children().next());
            annotated |= annotation.is_some();
            let ty = annotation.map(|a| self.ty(a));
            if param.kind() == SyntaxKind::VarargParam {
                function.rest = Some(ty.unwrap_or(Ty::Undetermined));
                continue;
            }
            let name = param.first_token().map(|t| self.name(t.text()));
            function.params.push(Param { name, optional: ty.is_none(), ty: ty.unwrap_or(Ty::Undetermined) });
        }
        function.origin = if annotated { Origin::Declared } else { Origin::Inferred };
        if let Some(returns) = body.child(SyntaxKind::ReturnTypes) {
            self.results(&mut function, returns.children().collect());
        }
        self.close();
        function
    }

    /// Sets results and assertions from the types behind the colon or arrow.
    fn results(&mut self, function: &mut Function, nodes: Vec<Node<'t>>) {
        function.results = Results { types: Types::new(), rest: None };
        let nodes: Vec<_> = match nodes.as_slice() {
            [tuple] if tuple.kind() == SyntaxKind::TupleType => tuple.children().map(unwrap_param).collect(),
            _ => nodes,
        };
        for node in nodes {
            if node.kind() == SyntaxKind::AssertsType {
                self.asserts(function, node);
                // What such a function returns is not said.
                function.results = Results::unknown();
                return;
            }
            let ty = self.ty(node);
            function.results.types.push(ty);
        }
    }

    fn asserts(&mut self, function: &mut Function, node: Node<'t>) {
        let Some(token) = node.tokens().nth(1) else { return };
        let fact = node.children().next().map_or(Fact::Truthy, |ty| Fact::Is(self.ty(ty)));
        let at = function.params.iter().position(|p| p.name.as_deref() == Some(token.text()));
        if let Some(param) = at {
            function.asserts.push(Asserts { param, fact });
        }
    }

    fn function_type(&mut self, node: Node<'t>) -> Ty {
        let mut function =
            Function { origin: if self.builtin { Origin::Builtin } else { Origin::Declared }, ..Function::default() };
        let mut results = vec![];
        for part in node.children() {
            match part.kind() {
                SyntaxKind::FunctionTypeParam => {
                    let named = part.token(SyntaxKind::Colon).and_then(|_| part.first_token());
                    let name = named.map(|t| self.name(t.text()));
                    let ty = part.children().last().map_or(Ty::Undetermined, |t| self.ty(t));
                    function.params.push(Param { name, ty, optional: false });
                }
                SyntaxKind::FunctionTypeVararg => {
                    function.rest = Some(part.children().last().map_or(Ty::Undetermined, |t| self.ty(t)));
                }
                _ => results.push(part),
            }
        }
        // `self` written out: the function is meant to be called with `:`.
        if function.params.first().is_some_and(|p| p.name.as_deref() == Some("self")) {
            function.params.remove(0);
            function.method = true;
        }
        if !results.is_empty() {
            self.results(&mut function, results);
        }
        Ty::function(function)
    }

    // ----- types -----

    /// The type a node of the tree describes.
    pub fn ty(&mut self, node: Node<'t>) -> Ty {
        use SyntaxKind::*;
        let first = |n: Node<'t>| n.children().next();
        match node.kind() {
            NamedType => self.named(node),
            LiteralType => literal_type(node),
            ArrayType => Ty::array(self.part(first(node))),
            MapType => {
                let key = self.part(first(node));
                let value = self.part(node.children().nth(1));
                Ty::of(Shape::Map(key, value))
            }
            RecordType => {
                let mut record = Record { open: self.builtin, ..Record::default() };
                for field in node.children().filter(|n| n.kind() == RecordField) {
                    if let Some(field) = self.record_field(field) {
                        record.set(field);
                    }
                }
                Ty::record(record)
            }
            ReadonlyType | ParenType => self.part(first(node)),
            AnnotatedType => self.annotated(node),
            FunctionTypeParam => self.part(node.children().last()),
            FunctionType => self.function_type(node),
            TupleType => {
                let parts = node.children().map(|n| self.ty(unwrap_param(n))).collect();
                Ty::of(Shape::Tuple(parts))
            }
            OptionalType => optional(self.part(first(node))),
            UnionType => self.chain(node, UnionType),
            IntersectionType => {
                let (a, b) = (self.part(first(node)), self.part(node.children().nth(1)));
                // Only what is written out can be merged here; names may not be read yet.
                let by_name = |ty: &Ty| ty.as_named().is_some();
                if by_name(&a) || by_name(&b) { Ty::of(Shape::Intersection(vec![a, b])) } else { intersection(a, b) }
            }
            TypeofType => {
                let inner = first(node).and_then(|e| self.typeofs.get(&e.index()).cloned());
                inner.unwrap_or(Ty::Undetermined)
            }
            KeyofType => key_type(&self.part(first(node))),
            IndexAccessType => {
                let (of, key) = (self.part(first(node)), self.part(node.children().nth(1)));
                indexed_type(&of, &key)
            }
            ConditionalType => {
                let parts: Vec<Ty> = node.children().map(|n| self.ty(n)).collect();
                match parts.as_slice() {
                    [checked, bound, yes, no] => conditional(checked, bound, yes, no),
                    _ => Ty::Undetermined,
                }
            }
            _ => Ty::Undetermined,
        }
    }

    fn annotated(&mut self, node: Node<'t>) -> Ty {
        let inner = self.part(node.children().next());
        if !self.values {
            return inner;
        }
        let attributes = node.children().filter(|n| n.kind() == SyntaxKind::TypeAttribute);
        let annotations: Vec<Annotation> = attributes.filter_map(|n| self.annotation(n)).collect();
        if annotations.is_empty() { inner } else { Ty::of(Shape::Annotated(inner, annotations.into())) }
    }

    /// Only the first argument counts, and only if it is a literal.
    fn annotation(&mut self, node: Node<'t>) -> Option<Annotation> {
        let name = node.tokens().nth(1)?.text();
        let arg = node.children().flat_map(|list| list.children()).next().and_then(|arg| {
            let negative = arg.kind() == SyntaxKind::UnaryExpr && arg.token(SyntaxKind::Minus).is_some();
            let literal = if negative { arg.children().next()? } else { arg };
            match (literal.kind() == SyntaxKind::LiteralExpr).then(|| literal_type(literal))? {
                Ty::Int(n) if negative => Some(Ty::Int(n.wrapping_neg())),
                Ty::Float(bits) if negative => Some(Ty::Float((-f64::from_bits(bits)).to_bits())),
                Ty::Nil => None,
                other => (!negative).then_some(other),
            }
        });
        Some(Annotation { name: self.name(name), arg })
    }

    /// A name that means nothing.
    fn unresolved(&mut self, name: &str) -> Ty {
        if self.values { Ty::of(Shape::Unresolved(name.into())) } else { Ty::Undetermined }
    }

    fn part(&mut self, node: Option<Node<'t>>) -> Ty {
        node.map_or(Ty::Undetermined, |n| self.ty(n))
    }

    /// `A | B | C` leans to the left: one union instead of one for every `|`.
    fn chain(&mut self, node: Node<'t>, kind: SyntaxKind) -> Ty {
        let mut parts = vec![];
        let mut left = Some(node);
        while let Some(node) = left.take() {
            let mut children = node.children();
            let (a, b) = (children.next(), children.next());
            parts.push(self.part(b));
            match a {
                Some(a) if a.kind() == kind => left = Some(a),
                a => parts.push(self.part(a)),
            }
        }
        parts.reverse();
        union(parts)
    }

    fn record_field(&mut self, node: Node<'t>) -> Option<Field> {
        let name = self.name(node.first_token()?.text());
        let optional = node.token(SyntaxKind::QuestionColon).is_some();
        let ty = node.children().map(|n| self.ty(n)).next()?;
        Some(Field { name, ty, optional, readonly: false })
    }

    fn named(&mut self, node: Node<'t>) -> Ty {
        let mut parts = node.tokens().filter(|t| t.kind() != SyntaxKind::Dot).map(|t| t.text());
        let Some(first) = parts.next() else { return Ty::Undetermined };
        let args: Vec<Ty> = match node.child(SyntaxKind::TypeArgs) {
            Some(list) => list.children().map(|a| self.ty(a)).collect(),
            None => vec![],
        };
        let Some(second) = parts.next() else { return self.plain_name(first, args) };
        let last = parts.last().unwrap_or(second);
        let def = self.module(first).and_then(|m| m.types.get(last).cloned());
        let shown = self.name(node.text().split('<').next().unwrap_or(first).trim());
        match def {
            Some(def) => reference(&def, shown, args),
            None => self.unresolved(&shown),
        }
    }

    fn plain_name(&mut self, name: &'t str, args: Vec<Ty>) -> Ty {
        // The manifest of the string library declares a `string` that nobody means.
        let library = self.builtin && matches!(name, "string" | "table");
        let declared = self.entry(name).filter(|_| !library).cloned();
        if let Some(entry) = declared {
            return match entry {
                Entry::Param(param) => Ty::of(Shape::Param(param)),
                Entry::Def(def) => reference(&def, def.name.clone(), args),
            };
        }
        match name {
            "boolean" | "bool" => Ty::Boolean,
            "number" => Ty::Number,
            "integer" | "int" => Ty::Integer,
            "string" => Ty::String,
            "any" if self.builtin => Ty::Undetermined,
            "any" => Ty::Any,
            "unknown" => Ty::Unknown,
            "never" => Ty::Never,
            "table" => Ty::Table,
            "Self" | "self" => Ty::of(Shape::Receiver),
            "error" | "Error" if self.builtin => {
                let def = self.module("errors").and_then(|m| m.types.get("Error").cloned());
                def.map_or(Ty::Undetermined, |def| reference(&def, "error".into(), args))
            }
            _ if self.builtin => Ty::Undetermined,
            "error" | "Error" => builtin::error(),
            "Channel" => {
                let def = builtin::module("channel").and_then(|m| m.types.get("Channel").cloned());
                def.map_or(Ty::Undetermined, |def| reference(&def, def.name.clone(), args))
            }
            _ => self.unresolved(name),
        }
    }
}

/// A type in the parentheses of a list reads as a parameter to the parser.
fn unwrap_param(node: Node<'_>) -> Node<'_> {
    match node.kind() {
        SyntaxKind::FunctionTypeParam => node.children().last().unwrap_or(node),
        _ => node,
    }
}

/// The type a definition stands for; undetermined with arguments that do not suit it.
pub fn reference(def: &Arc<Def>, name: Name, mut args: Vec<Ty>) -> Ty {
    if def.params.is_empty() {
        args.clear();
    }
    if def.builtin && args.is_empty() {
        args = vec![Ty::Undetermined; def.params.len()];
    }
    let suits = |(param, arg): (&Arc<TypeParam>, &Ty)| param.bound.as_ref().is_none_or(|b| relate::fits(arg, b));
    // A generic type without arguments is one nobody knows the parts of.
    if args.len() != def.params.len() || !def.params.iter().zip(&args).all(suits) {
        return Ty::Undetermined;
    }
    Ty::of(Shape::Named(Named { name, def: Arc::downgrade(def), args }))
}

fn literal_type(node: Node<'_>) -> Ty {
    let tokens: Vec<_> = node.tokens().collect();
    let Some(token) = tokens.last() else { return Ty::Undetermined };
    match token.kind() {
        SyntaxKind::Nil => Ty::Nil,
        SyntaxKind::True => Ty::Bool(true),
        SyntaxKind::False => Ty::Bool(false),
        SyntaxKind::Str => Ty::Str(literal::string(token.text()).into()),
        _ => match literal::number(token.text()) {
            Ty::Int(n) if tokens.len() > 1 => Ty::Int(n.wrapping_neg()),
            Ty::Float(bits) if tokens.len() > 1 => Ty::Float((-f64::from_bits(bits)).to_bits()),
            other => other,
        },
    }
}

fn key_type(of: &Ty) -> Ty {
    match of.resolved().shape() {
        Some(Shape::Record(r)) => union(r.fields.iter().map(|f| Ty::Str(f.name.clone()))),
        Some(Shape::Map(key, _)) => key.clone(),
        Some(Shape::Array(_)) => Ty::Integer,
        Some(Shape::Param(_)) => Ty::Undetermined,
        None if of.resolved().is_undetermined() => Ty::Undetermined,
        _ => Ty::Never,
    }
}

fn indexed_type(of: &Ty, key: &Ty) -> Ty {
    match (of.resolved().shape(), key) {
        (Some(Shape::Record(r)), Ty::Str(name)) => match r.field(name) {
            Some(field) if field.optional => optional(field.ty.clone()),
            Some(field) => field.ty.clone(),
            None => Ty::Undetermined,
        },
        (Some(Shape::Record(_)), _) if matches!(key.resolved().shape(), Some(Shape::Union(_))) => {
            union(key.resolved().members().iter().map(|k| indexed_type(of, k)))
        }
        (Some(Shape::Map(_, value)), _) => value.clone(),
        (Some(Shape::Array(element)), _) => element.clone(),
        _ => Ty::Undetermined,
    }
}

fn conditional(checked: &Ty, bound: &Ty, yes: &Ty, no: &Ty) -> Ty {
    let open = |ty: &Ty| ty.is_undetermined() || matches!(ty.shape(), Some(Shape::Param(_)));
    let resolved = checked.resolved();
    if resolved.members().iter().any(open) || open(bound) {
        return Ty::Undetermined;
    }
    union(resolved.members().iter().map(|m| if relate::fits(m, bound) { yes.clone() } else { no.clone() }))
}
