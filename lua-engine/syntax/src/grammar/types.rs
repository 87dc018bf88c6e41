//! Type expressions.
//!
//! A type ends where no token can continue it; in particular a `(` after a complete type starts a statement, and
//! a union or `?` goes on over line ends.

use super::{expr, is_member_name, member_name, name};
use crate::kind::SyntaxKind::{self, *};
use crate::parser::{Completed, Parser};

/// One type: unions, intersections and conditional types included.
pub(super) fn type_(p: &mut Parser<'_>) {
    p.nested(|p| {
        union(p, false);
    });
}

/// A result: a type, `()` or a list of at least two types in parentheses.
fn result(p: &mut Parser<'_>) {
    p.nested(|p| {
        union(p, true);
    });
}

/// `[":" returns]` after a parameter list.
pub(super) fn returns(p: &mut Parser<'_>) {
    if !p.at(Colon) {
        return;
    }
    let returns = p.start();
    p.bump();
    result(p);
    while p.eat(Comma) {
        type_(p);
    }
    p.complete(returns, ReturnTypes);
}

fn starts_type(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        Nil | True
            | False
            | Str
            | Number
            | Minus
            | Ident
            | LBrace
            | LParen
            | Readonly
            | Interface
            | Fun
            | Asserts
            | Typeof
            | Keyof
    )
}

/// `simple {("|" | "&") simple}` or a conditional type. Both operators bind alike, to the left.
fn union(p: &mut Parser<'_>, tuple: bool) -> Option<Completed> {
    if matches!(p.current(), Pipe | Amp) {
        p.note(format!("a type cannot start with '{}'", p.text()));
        p.bump();
    }
    let mut left = simple(p, tuple)?;
    if left.kind == TupleType {
        return Some(left);
    }
    loop {
        match p.current() {
            Pipe | Amp => {
                let kind = if p.at(Pipe) { UnionType } else { IntersectionType };
                let both = p.precede(left);
                p.bump();
                simple(p, false);
                left = p.complete(both, kind);
            }
            Extends => {
                let conditional = p.precede(left);
                p.bump();
                checked_type(p);
                p.expect(Question, "'?'");
                type_(p);
                // `T?:` is one token to the lexer: the optional type, then the colon.
                if !p.eat(QuestionColon) {
                    p.expect(Colon, "':'");
                }
                type_(p);
                return Some(p.complete(conditional, ConditionalType));
            }
            _ => return Some(left),
        }
    }
}

/// The type between `extends` and `?`: a `?` before the start of a type is the one of the conditional.
fn checked_type(p: &mut Parser<'_>) {
    let Some(mut checked) = annotated(p, false) else { return };
    while p.at(Question) && !starts_type(p.nth(1)) {
        let optional = p.precede(checked);
        p.bump();
        checked = p.complete(optional, OptionalType);
    }
}

/// A primary type with attributes and `?`.
fn simple(p: &mut Parser<'_>, tuple: bool) -> Option<Completed> {
    let mut inner = annotated(p, tuple)?;
    while p.at(Question) {
        let optional = p.precede(inner);
        p.bump();
        inner = p.complete(optional, OptionalType);
    }
    if p.at(At) {
        inner = attributes(p, inner);
    }
    Some(inner)
}

fn annotated(p: &mut Parser<'_>, tuple: bool) -> Option<Completed> {
    let inner = postfix(p, tuple)?;
    Some(if p.at(At) { attributes(p, inner) } else { inner })
}

/// `{"@" Name ["(" [exprs] ")"]}` after a type.
fn attributes(p: &mut Parser<'_>, inner: Completed) -> Completed {
    let annotated = p.precede(inner);
    while p.at(At) {
        let attribute = p.start();
        p.bump();
        member_name(p, "attribute name");
        if p.at(LParen) && !p.on_new_line() {
            let opened = p.position();
            p.bump();
            if !p.at(RParen) {
                expr::list(p);
            }
            p.expect_closing(RParen, "')'", opened);
        }
        p.complete(attribute, TypeAttribute);
    }
    p.complete(annotated, AnnotatedType)
}

