//! Expressions.

use super::{is_member_name, member_name, stat, types};
use crate::kind::SyntaxKind::{self, *};
use crate::parser::{Completed, Parser};

/// Priority of unary operators; `^` binds tighter on its left.
const UNARY: u8 = 12;

/// Left and right binding power of a binary operator, as in the Lua manual.
fn binding(kind: SyntaxKind) -> Option<(u8, u8)> {
    Some(match kind {
        Or => (1, 1),
        And => (2, 2),
        Lt | Gt | Le | Ge | NotEq | Eq => (3, 3),
        Pipe => (4, 4),
        Tilde => (5, 5),
        Amp => (6, 6),
        Shl | Shr => (7, 7),
        DotDot => (9, 8),
        Plus | Minus => (10, 10),
        Star | Slash | SlashSlash | Percent => (11, 11),
        Caret => (14, 13),
        _ => return None,
    })
}

/// The operator at the cursor; two adjacent tokens can be one.
fn operator(p: &Parser<'_>) -> SyntaxKind {
    match p.current() {
        Gt if p.followed_directly_by(Gt) => Shr,
        Gt if p.followed_directly_by(Assign) => Ge,
        kind => kind,
    }
}

/// `expr {"," expr}`.
pub(super) fn list(p: &mut Parser<'_>) {
    let list = p.start();
    loop {
        expr(p);
        if !p.eat(Comma) {
            break;
        }
    }
    p.complete(list, ExprList);
}

/// One expression.
pub(super) fn expr(p: &mut Parser<'_>) -> Option<Completed> {
    sub_expr(p, 0)
}

fn sub_expr(p: &mut Parser<'_>, limit: u8) -> Option<Completed> {
    p.nested(|p| {
        let mut left = match p.current() {
            Not | Hash | Minus | Tilde => {
                let unary = p.start();
                p.bump();
                sub_expr(p, UNARY);
                p.complete(unary, UnaryExpr)
            }
            _ => postfix(p)?,
        };
        loop {
            let operator = operator(p);
            let Some((_, right)) = binding(operator).filter(|b| b.0 > limit) else { break };
            let binary = p.precede(left);
            if operator != p.current() {
                p.bump_joined(operator);
            } else {
                p.bump();
            }
            sub_expr(p, right);
            left = p.complete(binary, BinaryExpr);
        }
        Some(left)
    })
    .flatten()
}

/// A simple expression with its casts and `!`.
fn postfix(p: &mut Parser<'_>) -> Option<Completed> {
    let mut operand = simple(p)?;
    loop {
        match p.current() {
            ColonColon if p.at_label() => break,
            ColonColon | As => {
                let cast = p.precede(operand);
                let target = p.start();
                p.bump();
                types::type_(p);
                p.complete(target, CastTarget);
                operand = p.complete(cast, CastExpr);
            }
            Bang => {
                let assertion = p.precede(operand);
                let mark = p.start();
                p.bump();
                p.complete(mark, NonNilMark);
                operand = p.complete(assertion, NonNilExpr);
                refuse_suffix(p);
            }
            _ => break,
        }
    }
    Some(operand)
}

/// `x!.y`, `x!(...)` and the like: the value has to be in parentheses.
fn refuse_suffix(p: &mut Parser<'_>) {
    let suffix = match p.current() {
        Dot | Colon | LBracket | LBrace | Str => true,
        LParen => !p.on_new_line(),
        Assign => {
            p.error("unexpected '=' after '!' (the inequality operator is '~=')");
            return;
        }
        _ => false,
    };
    if suffix {
        let what = p.describe();
        p.error(format!("unexpected {what} after '!': put the value in parentheses, as in (value!).field"));
    }
}

fn simple(p: &mut Parser<'_>) -> Option<Completed> {
    Some(match p.current() {
        Number | Str | Nil | True | False => {
            let literal = p.start();
            p.bump();
            p.complete(literal, LiteralExpr)
        }
        Ellipsis => {
            let vararg = p.start();
            p.bump();
            p.complete(vararg, VarargExpr)
        }
        LBrace => table(p),
        Function => function(p),
        _ => return suffixed(p),
    })
}

