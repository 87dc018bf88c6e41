//! Expressions.

use super::Checker;
use crate::algebra::{either, falsy, truthy, without_nil};
use crate::scope::{SymbolKind, member_token};
use crate::ty::{Shape, Ty};
use crate::{builtin, literal};
use wippy_lua_syntax::{Node, SyntaxKind};

/// The text of a key that is a string literal and could be written after a dot.
pub(super) fn string_key(node: Node<'_>) -> Option<&str> {
    let token = node.first_token().filter(|t| node.kind() == SyntaxKind::LiteralExpr && t.kind() == SyntaxKind::Str)?;
    let text = token.text().strip_prefix(['"', '\''])?.strip_suffix(['"', '\''])?;
    (!text.contains('\\')).then_some(text)
}

pub(super) fn is_union(ty: &Ty) -> bool {
    matches!(ty.resolved().shape(), Some(Shape::Union(_)))
}

impl<'t> Checker<'t, '_> {
    /// The type of an expression (of its first value).
    pub(super) fn expr(&mut self, node: Node<'t>) -> Ty {
        self.deeper(Ty::Undetermined, |c| c.typed(node))
    }

    fn typed(&mut self, node: Node<'t>) -> Ty {
        use SyntaxKind::*;
        match node.kind() {
            LiteralExpr => self.literal(node),
            VarargExpr => self.frames.last().and_then(|f| f.vararg.clone()).unwrap_or(Ty::Undetermined),
            FunctionExpr => match node.child(FunctionBody) {
                Some(body) => {
                    self.find_typeofs(body);
                    let signature = self.lower.signature(body);
                    self.body(body, signature, None)
                }
                None => Ty::Undetermined,
            },
            TableExpr => self.table(node),
            ParenExpr => node.children().next().map_or(Ty::Undetermined, |inner| self.expr(inner)),
            NameExpr => self.name(node),
            FieldExpr => self.field(node),
            IndexExpr => self.index(node),
            CallExpr | MethodCallExpr => self.call(node).results.nth(0),
            UnaryExpr => self.unary(node),
            BinaryExpr => self.binary(node),
            CastExpr => {
                if let Some(operand) = node.children().next() {
                    self.expr(operand);
                }
                let target = node.child(CastTarget).and_then(|t| t.children().next());
                target.map_or(Ty::Undetermined, |t| self.annotation(t))
            }
            NonNilExpr => node.children().next().map_or(Ty::Undetermined, |inner| without_nil(&self.expr(inner))),
            _ => Ty::Undetermined,
        }
    }

    /// The type of a literal.
    pub(super) fn literal(&mut self, node: Node<'t>) -> Ty {
        match string_key(node) {
            Some(text) => Ty::Str(self.lower.name(text)),
            None => literal_of(node),
        }
    }

    /// The type a node of type syntax stands for.
    pub(super) fn annotation(&mut self, node: Node<'t>) -> Ty {
        self.find_typeofs(node);
        self.lower.ty(node)
    }

    /// Types the expressions of all `typeof(...)` in a node of type syntax or a signature, so that it can be read.
    pub(super) fn find_typeofs(&mut self, node: Node<'t>) {
        if !self.scopes.typeofs {
            return;
        }
        if node.kind() == SyntaxKind::TypeofType {
            // What is inside of it is found when the expression is typed.
            if let Some(inner) = node.children().next() {
                let ty = self.quietly(|c| c.static_type(inner));
                self.lower.typeofs.insert(inner.index(), ty);
            }
            return;
        }
        // The body of a function is not part of its signature; its annotations are read when they are met.
        let skip = node.kind() == SyntaxKind::FunctionBody;
        for part in node.children().filter(|n| !(skip && n.kind() == SyntaxKind::Block)) {
            self.deeper((), |c| c.find_typeofs(part));
        }
    }

    /// The type of an expression for `typeof`: a variable with an annotation has that type.
    fn static_type(&mut self, node: Node<'t>) -> Ty {
        if node.kind() == SyntaxKind::NameExpr
            && let Some(symbol) = self.scopes.symbol_of(node)
            && let Some(declared) = self.declared[symbol.0 as usize].clone()
        {
            return declared;
        }
        super::table::closed(&self.expr(node))
    }

    fn name(&mut self, node: Node<'t>) -> Ty {
        let Some(symbol) = self.scopes.symbol_of(node) else { return Ty::Undetermined };
        let info = self.scopes.get(symbol);
        if info.kind != SymbolKind::Global {
            return self.variable(symbol);
        }
        if info.writes > 0 {
            return match info.writes {
                1 => self.variable(symbol),
                _ => Ty::Undetermined,
            };
        }
        let name = node.text();
        if let Some(ty) = self.lower.declared(name) {
            return Ty::of(Shape::TypeValue(ty));
        }
        if self.imports.get(name).is_some() {
            return Ty::Undetermined;
        }
        let known = builtin::manifest(name).filter(|_| name != builtin::GLOBALS).map(|m| m.export.clone());
        known.or_else(|| builtin::global(name)).unwrap_or(Ty::Undetermined)
    }

    /// The name of a base function a callee means, if nobody has redefined it.
    pub(super) fn base_function(&self, callee: Node<'t>) -> Option<&'t str> {
        let symbol = self.scopes.symbol_of(callee).filter(|_| callee.kind() == SyntaxKind::NameExpr)?;
        let info = self.scopes.get(symbol);
        (info.kind == SymbolKind::Global && info.writes == 0 && self.lower.declared(info.name).is_none())
            .then_some(info.name)
    }

    fn field(&mut self, node: Node<'t>) -> Ty {
        let (Some(base), Some(name)) = (node.children().next(), member_token(node)) else { return Ty::Undetermined };
        if let Some(path) = self.path_of(node)
            && let Some(known) = self.known(path)
        {
            return known;
        }
        let base = self.expr(base);
        self.read_field(&base, name.text(), node)
    }

    fn index(&mut self, node: Node<'t>) -> Ty {
        let mut parts = node.children();
        let (Some(base), Some(key_node)) = (parts.next(), parts.next()) else { return Ty::Undetermined };
        if let Some(path) = self.path_of(node)
            && let Some(known) = self.known(path)
        {
            return known;
        }
        let base = self.expr(base);
        let key = self.expr(key_node);
        if let Some(name) = string_key(key_node)
            && super::member::has_fields(&base)
        {
            return self.read_field(&base, name, node);
        }
        self.read_index(&base, &key, node)
    }

    /// `a and b`, `a or b`: the second operand is only reached with what the first one says.
    pub(super) fn logical(&mut self, node: Node<'t>, and: bool) -> Ty {
        let mut parts = node.children();
        let (Some(left), Some(right)) = (parts.next(), parts.next()) else { return Ty::Undetermined };
        let a = self.expr(left);
        let (yes, no) = self.condition(left);
        let before = self.flow.mark();
        self.apply(if and { &yes } else { &no });
        let b = self.expr(right);
        self.flow.undo(before);
        if and {
            match falsy(&a) {
                Ty::Never => b,
                left => either(left, b),
            }
        } else {
            match truthy(&a) {
                Ty::Never => b,
                left => either(left, b),
            }
        }
    }
}

pub(super) fn literal_of(node: Node<'_>) -> Ty {
    let Some(token) = node.first_token() else { return Ty::Undetermined };
    match token.kind() {
        SyntaxKind::Nil => Ty::Nil,
        SyntaxKind::True => Ty::Bool(true),
        SyntaxKind::False => Ty::Bool(false),
        SyntaxKind::Str => Ty::Str(literal::string(token.text()).into()),
        SyntaxKind::Number => literal::number(token.text()),
        _ => Ty::Undetermined,
    }
}
