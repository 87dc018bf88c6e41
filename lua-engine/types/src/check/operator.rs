//! Operators: what they give, and operands that cannot be right.

use super::{Checker, table};
use crate::algebra::any_member;
use crate::diagnostic::Code;
use crate::relate::fits;
use crate::ty::{Shape, Ty};
use wippy_lua_syntax::{Node, SyntaxKind};

/// What an operand must be.
#[derive(Clone, Copy)]
enum Wanted {
    Number,
    Text,
    Ordered,
    Sized,
    Bits,
}

/// Whether no value of the type can be a number.
pub(super) fn never_number(ty: &Ty) -> bool {
    !suits(ty, Wanted::Number)
}

/// Whether a type may be an operand. Tables may have metamethods, so only what certainly has none is refused.
fn suits(ty: &Ty, wanted: Wanted) -> bool {
    if matches!(ty, Ty::Unknown) {
        return false;
    }
    let tolerates_nil = !matches!(wanted, Wanted::Number | Wanted::Bits);
    // Members of a union one of which is fine: only what is declared as optional is refused.
    let fine = any_member(ty, &mut |m| match m {
        Ty::Number | Ty::Integer | Ty::Int(_) | Ty::Float(_) => !matches!(wanted, Wanted::Sized),
        Ty::String | Ty::Str(_) => matches!(wanted, Wanted::Text | Wanted::Ordered | Wanted::Sized),
        Ty::Boolean | Ty::Bool(_) | Ty::Nil => false,
        Ty::Of(c) => !matches!(c.shape, Shape::Function(_)) && declares_no_operators(&c.shape, wanted),
        _ => true,
    });
    fine && (tolerates_nil || !any_member(ty, &mut |m| *m == Ty::Nil))
}

/// Arrays, maps and declared records have no metamethods the checker could know of.
fn declares_no_operators(shape: &Shape, wanted: Wanted) -> bool {
    match shape {
        Shape::Record(r) => r.open || r.interface || matches!(wanted, Wanted::Sized),
        Shape::Array(_) | Shape::Map(..) | Shape::Tuple(_) => matches!(wanted, Wanted::Sized),
        _ => true,
    }
}

impl<'t> Checker<'t, '_> {
    pub(super) fn unary(&mut self, node: Node<'t>) -> Ty {
        let (Some(operator), Some(operand)) = (node.first_token(), node.children().next()) else {
            return Ty::Undetermined;
        };
        let ty = self.expr(operand);
        let shown = || table::shown(&ty);
        match operator.kind() {
            SyntaxKind::Not => Ty::Boolean,
            SyntaxKind::Hash => {
                if !suits(&ty, Wanted::Sized) {
                    let message = format!("cannot apply length operator to {}, expected string or table", shown());
                    self.report(Code::E0019, operand, message);
                }
                Ty::Integer
            }
            SyntaxKind::Tilde => {
                if !suits(&ty, Wanted::Bits) {
                    self.report(Code::E0019, operand, format!("cannot apply unary ~ to {}, expected integer", shown()));
                }
                Ty::Integer
            }
            _ => {
                if !suits(&ty, Wanted::Number) {
                    self.report(Code::E0019, operand, format!("cannot apply unary - to {}, expected number", shown()));
                }
                match &ty {
                    Ty::Int(n) => Ty::Int(n.wrapping_neg()),
                    Ty::Float(bits) => Ty::Float((-f64::from_bits(*bits)).to_bits()),
                    other => arithmetic(other, other, SyntaxKind::Minus),
                }
            }
        }
    }

    pub(super) fn binary(&mut self, node: Node<'t>) -> Ty {
        use SyntaxKind::*;
        let Some(operator) = node.tokens().next().map(|t| t.kind()) else { return Ty::Undetermined };
        if matches!(operator, And | Or) {
            return self.logical(node, operator == And);
        }
        let mut parts = node.children();
        let (Some(left), Some(right)) = (parts.next(), parts.next()) else { return Ty::Undetermined };
        let (a, b) = (self.expr(left), self.expr(right));
        let wanted = match operator {
            Eq | NotEq => return Ty::Boolean,
            Lt | Le | Gt | Ge => Wanted::Ordered,
            DotDot => Wanted::Text,
            Amp | Pipe | Tilde | Shl | Shr => Wanted::Bits,
            _ => Wanted::Number,
        };
        // With an object on one side its metamethods decide.
        if !is_object(&a) && !is_object(&b) {
            for (ty, at) in [(&a, left), (&b, right)] {
                if !suits(ty, wanted) {
                    let shown = table::shown(ty);
                    let message = match wanted {
                        Wanted::Ordered => format!("cannot compare {shown}, expected orderable type"),
                        Wanted::Text => format!("cannot concatenate {shown}, expected string or number"),
                        _ => format!("cannot perform arithmetic on {shown}, expected number"),
                    };
                    self.report(Code::E0019, at, message);
                    break;
                }
            }
        }
        match wanted {
            Wanted::Ordered => Ty::Boolean,
            Wanted::Text if is_object(&a) || is_object(&b) => Ty::Undetermined,
            Wanted::Text => Ty::String,
            _ => arithmetic(&a, &b, operator),
        }
    }
}

/// Whether operators on a value may be somebody's own.
fn is_object(ty: &Ty) -> bool {
    any_member(ty, &mut |m| match m {
        Ty::Table => true,
        Ty::Of(c) => !matches!(c.shape, Shape::Function(_)) && declares_no_operators(&c.shape, Wanted::Number),
        _ => false,
    })
}

fn arithmetic(a: &Ty, b: &Ty, operator: SyntaxKind) -> Ty {
    use SyntaxKind::*;
    let vague = |ty: &Ty| {
        any_member(ty, &mut |m| {
            matches!(m, Ty::Undetermined | Ty::Any | Ty::Unknown | Ty::Never | Ty::Of(_) | Ty::Table)
        }) || *ty == Ty::Never
    };
    match operator {
        _ if vague(a) || vague(b) => Ty::Undetermined,
        Slash | Percent | Caret => Ty::Number,
        SlashSlash | Amp | Pipe | Tilde | Shl | Shr => Ty::Integer,
        _ if fits(a, &Ty::Integer) && fits(b, &Ty::Integer) => Ty::Integer,
        _ => Ty::Number,
    }
}
