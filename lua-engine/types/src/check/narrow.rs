//! What a condition tells about the variables in it, either way it comes out.

use super::{Checker, Link};
use crate::algebra;
use crate::algebra::{by_literal, by_lua_type, either, falsy, filter, only_nil, truthy, without_nil};
use crate::check::member::{Found, member};
use crate::flow::PathId;
use crate::scope::member_token;
use crate::ty::Ty;
use smallvec::{SmallVec, smallvec};
use wippy_lua_syntax::{Node, SyntaxKind};

/// What kind of test has shown something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// The value is there.
    Truthy,
    /// The value is nil (or false).
    Falsy,
    Other,
}

#[derive(Debug, Clone)]
pub(super) struct Learnt {
    pub path: PathId,
    pub ty: Ty,
    pub sense: Sense,
}

/// What holds if a condition is true, and if it is not.
type Both = (Facts, Facts);

/// What one outcome of a test tells.
pub(super) type Facts = SmallVec<[Learnt; 2]>;

/// `x`, of which a test looks at the field `name`.
struct Owner<'t> {
    path: PathId,
    name: &'t str,
    ty: Ty,
}

impl Owner<'_> {
    /// What is left of it when the field passes a test.
    fn left(&self, passes: impl Fn(&Ty) -> bool) -> Learnt {
        let left = filter(&self.ty, &mut |m| match member(m, self.name) {
            Found::Type(field) if !passes(&field) => Ty::Never,
            Found::Missing if !passes(&Ty::Nil) => Ty::Never,
            _ if m.is_nil() => Ty::Never,
            _ => m.clone(),
        });
        Learnt { path: self.path, ty: left, sense: Sense::Other }
    }
}

/// `type(x) == "name"`, in either order: `x` and the name.
pub(super) fn type_test<'t>(a: Node<'t>, b: Node<'t>) -> Option<(Node<'t>, &'t str)> {
    let (call, text) = match (a.kind(), b.kind()) {
        (SyntaxKind::CallExpr, SyntaxKind::LiteralExpr) => (a, b),
        (SyntaxKind::LiteralExpr, SyntaxKind::CallExpr) => (b, a),
        _ => return None,
    };
    if call.children().next()?.text() != "type" {
        return None;
    }
    let list = call.child(SyntaxKind::Arguments)?.child(SyntaxKind::ExprList)?;
    Some((list.children().next()?, super::expr::string_key(text)?))
}

