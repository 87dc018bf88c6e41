//! Calls: what a callee takes and gives.

use super::{Checker, table};
use crate::algebra::{accepts_nil, any_member, has_nil, only_nil, taking_nil, truthy, without_nil};
use crate::check::member::{Found, Survey, simply, survey};
use crate::check::stat::Values;
use crate::diagnostic::Code;
use crate::flow::PathId;
use crate::generics::{Solution, map_function, substitute};
use crate::literal;
use crate::relate::{clashes, fits};
use crate::scope::{SymbolKind, member_token, required_module};
use crate::ty::{Asserts, Fact, Field, Function, Origin, Record, Results, Shape, Ty, Types};
use smallvec::smallvec;
use wippy_lua_syntax::{Node, SyntaxKind};

/// What a call gives.
pub(super) struct Outcome {
    pub results: Results,
    /// Nobody knows whether the callee returns.
    pub vague: bool,
}

impl Outcome {
    fn unknown() -> Self {
        Outcome { results: Results::unknown(), vague: true }
    }

    fn sure(results: Results) -> Self {
        Outcome { results, vague: false }
    }
}

impl<'t> Checker<'t, '_> {
    /// A call or method call.
    pub(super) fn call(&mut self, node: Node<'t>) -> Outcome {
        let Some(callee) = node.children().next() else { return Outcome::unknown() };
        if node.kind() == SyntaxKind::MethodCallExpr {
            return self.method_call(node, callee);
        }
        let base = self.base_function(callee);
        if let Some(outcome) = base.and_then(|name| self.base_call(name, node)) {
            return outcome;
        }
        let ty = self.expr(callee);
        let args = self.arguments(node);
        if let Some((inner, paths)) = self.type_call(base, &ty, &args) {
            for path in paths {
                self.learn(path, inner.clone());
            }
            return Outcome::sure(Results::one(inner));
        }
        if any_member(&ty, &mut |m| *m == Ty::Nil) && without_nil(&ty) != Ty::Never {
            self.report(Code::E0021, callee, "cannot call optional value without nil check".to_owned());
        }
        self.invoke(&taking_nil(ty), None, args, callee, node)
    }

    /// The values between the parentheses.
    fn arguments(&mut self, node: Node<'t>) -> Values<'t> {
        let arguments = node.child(SyntaxKind::Arguments);
        match arguments.and_then(|a| a.children().next()) {
            Some(list) if list.kind() == SyntaxKind::ExprList => self.values(Some(list)),
            Some(single) => {
                let ty = self.expr(single);
                Values { nodes: smallvec![(single, ty)], ..Values::default() }
            }
            None => Values::default(),
        }
    }

    /// `T(v)`: the type, and the paths that are known to have it from now on.
    fn type_call(&mut self, base: Option<&str>, ty: &Ty, args: &Values<'t>) -> Option<(Ty, Vec<PathId>)> {
        let named = base.and_then(primitive);
        let inner = match (named, ty.shape()) {
            (Some(primitive), _) => primitive,
            (_, Some(Shape::TypeValue(inner))) => inner.clone(),
            _ => return None,
        };
        let types = args.nodes.iter().any(|(_, ty)| matches!(ty.shape(), Some(Shape::TypeValue(_))));
        if types || args.nodes.len() != 1 {
            return Some((Ty::Undetermined, vec![]));
        }
        let path = args.nodes.first().and_then(|(node, _)| self.path_of(*node));
        Some((inner, path.into_iter().collect()))
    }

    /// `T:is(x)`: `T` and the path of `x`.
    pub(super) fn type_check(&mut self, node: Node<'t>) -> Option<(Ty, Option<PathId>)> {
        let method = member_token(node).filter(|_| node.kind() == SyntaxKind::MethodCallExpr)?;
        let receiver = node.children().next()?;
        if method.text() != "is" {
            return None;
        }
        let ty = match self.base_function(receiver).and_then(primitive) {
            Some(primitive) => primitive,
            None => match self.again(receiver).shape() {
                Some(Shape::TypeValue(inner)) => inner.clone(),
                _ => return None,
            },
        };
        let list = node.child(SyntaxKind::Arguments)?.children().next()?;
        let arg = if list.kind() == SyntaxKind::ExprList { list.children().next()? } else { list };
        Some((ty, self.path_of(arg)))
    }

    fn method_call(&mut self, node: Node<'t>, receiver: Node<'t>) -> Outcome {
        let Some(name) = member_token(node) else { return Outcome::unknown() };
        if let Some((inner, _)) = self.type_check(node) {
            self.arguments(node);
            let results = smallvec![crate::algebra::optional(inner), crate::algebra::optional(crate::builtin::error())];
            return Outcome::sure(Results { types: results, rest: None });
        }
        let ty = self.expr(receiver);
        // What was put into the field itself comes before what its owner's type says.
        let own = self.path_of(receiver).and_then(|p| self.flow.field(p, name.text())).and_then(|p| self.known(p));
        let args = self.arguments(node);
        if any_member(&ty, &mut |m| *m == Ty::Nil) && without_nil(&ty) != Ty::Never {
            self.report(Code::E0021, receiver, "cannot call method on optional value without nil check".to_owned());
        }
        let ty = taking_nil(ty);
        let callee = match own {
            Some(own) => own,
            None => self.method(&ty, name.text(), node),
        };
        if any_member(&callee, &mut |m| *m == Ty::Nil) && without_nil(&callee) != Ty::Never {
            self.report(Code::E0021, node, "cannot call optional value without nil check".to_owned());
        }
        self.invoke(&taking_nil(callee), Some((ty, receiver)), args, receiver, node)
    }

    /// The method a receiver has, reporting that it has none.
    fn method(&mut self, receiver: &Ty, name: &'t str, node: Node<'t>) -> Ty {
        let own = !self.scopes.assigned_fields.contains_key(name);
        let found = match simply(receiver, name) {
            Some(Found::Type(ty)) => return if own { ty } else { Ty::Undetermined },
            Some(_) => Survey { unclear: true, ..Survey::default() },
            None => survey(receiver, name),
        };
        if found.unclear {
            self.report_misspelt(Code::E0022, receiver, name, node);
            return Ty::Undetermined;
        }
        if !own {
            return Ty::Undetermined;
        }
        if found.lacks.is_empty() {
            return match found.found.len() {
                1 => found.found[0].clone(),
                _ => Ty::Undetermined,
            };
        }
        let list = |types: &[Ty]| types.iter().map(|t| table::shown(t).to_string()).collect::<Vec<_>>().join(" and ");
        let message = if found.has.is_empty() {
            format!("no method {name} on type {}", table::shown(receiver))
        } else {
            format!("no method {name} on {} (present on {})", list(&found.lacks), list(&found.has))
        };
        let help = crate::suggest::member(&found.lacks, name).filter(|_| found.has.is_empty());
        self.report_helped(Code::E0022, node, message, help);
        Ty::Undetermined
    }

    /// Calls a value of type `callee`. With a receiver it is a method call.
    fn invoke(
        &mut self,
        callee: &Ty,
        receiver: Option<(Ty, Node<'t>)>,
        args: Values<'t>,
        at: Node<'t>,
        node: Node<'t>,
    ) -> Outcome {
        let resolved = callee.resolved();
        if let Some(function) = resolved.as_function() {
            return self.invoke_function(function, receiver, args, node);
        }
        if receiver.is_none() && !resolved.is_nil() && !any_member(&resolved, &mut may_be_called) {
            self.report(Code::E0002, at, format!("expected function, got {}", table::shown(callee)));
        }
        self.after_unknown_call(&args);
        Outcome::unknown()
    }

    fn invoke_function(
        &mut self,
        function: &Function,
        receiver: Option<(Ty, Node<'t>)>,
        mut args: Values<'t>,
        node: Node<'t>,
    ) -> Outcome {
        // Arguments and parameters side by side: the receiver is among both or neither.
        match (&receiver, function.method) {
            (Some((ty, at)), false) => args.nodes.insert(0, (*at, ty.clone())),
            (None, true) if !args.nodes.is_empty() => {
                args.nodes.remove(0);
            }
            (None, true) => args.rest = args.rest.take().or(Some(Ty::Undetermined)),
            _ => {}
        }
        let solved = (!function.generics.is_empty()).then(|| {
            let types = self.solve(function, &args, node);
            map_function(function, &mut |ty| substitute(ty, &function.generics, &types))
        });
        let solved = solved.as_ref().unwrap_or(function);
        // The receiver of a plain function in a field: nobody said that it takes one.
        let given = usize::from(receiver.is_some() && !function.method);
        match solved.origin {
            Origin::Inferred => {}
            Origin::Declared if given == 1 && !receiver_is_declared(solved) => {}
            _ => self.check_arguments(solved, &args, given, node),
        }
        let asserts = &solved.asserts;
        match solved.origin {
            Origin::Builtin => self.flow.call(),
            _ => self.after_call_asserting(&args, asserts),
        }
        for assert in asserts {
            self.assert_argument(&args, assert);
        }
        let mut results = solved.results.clone();
        if solved.origin == Origin::Builtin {
            soften(&mut results);
        }
        let vague = results.types.is_empty() && results.rest.is_some() && solved.origin != Origin::Builtin;
        Outcome { results, vague }
    }

    fn solve(&mut self, function: &Function, args: &Values<'t>, node: Node<'t>) -> Vec<Ty> {
        let mut solution = Solution::new(&function.generics);
        let patterns = function.params.iter().map(|p| &p.ty).chain(function.rest.iter().cycle());
        for ((_, actual), pattern) in args.nodes.iter().zip(patterns) {
            solution.learn(pattern, &table::stored_exactly(actual));
        }
        let mut types = solution.types();
        for n in 0..types.len() {
            let Some(bound) = &function.generics[n].bound else { continue };
            let bound = substitute(bound, &function.generics, &types);
            if !fits(&types[n], &bound) {
                if function.origin != Origin::Builtin {
                    let name = &function.generics[n].name;
                    let message =
                        format!("infer: type argument {} does not satisfy constraint {bound} of {name}", types[n]);
                    self.report(Code::E0000, node, message);
                }
                types[n] = Ty::Undetermined;
            }
        }
        types
    }

    fn check_arguments(&mut self, function: &Function, args: &Values<'t>, given: usize, node: Node<'t>) {
        let builtin = function.origin == Origin::Builtin;
        for (n, param) in function.params.iter().enumerate().skip(args.nodes.len()) {
            let known = args.more.get(n - args.nodes.len()).is_some() || args.rest.is_some();
            if !known && !param.optional && !accepts_nil(&param.ty) {
                self.report_count(function, args, given, node, "not enough arguments");
                return;
            }
        }
        let too_many = !function.params.is_empty() && args.nodes.len() > function.params.len();
        if !builtin && too_many && function.rest.is_none() {
            self.report_count(function, args, given, node, "too many arguments");
            return;
        }
        for (n, (at, actual)) in args.nodes.iter().enumerate() {
            let param = function.params.get(n).map(|param| &param.ty);
            let Some(expected) = param.or(function.rest.as_ref()) else { break };
            let at = *at;
            let refused = if builtin { clashes(actual, expected) } else { !self.suits(actual, expected, at) };
            if !refused {
                continue;
            }
            let shown = table::shown(actual);
            if n < given {
                self.report(Code::E0000, at, format!("method receiver: expected {expected}, got {shown}"));
            } else {
                let position = n - given + 1;
                let help = crate::suggest::value(actual, expected);
                let message = format!("argument {position}: expected {expected}, got {shown}");
                self.report_helped(Code::E0000, at, message, help);
            }
        }
    }

    /// Reports a call with a wrong number of arguments, and says what is right.
    fn report_count(&mut self, function: &Function, args: &Values<'t>, given: usize, node: Node<'t>, message: &str) {
        let before = self.diagnostics.len();
        self.report(Code::E0003, node, message.to_owned());
        let needed =
            function.params.iter().filter(|p| !p.optional && !accepts_nil(&p.ty)).count().saturating_sub(given);
        let (most, got) = (function.params.len().saturating_sub(given), args.nodes.len().saturating_sub(given));
        let takes = match function.rest {
            Some(_) => format!("at least {needed}"),
            None if needed < most => format!("{needed} to {most}"),
            None => most.to_string(),
        };
        if let Some(reported) = self.diagnostics.get_mut(before) {
            reported.notes.push(format!("it takes {takes}, {got} given"));
        }
    }

    /// A function somebody else has written may have looked at what it was given, and raised.
    fn after_unknown_call(&mut self, args: &Values<'t>) {
        self.after_call_asserting(args, &[]);
    }

    fn after_call_asserting(&mut self, args: &Values<'t>, asserts: &[Asserts]) {
        for (n, (node, ty)) in args.nodes.iter().enumerate() {
            if asserts.iter().any(|a| a.param == n) {
                continue;
            }
            let Some(path) = self.path_of(*node) else { continue };
            if has_nil(ty) {
                self.learn(path, Ty::Undetermined);
            }
            if let Some(link) = self.link_of(path)
                && link.error == path
            {
                self.learn(link.value, Ty::Undetermined);
            }
        }
        self.flow.call();
    }

    fn assert_argument(&mut self, args: &Values<'t>, assert: &Asserts) {
        let Some((node, ty)) = args.nodes.get(assert.param) else { return };
        let Some(path) = self.path_of(*node) else { return };
        let (ty, sense) = match &assert.fact {
            Fact::Truthy => (truthy(ty), super::narrow::Sense::Truthy),
            Fact::NotNil => (without_nil(ty), super::narrow::Sense::Truthy),
            Fact::Nil | Fact::Falsy => (only_nil(ty), super::narrow::Sense::Falsy),
            Fact::Is(ty) => (ty.clone(), super::narrow::Sense::Other),
        };
        let learnt = self.with_links(smallvec![super::narrow::Learnt { path, ty, sense }]);
        self.apply(&learnt);
    }

    // ----- base functions -----

    /// Base functions that do more than their types say.
    fn base_call(&mut self, name: &'t str, node: Node<'t>) -> Option<Outcome> {
        match name {
            "error" => {
                self.arguments(node);
                Some(Outcome::sure(Results::one(Ty::Never)))
            }
            "assert" => Some(self.assert_call(node)),
            "require" => {
                self.arguments(node);
                let module = required_module(node).map(|t| literal::string(t.text()));
                let export = module.and_then(|m| self.lower.module(&m)).map(|m| m.export.clone());
                Some(Outcome::sure(Results::one(export.unwrap_or(Ty::Undetermined))))
            }
            "setmetatable" => {
                let args = self.arguments(node);
                self.flow.call();
                let object = args.nth(0).unwrap_or(&Ty::Undetermined);
                let meta = args.nth(1).unwrap_or(&Ty::Undetermined);
                let to_come = args.nodes.get(1).map_or_else(Vec::new, |(meta, _)| self.functions_to_come(*meta, node));
                Some(Outcome::sure(Results::one(with_prototype(object, meta, &to_come))))
            }
            _ => None,
        }
    }

    fn assert_call(&mut self, node: Node<'t>) -> Outcome {
        let args = self.arguments(node);
        let Some((first, _)) = args.nodes.first() else { return Outcome::unknown() };
        let first = *first;
        let (yes, _) = self.condition(first);
        self.apply(&yes);
        let falsy = matches!(args.nodes[0].1, Ty::Bool(false) | Ty::Nil) && first.kind() == SyntaxKind::LiteralExpr;
        let mut results: Types = args.nodes.iter().map(|(_, ty)| ty).chain(&args.more).cloned().collect();
        results[0] = if falsy { Ty::Never } else { truthy(&results[0]) };
        if !falsy && results[0] == Ty::Never {
            results[0] = Ty::Undetermined;
        }
        Outcome::sure(Results { types: results, rest: args.rest })
    }

    /// Whether a variable is the parameter of the function being walked, untouched.
    pub(super) fn is_untouched_param(&self, symbol: crate::scope::SymbolId) -> bool {
        let info = self.scopes.get(symbol);
        info.kind == SymbolKind::Param && info.writes == 0
    }
}

/// The primitive a name used as a function or receiver of `is` stands for.
pub(super) fn primitive(name: &str) -> Option<Ty> {
    Some(match name {
        "string" => Ty::String,
        "number" => Ty::Number,
        "integer" => Ty::Integer,
        "boolean" => Ty::Boolean,
        _ => return None,
    })
}

/// Whether the first parameter is meant for a receiver.
fn receiver_is_declared(function: &Function) -> bool {
    let first = function.params.first();
    first.is_some_and(|p| p.name.as_deref() == Some("self") || matches!(p.ty.shape(), Some(Shape::Receiver)))
}

fn may_be_called(ty: &Ty) -> bool {
    match ty {
        Ty::Boolean | Ty::Bool(_) | Ty::Number | Ty::Integer | Ty::Int(_) | Ty::Float(_) | Ty::String | Ty::Str(_) => {
            false
        }
        Ty::Of(_) => true,
        _ => true,
    }
}

/// Results of a function of the runtime: its nil is for those who ask, and there may be more than is described.
fn soften(results: &mut Results) {
    for ty in &mut results.types {
        if has_nil(ty) {
            *ty = crate::algebra::union([without_nil(ty), Ty::SoftNil]);
        }
    }
    results.rest.get_or_insert(Ty::Undetermined);
}

/// A table with what its metatable offers, and the functions `to_come`, sorted by name, that it will offer.
fn with_prototype(object: &Ty, meta: &Ty, to_come: &[Field]) -> Ty {
    // What a declared type says does not include what the metatable adds.
    let Some(own) = object.as_record().filter(|r| r.fresh || r.open) else { return Ty::Undetermined };
    let mut record = Record { open: true, ..own.clone() };
    let index = meta.as_record().and_then(|m| m.field("__index")).map(|f| f.ty.clone());
    // `C.__index = C` is what a class looks like: the methods known so far are in `C` itself.
    let prototype = match index.as_ref().and_then(Ty::as_record) {
        Some(prototype) => Some(prototype),
        None => meta.as_record(),
    };
    let comes = |f: &&Field| to_come.binary_search_by(|later| later.name.cmp(&f.name)).is_ok();
    let known = prototype.into_iter().flat_map(|p| &p.fields).filter(|f| f.ty.as_function().is_some() && !comes(f));
    for field in known.chain(to_come) {
        match own.field(&field.name) {
            None => record.set(field.clone()),
            // It may be one that a class it was made of offers.
            Some(had) if !own.fresh && had.ty.as_function().is_some() => {
                record.set(Field { ty: Ty::Undetermined, ..field.clone() });
            }
            Some(_) => {}
        }
    }
    Ty::record(record)
}
