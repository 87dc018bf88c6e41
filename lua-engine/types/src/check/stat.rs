//! Statements.

use super::{Checker, Link};
use crate::algebra::{accepts_nil, has_nil, without_nil};
use crate::check::class::is_statement_of_chunk;
use crate::check::table;
use crate::diagnostic::Code;
use crate::flow::{Ends, PathId};
use crate::literal;
use crate::scope::{SymbolId, SymbolKind, member_token, name_tokens};
use crate::ty::{Field, Results, Ty, Types};
use smallvec::SmallVec;
use wippy_lua_syntax::{Node, SyntaxKind};

/// The values of a list of expressions.
#[derive(Default)]
pub(super) struct Values<'t> {
    /// One type for every expression; the last may stand for several values.
    pub nodes: SmallVec<[(Node<'t>, Ty); 3]>,
    /// What the last expression gives besides its first value.
    pub more: Types,
    pub rest: Option<Ty>,
}

impl<'t> Values<'t> {
    /// The `n`th value; none if there is not one for sure.
    pub fn nth(&self, n: usize) -> Option<&Ty> {
        let listed = self.nodes.get(n).map(|(_, ty)| ty).or_else(|| self.more.get(n.checked_sub(self.nodes.len())?));
        listed.or(self.rest.as_ref())
    }

    fn into_results(self) -> Results {
        let types = self.nodes.into_iter().map(|(_, ty)| ty).chain(self.more).collect();
        Results { types, rest: self.rest }
    }
}

impl<'t> Checker<'t, '_> {
    pub(super) fn block(&mut self, block: Option<Node<'t>>) {
        let Some(block) = block else { return };
        self.lower.open();
        self.lower.announce(block);
        self.statements(block);
        self.lower.close();
    }

    /// The statements of a block whose types are announced.
    pub(super) fn statements(&mut self, block: Node<'t>) {
        for stat in block.children() {
            self.deeper((), |c| c.statement(stat));
        }
    }

    fn statement(&mut self, stat: Node<'t>) {
        use SyntaxKind::*;
        if stat.kind() != CallStat {
            self.flow.vague = false;
        }
        match stat.kind() {
            LocalStat => self.local(stat),
            LocalFunctionStat => self.local_function(stat),
            FunctionStat => self.function_stat(stat),
            AssignStat => self.assign(stat),
            CallStat => {
                if let Some(call) = stat.children().next() {
                    let outcome = self.call(call);
                    self.flow.vague = outcome.vague;
                    self.flow.dead |= outcome.results.never();
                }
            }
            DoStat => self.block(stat.child(Block)),
            IfStat => self.if_stat(stat),
            WhileStat => self.while_stat(stat),
            RepeatStat => self.repeat_stat(stat),
            NumericForStat => self.numeric_for(stat),
            GenericForStat => self.generic_for(stat),
            ReturnStat => self.return_stat(stat),
            BreakStat | GotoStat => self.flow.dead = true,
            LabelStat => self.label(),
            TypeStat | InterfaceStat => {
                self.find_typeofs(stat);
                self.lower.declare(stat);
            }
            _ => {}
        }
    }

    /// The values of a list, the last one with all it gives.
    pub(super) fn values(&mut self, list: Option<Node<'t>>) -> Values<'t> {
        let mut nodes = list.into_iter().flat_map(|l| l.children()).peekable();
        let mut values = Values::default();
        while let Some(node) = nodes.next() {
            let last = nodes.peek().is_none();
            match node.kind() {
                SyntaxKind::CallExpr | SyntaxKind::MethodCallExpr if last => {
                    let Results { mut types, rest } = self.deeper(Results::unknown(), |c| c.call(node).results);
                    let first = match types.is_empty() {
                        false => types.remove(0),
                        true => rest.clone().unwrap_or(Ty::Undetermined),
                    };
                    values.nodes.push((node, first));
                    (values.more, values.rest) = (types, rest);
                }
                SyntaxKind::VarargExpr if last => {
                    let ty = self.expr(node);
                    values.nodes.push((node, ty.clone()));
                    values.rest = Some(ty);
                }
                _ => {
                    let ty = self.expr(node);
                    values.nodes.push((node, ty));
                }
            }
        }
        values
    }

    // ----- variables -----

    fn local(&mut self, stat: Node<'t>) {
        let list = stat.child(SyntaxKind::ExprList);
        let values = self.values(list);
        let mut paths: SmallVec<[PathId; 2]> = SmallVec::new();
        let missing = if values.nodes.is_empty() || values.rest.is_none() { Ty::Nil } else { Ty::Undetermined };
        for (n, typed) in stat.children().filter(|n| n.kind() == SyntaxKind::TypedName).enumerate() {
            let Some(token) = typed.first_token() else { continue };
            let Some(symbol) = self.scopes.declared_at(token) else { continue };
            if let Some(module) = self.scopes.get(symbol).required {
                self.lower.alias(token.text(), literal::string(module.text()));
            }
            let annotation = typed.child(SyntaxKind::TypeAnnotation).and_then(|a| a.children().next());
            let declared = annotation.map(|a| self.annotation(a));
            let value = values.nth(n).unwrap_or(&missing);
            let path = self.flow.root(symbol);
            paths.push(path);
            match declared {
                Some(declared) => {
                    let at = values.nodes.get(n).map_or(typed, |(node, _)| *node);
                    self.check_assigned(value, &declared, at);
                    self.declared[symbol.0 as usize] = Some(declared);
                    self.assigned_to_declared(path, symbol, value);
                }
                None => self.store(path, symbol, value),
            }
        }
        if let ([value, error, ..], [(call, _)]) = (paths.as_slice(), values.nodes.as_slice()) {
            self.link(*value, *error, *call, &values);
        }
    }

    /// Links the variables of an error pair.
    fn link(&mut self, value: PathId, error: PathId, call: Node<'t>, values: &Values<'t>) {
        let (Some(first), Some(second)) = (values.nth(0), values.nth(1)) else { return };
        let checked = self.type_check(call);
        let pair = has_nil(first) && (has_nil(second) || second.is_undetermined()) && !values.more.is_empty();
        if !pair && checked.is_none() {
            return;
        }
        let subject = checked.and_then(|(ty, path)| path.map(|p| (p, self.flow.version(p), ty)));
        let versions = (self.flow.version(value), self.flow.version(error));
        let link = Link { value, error, versions, subject };
        self.links.insert(value, link.clone());
        self.links.insert(error, link);
    }

    /// Reports a value that does not suit an annotation.
    pub(super) fn check_assigned(&mut self, value: &Ty, declared: &Ty, at: Node<'t>) {
        if self.suits(value, declared, at) {
            return;
        }
        let reason = table::why_not(value, declared).map(|r| format!(": {r}")).unwrap_or_default();
        let help = crate::suggest::value(value, declared);
        let value = table::shown(value);
        self.report_helped(Code::E0000, at, format!("cannot assign {value} to {declared}{reason}"), help);
    }

    /// The fact after a declared variable was given a value.
    fn assigned_to_declared(&mut self, path: PathId, symbol: SymbolId, value: &Ty) {
        let declared = self.declared[symbol.0 as usize].clone().unwrap_or(Ty::Undetermined);
        let loose = self.scopes.get(symbol).closure_writes;
        let narrowed = super::expr::is_union(&declared) && !loose && !value.is_undetermined();
        let fact = narrowed.then(|| table::narrowed_to(&declared, value)).filter(|t| *t != Ty::Never);
        self.set(path, fact);
    }

    /// The fact after a variable without annotation was given a value.
    fn store(&mut self, path: PathId, symbol: SymbolId, value: &Ty) {
        let info = self.scopes.get(symbol);
        let mut ty = table::stored(value);
        if info.closure_writes {
            ty = Ty::Undetermined;
        } else if info.loose() {
            ty = table::loosened(&ty, info.indexed);
        }
        if info.writes == 0 {
            let constant = matches!(value, Ty::Bool(_) | Ty::Int(_) | Ty::Float(_) | Ty::Str(_));
            self.exact[symbol.0 as usize] = constant.then(|| value.clone());
        }
        self.set(path, Some(ty));
    }

    fn assign(&mut self, stat: Node<'t>) {
        let values = self.values(stat.child(SyntaxKind::ExprList));
        let targets = stat.child(SyntaxKind::TargetList).into_iter().flat_map(|t| t.children());
        let mut paths: SmallVec<[PathId; 2]> = SmallVec::new();
        for (n, target) in targets.enumerate() {
            let value = values.nth(n).unwrap_or(&Ty::Nil);
            let at = values.nodes.get(n).map_or(target, |(node, _)| *node);
            match target.kind() {
                SyntaxKind::NameExpr => paths.extend(self.assign_name(target, value, at)),
                SyntaxKind::FieldExpr | SyntaxKind::IndexExpr => {
                    for part in target.children() {
                        self.expr(part);
                    }
                    let own = self.is_own_index(target, at);
                    self.assign_field(target, if own { &Ty::Undetermined } else { value });
                }
                _ => {}
            }
        }
        if let ([value, error], [(call, _)]) = (paths.as_slice(), values.nodes.as_slice()) {
            self.link(*value, *error, *call, &values);
        }
    }

    fn assign_name(&mut self, target: Node<'t>, value: &Ty, at: Node<'t>) -> Option<PathId> {
        let symbol = self.scopes.symbol_of(target)?;
        let path = self.flow.root(symbol);
        if let Some(declared) = self.declared[symbol.0 as usize].clone() {
            self.check_assigned(value, &declared, at);
            self.assigned_to_declared(path, symbol, value);
            return Some(path);
        }
        let info = self.scopes.get(symbol);
        if info.kind == SymbolKind::Global {
            let function = value.as_function().is_some() && info.writes == 1;
            self.set(path, Some(if function { value.clone() } else { Ty::Undetermined }));
        } else if matches!(info.kind, SymbolKind::Param | SymbolKind::Receiver) && info.closure_writes {
            self.set(path, Some(Ty::Undetermined));
        } else {
            self.store(path, symbol, value);
        }
        Some(path)
    }

    /// `C.__index = C`: what the class has when it is used counts, not what it had here.
    pub(super) fn is_own_index(&self, target: Node<'t>, value: Node<'t>) -> bool {
        let class = target.children().next().filter(|c| c.kind() == SyntaxKind::NameExpr);
        let symbol = class.and_then(|c| self.scopes.symbol_of(c));
        member_token(target).is_some_and(|name| name.text() == "__index")
            && symbol.is_some()
            && self.scopes.symbol_of(value) == symbol
    }

    /// `t.f = v`: nothing is checked, but what is known of `t` grows.
    fn assign_field(&mut self, target: Node<'t>, value: &Ty) {
        let Some(path) = self.path_of(target) else { return };
        let root = self.flow.root_of(path);
        let info = self.scopes.get(root);
        let base = target.children().next();
        let declared = self.declared[root.0 as usize].is_some();
        let fact = if declared && !info.closure_writes {
            Some(table::stored(value))
        } else if info.loose() {
            Some(table::loosened_field(&table::stored(value)))
        } else {
            Some(table::stored(value))
        };
        if let (Some(base), Some(name)) = (base, member_token(target))
            && base.kind() == SyntaxKind::NameExpr
            && !declared
        {
            let once = self.scopes.assigned_fields.get(name.text()) == Some(&1);
            let ty = if once { table::loosened_field(&table::stored(value)) } else { Ty::Undetermined };
            if let Some(stat) = target.parent().and_then(|list| list.parent()) {
                self.grow(root, name.text(), ty, stat);
            }
        }
        self.set(path, fact);
    }

    /// Adds a field to what is known of the table in a variable, as a statement does.
    fn grow(&mut self, symbol: SymbolId, name: &'t str, ty: Ty, stat: Node<'t>) {
        let path = self.flow.root(symbol);
        let Some(known) = self.flow.fact(path) else { return };
        if !known.ty.as_record().is_some_and(|r| r.open && !r.interface) {
            return;
        }
        let function = known.function;
        let field = Field { name: self.lower.name(name), ty, optional: false, readonly: false };
        if is_statement_of_chunk(stat) {
            return self.flow.amend(path, |table| table.with_field(field));
        }
        let table = known.ty.clone().with_field(field);
        self.flow.learn(path, table, function);
    }

    fn local_function(&mut self, stat: Node<'t>) {
        let Some(symbol) = stat.tokens().nth(2).and_then(|t| self.scopes.declared_at(t)) else { return };
        let Some(body) = stat.child(SyntaxKind::FunctionBody) else { return };
        let path = self.flow.root(symbol);
        self.find_typeofs(body);
        let signature = self.lower.signature(body);
        let mutable = self.scopes.get(symbol).writes > 0;
        self.set(path, Some(if mutable { Ty::Undetermined } else { Ty::function(signature.clone()) }));
        let function = self.body(body, signature, None);
        let closure = self.scopes.get(symbol).closure_writes;
        self.set(path, Some(if closure { Ty::Undetermined } else { function }));
    }

    fn function_stat(&mut self, stat: Node<'t>) {
        let (Some(path_node), Some(body)) =
            (stat.child(SyntaxKind::FunctionName), stat.child(SyntaxKind::FunctionBody))
        else {
            return;
        };
        let Some(symbol) = self.scopes.symbol_of(path_node) else { return };
        let names: Vec<_> = name_tokens(path_node).map(|t| t.text()).collect();
        self.find_typeofs(body);
        let mut signature = self.lower.signature(body);
        let receiver = path_node.token(SyntaxKind::Colon).map(|_| self.receiver_of(symbol, stat));
        signature.method = receiver.is_some();
        let path = self.flow.root(symbol);
        let function = match names.as_slice() {
            [_] if self.scopes.get(symbol).writes == 1 && self.scopes.get(symbol).kind == SymbolKind::Global => {
                self.set(path, Some(Ty::function(signature.clone())));
                self.body(body, signature, None)
            }
            _ => self.body(body, signature, receiver),
        };
        match names.as_slice() {
            [_] => {
                if let Some(declared) = self.declared[symbol.0 as usize].clone() {
                    self.check_assigned(&function, &declared, path_node);
                    self.assigned_to_declared(path, symbol, &function);
                } else if self.scopes.get(symbol).kind == SymbolKind::Global && self.scopes.get(symbol).writes > 1 {
                    self.set(path, Some(Ty::Undetermined));
                } else {
                    self.store(path, symbol, &function);
                }
            }
            [_, name] => {
                let plain = self.scopes.assigned_fields.contains_key(name);
                self.grow(symbol, name, if plain { Ty::Undetermined } else { function }, stat);
                if let Some(field) = self.flow.field(path, name) {
                    self.set(field, None);
                }
            }
            _ => {}
        }
    }

    // ----- control -----

    fn if_stat(&mut self, stat: Node<'t>) {
        let start = self.flow.mark();
        let mut ends = Ends::new();
        let others = stat.children().filter(|n| matches!(n.kind(), SyntaxKind::ElseifClause | SyntaxKind::ElseClause));
        for clause in std::iter::once(stat).chain(others) {
            if clause.kind() == SyntaxKind::ElseClause {
                self.block(clause.child(SyntaxKind::Block));
                break;
            }
            let Some(condition) = clause.children().find(|n| n.kind() != SyntaxKind::Block) else { continue };
            self.quietly(|c| c.expr(condition));
            let (yes, no) = self.condition(condition);
            let before = self.flow.mark();
            self.apply(&yes);
            self.block(clause.child(SyntaxKind::Block));
            ends.push(self.flow.leave(start, before));
            self.apply(&no);
        }
        ends.push(self.flow.leave(start, start));
        self.flow.join(&ends);
    }

    fn while_stat(&mut self, stat: Node<'t>) {
        self.doubt_assigned(stat.index());
        let Some(condition) = stat.children().find(|n| n.kind() != SyntaxKind::Block) else { return };
        self.quietly(|c| c.expr(condition));
        let (yes, no) = self.condition(condition);
        let block = stat.child(SyntaxKind::Block);
        let before = self.flow.mark();
        self.apply(&yes);
        self.block(block);
        self.flow.undo(before);
        let leaves = block.is_some_and(|b| has_break(b)) || self.has_goto();
        let forever = condition.kind() == SyntaxKind::LiteralExpr
            && !matches!(condition.first_token().map(|t| t.kind()), Some(SyntaxKind::Nil | SyntaxKind::False));
        if !leaves {
            self.apply(&no);
            self.flow.dead |= forever;
        }
    }

    fn repeat_stat(&mut self, stat: Node<'t>) {
        self.doubt_assigned(stat.index());
        let before = self.flow.mark();
        let block = stat.child(SyntaxKind::Block);
        self.lower.open();
        if let Some(block) = block {
            self.lower.announce(block);
            self.statements(block);
        }
        let ended = self.flow.dead;
        let condition = stat.children().find(|n| n.kind() != SyntaxKind::Block);
        if let Some(condition) = condition {
            self.quietly(|c| c.expr(condition));
        }
        self.lower.close();
        self.flow.undo(before);
        let leaves = block.is_some_and(|b| has_break(b)) || self.has_goto();
        let never = condition.is_some_and(|c| {
            matches!(c.first_token().map(|t| t.kind()), Some(SyntaxKind::False | SyntaxKind::Nil))
                && c.kind() == SyntaxKind::LiteralExpr
        });
        self.flow.dead |= (ended || never) && !leaves;
    }

    fn numeric_for(&mut self, stat: Node<'t>) {
        self.doubt_assigned(stat.index());
        let bounds: Vec<_> =
            stat.children().filter(|n| !matches!(n.kind(), SyntaxKind::ForNames | SyntaxKind::Block)).collect();
        let mut whole = true;
        let mut vague = false;
        for (n, bound) in bounds.iter().enumerate() {
            let ty = self.expr(*bound);
            let what = ["init", "limit", "step"][n.min(2)];
            if super::operator::never_number(&ty) {
                self.report(Code::E0000, *bound, format!("for loop {what} must be numeric, got {}", table::shown(&ty)));
            }
            if n != 1 {
                whole &= crate::relate::fits(&ty, &Ty::Integer);
                vague |= ty.is_undetermined();
            }
        }
        let before = self.flow.mark();
        let ty = if vague {
            Ty::Undetermined
        } else if whole {
            Ty::Integer
        } else {
            Ty::Number
        };
        self.loop_variables(stat, &[ty]);
        self.block(stat.child(SyntaxKind::Block));
        self.flow.undo(before);
    }

    fn generic_for(&mut self, stat: Node<'t>) {
        self.doubt_assigned(stat.index());
        let types = self.iterated(stat.child(SyntaxKind::ExprList));
        let before = self.flow.mark();
        self.loop_variables(stat, &types);
        self.block(stat.child(SyntaxKind::Block));
        self.flow.undo(before);
    }

    fn loop_variables(&mut self, stat: Node<'t>, types: &[Ty]) {
        let names = stat.child(SyntaxKind::ForNames);
        for (n, token) in names.into_iter().flat_map(name_tokens).enumerate() {
            if let Some(symbol) = self.scopes.declared_at(token) {
                let path = self.flow.root(symbol);
                let ty = types.get(n).cloned().unwrap_or(Ty::Undetermined);
                let changes = self.scopes.get(symbol).writes > 0;
                self.set(path, Some(if changes { Ty::Undetermined } else { ty }));
            }
        }
    }

    /// What the iteration of a generic `for` gives.
    fn iterated(&mut self, list: Option<Node<'t>>) -> Vec<Ty> {
        let Some(first) = list.and_then(|l| l.children().next()) else { return vec![] };
        let callee = first.children().next().filter(|_| first.kind() == SyntaxKind::CallExpr);
        let name = callee.and_then(|c| self.base_function(c));
        if let Some(name @ ("ipairs" | "pairs")) = name {
            let list = first.child(SyntaxKind::Arguments).and_then(|a| a.child(SyntaxKind::ExprList));
            let values = self.values(list);
            let table = values.nth(0).map_or(Ty::Undetermined, |t| table::stored(&without_nil(t)));
            return table::iteration(&table, name == "ipairs");
        }
        let values = self.values(list);
        let iterator = values.nth(0).unwrap_or(&Ty::Undetermined);
        match iterator.resolved().as_function() {
            Some(function) if function.generics.is_empty() => {
                let results = &function.results;
                (0..results.types.len()).map(|n| without_nil(&results.nth(n))).collect()
            }
            _ => vec![],
        }
    }

    fn return_stat(&mut self, stat: Node<'t>) {
        let values = self.values(stat.child(SyntaxKind::ExprList));
        let declared = self.frames.last().and_then(|f| f.declared.clone());
        if let Some(declared) = &declared {
            self.check_returned(stat, &values, declared);
        }
        let results = values.into_results();
        if let Some(frame) = self.frames.last_mut()
            && !self.flow.dead
        {
            frame.returns.push(results);
        }
        self.flow.dead = true;
    }

    fn check_returned(&mut self, stat: Node<'t>, values: &Values<'t>, declared: &Results) {
        for (n, wanted) in declared.types.iter().enumerate() {
            let position = n + 1;
            let Some(value) = values.nth(n) else {
                if !accepts_nil(wanted) {
                    let message = format!("missing return value at position {position} (expected {wanted})");
                    self.report(Code::E0010, stat, message);
                }
                continue;
            };
            let at = values.nodes.get(n).or(values.nodes.last()).map_or(stat, |(node, _)| *node);
            if !self.suits(value, wanted, at) {
                let place = if declared.types.len() > 1 { format!(" at position {position}") } else { String::new() };
                let message = format!("cannot return {}{place}, expected {wanted}", table::shown(value));
                self.report_helped(Code::E0000, at, message, crate::suggest::value(value, wanted));
            }
        }
    }

    /// A place that is reached from elsewhere.
    fn label(&mut self) {
        let function = self.function();
        match self.frames.last().and_then(|f| f.body) {
            Some(body) => self.doubt_assigned(body),
            None => self.doubt_chunk(),
        }
        self.flow.doubt_all(function);
        self.flow.dead = false;
        self.flow.vague = true;
    }

    fn doubt_chunk(&mut self) {
        for n in 0..self.scopes.assigned.len() {
            let target = self.scopes.assigned[n];
            if let Some(path) = self.path_of(target) {
                self.set(path, Some(Ty::Undetermined));
            }
        }
    }

    fn has_goto(&self) -> bool {
        self.scopes.gotos.get(self.function() as usize).copied().unwrap_or(true)
    }
}

/// Whether a `break` of this loop is somewhere in its body.
fn has_break(block: Node<'_>) -> bool {
    use SyntaxKind::*;
    block.children().any(|stat| match stat.kind() {
        BreakStat => true,
        Block | DoStat | IfStat | ElseifClause | ElseClause => has_break(stat),
        _ => false,
    })
}