impl<'t> Checker<'t, '_> {
    pub(super) fn apply(&mut self, learnt: &[Learnt]) {
        for fact in learnt {
            self.learn(fact.path, fact.ty.clone());
        }
    }

    pub(super) fn condition(&mut self, node: Node<'t>) -> Both {
        let (yes, no) = self.tested(node);
        (self.with_links(yes), self.with_links(no))
    }

    fn tested(&mut self, node: Node<'t>) -> Both {
        self.deeper(Both::default(), |c| c.test(node))
    }

    fn test(&mut self, node: Node<'t>) -> Both {
        match node.kind() {
            SyntaxKind::ParenExpr => node.children().next().map_or_else(Default::default, |inner| self.tested(inner)),
            SyntaxKind::UnaryExpr if node.first_token().is_some_and(|t| t.kind() == SyntaxKind::Not) => {
                let (yes, no) = node.children().next().map_or_else(Default::default, |inner| self.tested(inner));
                (no, yes)
            }
            SyntaxKind::BinaryExpr => self.test_binary(node),
            SyntaxKind::NameExpr | SyntaxKind::FieldExpr | SyntaxKind::IndexExpr => self.test_truth(node),
            SyntaxKind::MethodCallExpr => match self.type_check(node) {
                Some((ty, Some(path))) => (smallvec![Learnt { path, ty, sense: Sense::Other }], Facts::new()),
                _ => Both::default(),
            },
            _ => Both::default(),
        }
    }

    /// A variable or field as a condition.
    fn test_truth(&mut self, node: Node<'t>) -> Both {
        let Some(path) = self.path_of(node) else { return Both::default() };
        let ty = self.quietly(|c| c.expr(node));
        let mut yes: Facts = smallvec![Learnt { path, ty: truthy(&ty), sense: Sense::Truthy }];
        let mut no: Facts = smallvec![Learnt { path, ty: falsy(&ty), sense: Sense::Falsy }];
        if ty.is_undetermined() && node.kind() != SyntaxKind::NameExpr {
            yes.clear();
        }
        // `x.f` tells members of `x` apart that can have it from those that cannot.
        if let Some(owner) = self.owner(node) {
            yes.insert(0, owner.left(|field| truthy(field) != Ty::Never));
            no.insert(0, owner.left(|field| falsy(field) != Ty::Never));
        }
        (yes, no)
    }

    /// `x` of `x.f`, if it is one of several types.
    fn owner(&mut self, node: Node<'t>) -> Option<Owner<'t>> {
        let base = node.children().next().filter(|_| node.kind() == SyntaxKind::FieldExpr)?;
        let name = member_token(node)?.text();
        let path = self.path_of(base)?;
        let ty = self.quietly(|c| c.expr(base));
        super::expr::is_union(&ty).then_some(Owner { path, name, ty })
    }

    fn test_binary(&mut self, node: Node<'t>) -> Both {
        let Some(operator) = node.tokens().next().map(|t| t.kind()) else { return Both::default() };
        let mut parts = node.children();
        let (Some(left), Some(right)) = (parts.next(), parts.next()) else { return Both::default() };
        match operator {
            SyntaxKind::And | SyntaxKind::Or => self.test_logical(left, right, operator == SyntaxKind::And),
            SyntaxKind::Eq => self.test_equal(left, right),
            SyntaxKind::NotEq => {
                let (yes, no) = self.test_equal(left, right);
                (no, yes)
            }
            _ => Both::default(),
        }
    }

    fn test_logical(&mut self, left: Node<'t>, right: Node<'t>, and: bool) -> Both {
        let (a_yes, a_no) = self.condition(left);
        let (first, other) = if and { (&a_yes, &a_no) } else { (&a_no, &a_yes) };
        let before = self.flow.mark();
        self.apply(first);
        let (b_yes, b_no) = self.condition(right);
        self.flow.undo(before);
        let (b_same, b_other) = if and { (b_yes, b_no) } else { (b_no, b_yes) };
        let mut both = first.clone();
        both.extend(b_same);
        // Either operand may have decided: only what both say holds.
        let joined = other.iter().filter_map(|a| {
            let b = b_other.iter().find(|b| b.path == a.path)?;
            let sense = if a.sense == b.sense { a.sense } else { Sense::Other };
            Some(Learnt { path: a.path, ty: either(a.ty.clone(), b.ty.clone()), sense })
        });
        let joined = joined.collect();
        if and { (both, joined) } else { (joined, both) }
    }

    fn test_equal(&mut self, left: Node<'t>, right: Node<'t>) -> Both {
        if let Some((tested, name)) = type_test(left, right) {
            let Some(path) = self.path_of(tested) else { return Both::default() };
            let ty = self.quietly(|c| c.expr(tested));
            let sense = |nil: bool| if nil { Sense::Falsy } else { Sense::Truthy };
            let yes = Learnt { path, ty: by_lua_type(&ty, name, true), sense: sense(name == "nil") };
            let no = Learnt {
                path,
                ty: by_lua_type(&ty, name, false),
                sense: if name == "nil" { Sense::Truthy } else { Sense::Other },
            };
            return (smallvec![yes], smallvec![no]);
        }
        let (tested, other) = match (left.kind(), right.kind()) {
            (_, SyntaxKind::LiteralExpr) => (left, right),
            (SyntaxKind::LiteralExpr, _) => (right, left),
            _ => return self.test_same(left, right),
        };
        let value = self.literal(other);
        let Some(path) = self.path_of(tested) else { return Both::default() };
        let ty = self.quietly(|c| c.expr(tested));
        if value == Ty::Nil {
            let yes = Learnt { path, ty: only_nil(&ty), sense: Sense::Falsy };
            let mut no: Facts = smallvec![Learnt { path, ty: without_nil(&ty), sense: Sense::Truthy }];
            no.extend(self.owner(tested).map(|owner| owner.left(|field| without_nil(field) != Ty::Never)));
            return (smallvec![yes], no);
        }
        let sense = if value == Ty::Bool(false) { Sense::Other } else { Sense::Truthy };
        let mut yes: Facts = smallvec![Learnt { path, ty: by_literal(&ty, &value, true), sense }];
        let mut no: Facts = smallvec![Learnt { path, ty: by_literal(&ty, &value, false), sense: Sense::Other }];
        if let Some(owner) = self.owner(tested) {
            yes.push(owner.left(|field| algebra::admits(field, &value)));
            no.push(owner.left(|field| *field != value));
        }
        (yes, no)
    }

    /// Two values that are no literals: one that is there makes the other be there.
    fn test_same(&mut self, left: Node<'t>, right: Node<'t>) -> Both {
        let mut yes = Facts::new();
        for (a, b) in [(left, right), (right, left)] {
            let Some(path) = self.path_of(a) else { continue };
            let (ty, other) = (self.again(a), self.again(b));
            if algebra::accepts_nil(&other) && !other.is_undetermined() {
                continue;
            }
            let known = if other.is_undetermined() { Ty::Undetermined } else { without_nil(&ty) };
            if algebra::has_nil(&ty) {
                yes.push(Learnt { path, ty: known, sense: Sense::Other });
            }
        }
        (yes, Facts::new())
    }

    // ----- error pairs -----

    pub(super) fn link_of(&self, path: PathId) -> Option<Link> {
        let link = self.links.get(&path)?;
        let versions = (self.flow.version(link.value), self.flow.version(link.error));
        (versions == link.versions).then(|| link.clone())
    }

    /// Adds what one half of an error pair says about the other.
    pub(super) fn with_links(&mut self, mut learnt: Facts) -> Facts {
        for n in 0..learnt.len() {
            let (path, sense) = (learnt[n].path, learnt[n].sense);
            let Some(link) = self.link_of(path) else { continue };
            let succeeded = match sense {
                Sense::Falsy => link.error == path,
                Sense::Truthy => link.value == path,
                Sense::Other => continue,
            };
            if sense == Sense::Falsy && link.value == path {
                let ty = self.at(link.error);
                learnt.push(Learnt { path: link.error, ty: without_nil(&ty), sense: Sense::Other });
            }
            if !succeeded {
                continue;
            }
            if link.error == path {
                let ty = self.at(link.value);
                learnt.push(Learnt { path: link.value, ty: without_nil(&ty), sense: Sense::Other });
            }
            if let Some((subject, version, ty)) = &link.subject
                && self.flow.version(*subject) == *version
                && link.error == path
            {
                learnt.push(Learnt { path: *subject, ty: ty.clone(), sense: Sense::Other });
            }
        }
        learnt
    }

    /// The type of a variable given by its path.
    fn at(&mut self, path: PathId) -> Ty {
        match self.known(path) {
            Some(known) => known,
            None if self.flow.is_root(path) => self.variable(self.flow.root_of(path)),
            None => Ty::Undetermined,
        }
    }
}
