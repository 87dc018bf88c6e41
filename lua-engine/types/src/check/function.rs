//! Bodies of functions.

use super::{Checker, Frame};
use crate::algebra::{accepts_nil, any_member, union};
use crate::check::table;
use crate::diagnostic::Code;
use crate::scope::SymbolId;
use crate::ty::{Asserts, Fact, Function, Results, Shape, Ty};
use wippy_lua_syntax::{Node, SyntaxKind};

impl<'t> Checker<'t, '_> {
    /// Walks a body and gives the type of the function. `receiver` is what `self` is in a method.
    pub(super) fn body(&mut self, body: Node<'t>, mut signature: Function, receiver: Option<Ty>) -> Ty {
        let Some(function) = self.scopes.functions.get(&body.index()).copied() else { return Ty::Undetermined };
        let outer = self.flow.mark();
        self.flow.dead = false;
        self.flow.vague = false;
        let quiet = std::mem::take(&mut self.quiet);
        self.lower.open();
        self.lower.bring_in(body, &signature.generics);
        let annotated = body.child(SyntaxKind::ReturnTypes).is_some();
        let asserting = !signature.asserts.is_empty();
        self.frames.push(Frame {
            function,
            body: Some(body.index()),
            declared: (annotated && !asserting).then(|| signature.results.clone().into()),
            returns: vec![],
            vararg: signature.rest.clone(),
        });
        if let Some(receiver) = receiver {
            self.bind_receiver(body, receiver);
        }
        self.bind_params(body, &signature);
        let block = body.child(SyntaxKind::Block);
        self.block(block);
        let returns = self.frames.pop().map(|f| f.returns).unwrap_or_default();
        self.lower.close();
        if annotated && !asserting {
            self.check_end(body, &signature.results);
        } else if !annotated {
            signature.results = self.inferred(returns);
        }
        if signature.asserts.is_empty() {
            signature.asserts = self.found_asserts(body, block);
        }
        self.quiet = quiet;
        self.flow.undo(outer);
        Ty::function(signature)
    }

    fn bind_receiver(&mut self, body: Node<'t>, receiver: Ty) {
        let colon =
            body.parent().and_then(|s| s.child(SyntaxKind::FunctionName)).and_then(|p| p.token(SyntaxKind::Colon));
        let Some(symbol) = colon.and_then(|c| self.scopes.declared_at(c)) else { return };
        let path = self.flow.root(symbol);
        let inferred = receiver.as_record().is_some_and(|r| r.open);
        let receiver = match receiver.shape() {
            // Objects have fields of their own, set who knows where.
            Some(Shape::Record(_)) if inferred => table::loosened(&receiver, false),
            Some(Shape::Named(_)) => receiver,
            _ => Ty::Undetermined,
        };
        self.set(path, Some(receiver));
    }

    fn bind_params(&mut self, body: Node<'t>, signature: &Function) {
        let list = body.child(SyntaxKind::ParamList);
        let names: Vec<_> =
            list.into_iter().flat_map(|l| l.children()).filter(|n| n.kind() == SyntaxKind::TypedName).collect();
        for (typed, param) in names.into_iter().zip(&signature.params) {
            let symbol = typed.first_token().and_then(|t| self.scopes.declared_at(t));
            let Some(symbol) = symbol else { continue };
            let path = self.flow.root(symbol);
            if param.optional {
                self.set(path, Some(Ty::Undetermined));
            } else {
                self.declared[symbol.0 as usize] = Some(param.ty.clone());
                self.set(path, None);
            }
        }
    }

    /// Reports that the end of a body can be reached although something has to be returned.
    fn check_end(&mut self, body: Node<'t>, declared: &Results) {
        let goto = self.scopes.functions.get(&body.index()).and_then(|f| self.scopes.gotos.get(*f as usize));
        let reached = !self.flow.dead && !self.flow.vague && !goto.copied().unwrap_or(true);
        if reached && declared.types.iter().any(|t| !accepts_nil(t)) {
            let end = body.last_token().map_or(body.range(), |t| t.range());
            self.report_at(Code::E0010, end, "missing return".to_owned());
        }
    }

    /// What a body without annotation returns, as far as it is certain.
    fn inferred(&self, returns: Vec<Results>) -> Results {
        if returns.is_empty() {
            // It never returns, or gives nothing: a caller that uses a value of it gets nil, and no report.
            return if self.flow.dead { Results::one(Ty::Never) } else { Results::unknown() };
        }
        let count = returns.iter().map(|r| r.types.len()).max().unwrap_or(0);
        let falls_through = !self.flow.dead;
        let position = |n: usize| {
            let given = returns.iter().map(|r| match r.types.get(n) {
                Some(ty) if !falls_through && !any_member(ty, &mut |m| m.is_nil()) => table::given_away(ty),
                _ => Ty::Undetermined,
            });
            union(given)
        };
        let types = (0..count).map(position);
        // A result of `never` would say that the function does not come back.
        let types = types.map(|t| if t == Ty::Never { Ty::Undetermined } else { t }).collect();
        Results { types, rest: Some(Ty::Undetermined) }
    }

    /// What a body insists on before it does anything else: `if <test of a parameter> then error(...) end`.
    fn found_asserts(&mut self, body: Node<'t>, block: Option<Node<'t>>) -> Vec<Asserts> {
        let mut found = vec![];
        let params: Vec<SymbolId> = body
            .child(SyntaxKind::ParamList)
            .into_iter()
            .flat_map(|l| l.children())
            .filter_map(|p| self.scopes.declared_at(p.first_token()?))
            .collect();
        for stat in block.into_iter().flat_map(|b| b.children()) {
            let fact = match stat.kind() {
                SyntaxKind::IfStat if self.only_raises(stat) => self.refused(stat),
                SyntaxKind::CallStat => self.asserted(stat),
                _ => None,
            };
            let Some((symbol, fact)) = fact else { break };
            if let Some(param) = params.iter().position(|p| *p == symbol) {
                found.push(Asserts { param, fact });
            }
        }
        found
    }

    /// An `if` without other branches whose block is a call of `error`.
    fn only_raises(&self, stat: Node<'t>) -> bool {
        let plain = stat.child(SyntaxKind::ElseifClause).is_none() && stat.child(SyntaxKind::ElseClause).is_none();
        let last = stat.child(SyntaxKind::Block).and_then(|b| b.children().last());
        let call = last.filter(|s| s.kind() == SyntaxKind::CallStat).and_then(|s| s.children().next());
        let callee = call.and_then(|c| c.children().next());
        plain && callee.is_some_and(|c| self.base_function(c) == Some("error"))
    }

    /// What holds of a parameter when the condition of the `if` does not.
    fn refused(&mut self, stat: Node<'t>) -> Option<(SymbolId, Fact)> {
        let condition = stat.children().find(|n| n.kind() != SyntaxKind::Block)?;
        self.implied(condition, false)
    }

    /// `assert(<test>)`.
    fn asserted(&mut self, stat: Node<'t>) -> Option<(SymbolId, Fact)> {
        let call = stat.children().next().filter(|c| c.kind() == SyntaxKind::CallExpr)?;
        if self.base_function(call.children().next()?) != Some("assert") {
            return None;
        }
        let list = call.child(SyntaxKind::Arguments)?.child(SyntaxKind::ExprList)?;
        self.implied(list.children().next()?, true)
    }

    /// What the outcome of a condition says about one variable.
    fn implied(&mut self, condition: Node<'t>, outcome: bool) -> Option<(SymbolId, Fact)> {
        match condition.kind() {
            SyntaxKind::ParenExpr => self.implied(condition.children().next()?, outcome),
            SyntaxKind::UnaryExpr if condition.token(SyntaxKind::Not).is_some() => {
                self.implied(condition.children().next()?, !outcome)
            }
            SyntaxKind::NameExpr => {
                let symbol = self.scopes.symbol_of(condition).filter(|s| self.is_untouched_param(*s))?;
                Some((symbol, if outcome { Fact::Truthy } else { Fact::Falsy }))
            }
            SyntaxKind::BinaryExpr => {
                let equal = match condition.tokens().next()?.kind() {
                    SyntaxKind::Eq => outcome,
                    SyntaxKind::NotEq => !outcome,
                    _ => return None,
                };
                let (left, right) = (condition.children().next()?, condition.children().nth(1)?);
                if let Some((tested, name)) = super::narrow::type_test(left, right).filter(|_| equal) {
                    let symbol = self.scopes.symbol_of(tested).filter(|s| self.is_untouched_param(*s))?;
                    let ty = super::call::primitive(name).filter(|t| *t != Ty::Number)?;
                    return Some((symbol, Fact::Is(ty)));
                }
                let symbol = self.scopes.symbol_of(left).filter(|s| self.is_untouched_param(*s))?;
                let nil = super::expr::literal_of(right) == Ty::Nil && right.kind() == SyntaxKind::LiteralExpr;
                nil.then_some((symbol, if equal { Fact::Nil } else { Fact::NotNil }))
            }
            _ => None,
        }
    }
}