/// A function value; the cursor is at `function`.
pub(super) fn function(p: &mut Parser<'_>) -> Completed {
    let function = p.start();
    let opened = p.position();
    p.bump();
    if p.at(Ident) {
        p.note(format!("unexpected identifier '{}': a function value has no name", p.text()));
        p.bump();
    }
    stat::function_body(p, opened);
    p.complete(function, FunctionExpr)
}

/// A name or parenthesised expression with fields, indices and calls after it.
pub(super) fn suffixed(p: &mut Parser<'_>) -> Option<Completed> {
    let mut value = primary(p)?;
    loop {
        match p.current() {
            Dot => {
                let field = p.precede(value);
                p.bump();
                member_name(p, "name");
                value = p.complete(field, FieldExpr);
            }
            LBracket => {
                let index = p.precede(value);
                let opened = p.position();
                p.bump();
                expr(p);
                p.expect_closing(RBracket, "']'", opened);
                value = p.complete(index, IndexExpr);
            }
            Colon => {
                let call = p.precede(value);
                p.bump();
                member_name(p, "method name");
                if matches!(p.current(), LParen | LBrace | Str) {
                    arguments(p);
                } else {
                    p.unexpected("arguments of the method call");
                }
                value = p.complete(call, MethodCallExpr);
            }
            LParen | LBrace | Str => {
                let call = p.precede(value);
                arguments(p);
                value = p.complete(call, CallExpr);
            }
            _ => return Some(value),
        }
    }
}

fn primary(p: &mut Parser<'_>) -> Option<Completed> {
    match p.current() {
        Ident => {
            let name = p.start();
            p.bump();
            Some(p.complete(name, NameExpr))
        }
        LParen => {
            let paren = p.start();
            let opened = p.position();
            p.bump();
            expr(p);
            p.expect_closing(RParen, "')'", opened);
            Some(p.complete(paren, ParenExpr))
        }
        kind if kind.is_type_word() => {
            let word = p.text();
            p.note(match word {
                "typeof" | "keyof" => format!("'{word}' is reserved: it exists only inside types"),
                "fun" => "'fun' is reserved for types: a function value starts with 'function'".to_owned(),
                _ => format!("'{word}' is a reserved word and cannot be used as a name here"),
            });
            let name = p.start();
            p.bump();
            Some(p.complete(name, NameExpr))
        }
        _ => {
            p.unexpected("expression");
            None
        }
    }
}

/// `(...)`, a table constructor or a string after a callee.
fn arguments(p: &mut Parser<'_>) {
    let arguments = p.start();
    match p.current() {
        LParen => {
            if p.on_new_line() {
                p.note("ambiguous syntax (function call x new statement)");
            }
            let opened = p.position();
            p.bump();
            if !p.at(RParen) {
                list(p);
            }
            p.expect_closing(RParen, "',' or ')'", opened);
        }
        LBrace => {
            table(p);
        }
        _ => {
            let literal = p.start();
            p.bump();
            p.complete(literal, LiteralExpr);
        }
    }
    p.complete(arguments, Arguments);
}

fn table(p: &mut Parser<'_>) -> Completed {
    let table = p.start();
    let opened = p.position();
    p.bump();
    while !matches!(p.current(), RBrace | Eof) {
        let before = p.position();
        table_field(p);
        if p.eat(Comma) || p.eat(Semicolon) {
            continue;
        }
        if p.at(RBrace) {
            break;
        }
        p.unexpected(&format!("',' or '}}' to close '{{' at line {}", p.line_at(opened)));
        // A forgotten comma at the end of a line: go on with the next field.
        let next_field = p.on_new_line() && (p.at(LBracket) || (is_member_name(p.current()) && p.nth(1) == Assign));
        if !next_field || p.position() == before {
            break;
        }
        p.clear_confusion();
    }
    p.expect_closing(RBrace, "'}'", opened);
    p.complete(table, TableExpr)
}

fn table_field(p: &mut Parser<'_>) {
    let field = p.start();
    if p.at(LBracket) {
        let opened = p.position();
        p.bump();
        expr(p);
        p.expect_closing(RBracket, "']'", opened);
        p.expect(Assign, "'='");
        expr(p);
        p.complete(field, IndexedField);
    } else if is_member_name(p.current()) && p.nth(1) == Assign {
        p.bump();
        p.bump();
        expr(p);
        p.complete(field, NamedField);
    } else {
        expr(p);
        p.complete(field, PositionalField);
    }
}