/// A primary type with `[]` and `[K]`.
fn postfix(p: &mut Parser<'_>, tuple: bool) -> Option<Completed> {
    let mut inner = primary(p, tuple)?;
    while p.at(LBracket) {
        let opened = p.position();
        let outer = p.precede(inner);
        p.bump();
        if p.eat(RBracket) {
            inner = p.complete(outer, ArrayType);
        } else {
            type_(p);
            p.expect_closing(RBracket, "']'", opened);
            inner = p.complete(outer, IndexAccessType);
        }
    }
    Some(inner)
}

fn primary(p: &mut Parser<'_>, tuple: bool) -> Option<Completed> {
    Some(match p.current() {
        Nil | True | False | Str | Number => {
            let literal = p.start();
            p.bump();
            p.complete(literal, LiteralType)
        }
        Minus if p.nth(1) == Number => {
            let literal = p.start();
            p.bump();
            p.bump();
            p.complete(literal, LiteralType)
        }
        Ident => reference(p)?,
        LBrace => braces(p),
        LParen => parentheses(p, tuple),
        Fun => fun(p),
        Readonly => {
            let readonly = p.start();
            p.bump();
            if !matches!(p.current(), LBrace | Ident) {
                p.unexpected("an array, map or record type");
            } else {
                p.nested(|p| postfix(p, false));
            }
            p.complete(readonly, ReadonlyType)
        }
        Interface => {
            let record = p.start();
            p.bump();
            let opened = p.position();
            if p.expect(LBrace, "'{'") {
                record_fields(p, opened);
            }
            p.complete(record, RecordType)
        }
        Asserts => {
            let asserts = p.start();
            p.bump();
            name(p, "name of a parameter");
            if p.eat(Is) {
                type_(p);
            }
            p.complete(asserts, AssertsType)
        }
        Typeof => {
            let typeof_ = p.start();
            p.bump();
            let opened = p.position();
            if p.expect(LParen, "'('") {
                expr::expr(p);
                p.expect_closing(RParen, "')'", opened);
            }
            p.complete(typeof_, TypeofType)
        }
        Keyof => {
            let keyof = p.start();
            p.bump();
            let opened = p.position();
            if p.expect(LParen, "'('") {
                type_(p);
                p.expect_closing(RParen, "')'", opened);
            }
            p.complete(keyof, KeyofType)
        }
        kind if kind.is_type_word() => {
            p.note(format!("'{}' is a reserved word and names no type", p.text()));
            let named = p.start();
            p.bump();
            p.complete(named, NamedType)
        }
        _ => {
            p.unexpected("type");
            return None;
        }
    })
}

/// `Name {"." Name} ["<" type {"," type} ">"]`.
pub(super) fn reference(p: &mut Parser<'_>) -> Option<Completed> {
    let named = p.start();
    if !name(p, "type") {
        p.abandon(named);
        return None;
    }
    while p.at(Dot) {
        p.bump();
        member_name(p, "type name");
    }
    if p.at(Lt) {
        let args = p.start();
        p.bump();
        loop {
            type_(p);
            if !p.eat(Comma) {
                break;
            }
        }
        p.expect(Gt, "'>' after type arguments");
        p.complete(args, TypeArgs);
    }
    Some(p.complete(named, NamedType))
}

/// Array, map or record.
fn braces(p: &mut Parser<'_>) -> Completed {
    let braces = p.start();
    let opened = p.position();
    if matches!(p.nth(1), RBrace) || (is_member_name(p.nth(1)) && matches!(p.nth(2), Colon | QuestionColon)) {
        p.bump();
        record_fields(p, opened);
        return p.complete(braces, RecordType);
    }
    p.bump();
    if p.at(LBracket) {
        map_entry(p);
        if p.at(Comma) && p.nth(1) != RBrace {
            p.error("a map type has one entry and cannot be combined with fields");
        }
        p.eat(Comma);
        p.expect_closing(RBrace, "'}'", opened);
        return p.complete(braces, MapType);
    }
    type_(p);
    if p.at(Comma) {
        p.error("an array type has one element type");
    }
    p.expect_closing(RBrace, "'}'", opened);
    p.complete(braces, ArrayType)
}

/// `"[" type "]" ":" type`.
fn map_entry(p: &mut Parser<'_>) {
    let opened = p.position();
    p.bump();
    type_(p);
    p.expect_closing(RBracket, "']'", opened);
    p.expect(Colon, "':'");
    type_(p);
}

/// Fields and the closing brace; the opening one at `opened` is taken.
fn record_fields(p: &mut Parser<'_>, opened: usize) {
    while !matches!(p.current(), RBrace | Eof) {
        if p.at(LBracket) {
            p.error("a record type cannot be combined with a map entry");
            break;
        }
        record_field(p);
        if p.eat(Comma) {
            continue;
        }
        if p.at(Semicolon) {
            p.note("record fields are separated by ','");
            p.bump();
            continue;
        }
        if p.at(RBrace) {
            break;
        }
        p.unexpected(&format!("',' or '}}' to close '{{' at line {}", p.line_at(opened)));
        // A forgotten comma at the end of a line: go on with the next field.
        if p.on_new_line() && is_member_name(p.current()) && matches!(p.nth(1), Colon | QuestionColon) {
            p.clear_confusion();
            continue;
        }
        break;
    }
    p.expect_closing(RBrace, "'}'", opened);
}

/// `fname (":" | "?:") type`.
pub(super) fn record_field(p: &mut Parser<'_>) {
    let field = p.start();
    if member_name(p, "field name") && !p.eat(QuestionColon) {
        if p.at(Question) && p.nth(1) == Colon {
            p.error("'?:' of an optional field must not be split");
        }
        p.expect(Colon, "':' or '?:'");
    }
    type_(p);
    p.complete(field, RecordField);
}

/// What starts with `(`: a function type, a type in parentheses, or (as a result) a list of types.
fn parentheses(p: &mut Parser<'_>, tuple: bool) -> Completed {
    let outer = p.start();
    let params = parameters(p);
    if p.eat(Arrow) {
        result(p);
        return p.complete(outer, FunctionType);
    }
    if params.plain && params.count == 1 {
        return p.complete(outer, ParenType);
    }
    if params.plain && tuple {
        return p.complete(outer, TupleType);
    }
    p.unexpected("'->' of a function type");
    p.complete(outer, FunctionType)
}

/// `"fun" "(" [fparams] ")" [":" result]`.
fn fun(p: &mut Parser<'_>) -> Completed {
    let outer = p.start();
    p.bump();
    if p.at(LParen) {
        parameters(p);
        if p.eat(Colon) {
            result(p);
        } else if p.at(Arrow) {
            p.error("the result of 'fun(...)' follows ':', not '->'");
        }
    } else {
        p.unexpected("'('");
    }
    p.complete(outer, FunctionType)
}

/// What the parentheses of a function type held.
struct Parameters {
    count: usize,
    /// No names and no `...`: could be a list of types as well.
    plain: bool,
}

/// `"(" [fparams] ")"`.
fn parameters(p: &mut Parser<'_>) -> Parameters {
    let opened = p.position();
    let mut found = Parameters { count: 0, plain: true };
    p.bump();
    if !p.at(RParen) {
        loop {
            if p.at(Ellipsis) {
                let vararg = p.start();
                p.bump();
                p.eat(Colon);
                type_(p);
                p.complete(vararg, FunctionTypeVararg);
                found.plain = false;
                break;
            }
            let param = p.start();
            if is_member_name(p.current()) && matches!(p.nth(1), Colon | QuestionColon) {
                p.bump();
                if p.at(QuestionColon) {
                    p.note("parameters take no '?': write the type as 'T?' instead");
                }
                p.bump();
                found.plain = false;
            }
            type_(p);
            p.complete(param, FunctionTypeParam);
            found.count += 1;
            if !p.eat(Comma) {
                break;
            }
        }
    }
    p.expect_closing(RParen, "',' or ')'", opened);
    found
}
