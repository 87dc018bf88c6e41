//! Statements, blocks and function bodies.

use super::{expr, is_member_name, member_name, name, types};
use crate::kind::SyntaxKind::{self, *};
use crate::parser::Parser;

/// The block of a whole chunk; goes on after words that close nothing.
pub(super) fn top_level(p: &mut Parser<'_>) {
    let block = p.start();
    loop {
        statements(p);
        if p.at(Eof) {
            break;
        }
        let what = p.describe();
        p.error(format!("unexpected {what}, there is nothing for it to close"));
        skip_one(p);
        p.clear_confusion();
    }
    p.complete(block, Block);
}

fn block(p: &mut Parser<'_>) {
    let block = p.start();
    statements(p);
    p.complete(block, Block);
}

fn ends_block(kind: SyntaxKind) -> bool {
    matches!(kind, Eof | End | Else | Elseif | Until)
}

/// Statements up to a word that ends a block.
fn statements(p: &mut Parser<'_>) {
    let mut last_statement: Option<&str> = None;
    loop {
        if p.is_confused() {
            resync(p);
        }
        if ends_block(p.current()) {
            return;
        }
        if let Some(word) = last_statement.take() {
            p.note(format!("'{word}' must be the last statement of its block"));
        }
        let before = p.position();
        let closes = match p.current() {
            Return => Some("return"),
            Break => Some("break"),
            _ => None,
        };
        p.nested(statement);
        if closes.is_some() {
            p.eat(Semicolon);
            last_statement = closes;
        }
        if p.position() == before {
            p.unexpected("statement");
            skip_one(p);
        }
    }
}

/// Puts the current token into an `Error` node.
fn skip_one(p: &mut Parser<'_>) {
    let skipped = p.start();
    p.bump();
    p.complete(skipped, Error);
}

/// Skips what a faulty statement left over, up to something that looks like the start of a statement.
fn resync(p: &mut Parser<'_>) {
    let skipped = p.start();
    let start = p.position();
    while !starts_anew(p) {
        if p.at(Function) {
            // A function value inside the faulty part: keep its `end` from closing something else.
            p.clear_confusion();
            p.nested(expr::function);
            continue;
        }
        p.bump();
    }
    if p.position() == start {
        p.abandon(skipped);
    } else {
        p.complete(skipped, Error);
    }
    p.clear_confusion();
}

fn starts_anew(p: &Parser<'_>) -> bool {
    match p.current() {
        kind if ends_block(kind) => true,
        Function => !matches!(p.nth(1), LParen | Lt),
        Semicolon | Local | If | While | For | Repeat | Return | Break | Goto | Do => true,
        Interface => p.nth(1) == Ident,
        Ident | LParen | ColonColon => p.on_new_line(),
        _ => false,
    }
}

fn statement(p: &mut Parser<'_>) {
    match p.current() {
        Semicolon => {
            let stat = p.start();
            p.bump();
            p.complete(stat, EmptyStat);
        }
        Local if p.nth(1) == Function => local_function(p),
        Local => local(p),
        Function => function(p),
        If => if_stat(p),
        While => while_stat(p),
        For => for_stat(p),
        Repeat => repeat_stat(p),
        Do => do_stat(p),
        Return => return_stat(p),
        Break => {
            let stat = p.start();
            p.bump();
            p.complete(stat, BreakStat);
        }
        Goto => goto_stat(p),
        ColonColon => label(p),
        Interface => interface_stat(p),
        Ident if p.nth(1) == Ident && p.text() == "type" => type_stat(p),
        Ident if p.nth(1) == Ident && p.text() == "export" => {
            p.error("there is no 'export': every top-level type is exported");
            p.bump();
        }
        _ => expression_stat(p),
    }
}

fn local(p: &mut Parser<'_>) {
    let stat = p.start();
    p.bump();
    loop {
        typed_name(p);
        if p.at(Lt) {
            p.error("attributes such as <const> and <close> are not part of the language");
        }
        if !p.eat(Comma) {
            break;
        }
    }
    if p.eat(Assign) {
        expr::list(p);
    }
    p.complete(stat, LocalStat);
}

/// `Name [":" type]`.
fn typed_name(p: &mut Parser<'_>) {
    let typed = p.start();
    if name(p, "name") {
        annotation(p);
    }
    p.complete(typed, TypedName);
}

/// `[":" type]`.
fn annotation(p: &mut Parser<'_>) {
    if p.at(QuestionColon) || (p.at(Question) && p.nth(1) == Colon) {
        p.note("names take no '?': write the type as 'T?' instead");
        let skipped = p.start();
        p.bump();
        p.complete(skipped, Error);
        p.eat(Colon);
        types::type_(p);
        return;
    }
    if p.at(Colon) {
        let annotation = p.start();
        p.bump();
        types::type_(p);
        p.complete(annotation, TypeAnnotation);
    }
}

fn local_function(p: &mut Parser<'_>) {
    let stat = p.start();
    p.bump();
    let opened = p.position();
    p.bump();
    name(p, "function name");
    function_body(p, opened);
    p.complete(stat, LocalFunctionStat);
}

fn function(p: &mut Parser<'_>) {
    let stat = p.start();
    let opened = p.position();
    p.bump();
    let path = p.start();
    if name(p, "function name") {
        while p.at(Dot) {
            p.bump();
            member_name(p, "name");
        }
        if p.eat(Colon) {
            member_name(p, "method name");
        }
    }
    p.complete(path, FunctionName);
    function_body(p, opened);
    p.complete(stat, FunctionStat);
}

/// `[tparams] "(" params ")" [":" returns] block "end"`; `opened` is the position of `function`.
pub(super) fn function_body(p: &mut Parser<'_>, opened: usize) {
    let body = p.start();
    type_params(p);
    param_list(p);
    types::returns(p);
    block(p);
    p.expect_closing(End, "'end'", opened);
    p.complete(body, FunctionBody);
}

fn type_params(p: &mut Parser<'_>) {
    if !p.at(Lt) {
        return;
    }
    let params = p.start();
    p.bump();
    loop {
        let param = p.start();
        name(p, "type parameter");
        if p.eat(Colon) {
            types::type_(p);
        }
        p.complete(param, TypeParam);
        if !p.eat(Comma) {
            break;
        }
    }
    p.expect(Gt, "'>' after type parameters");
    p.complete(params, TypeParams);
}

fn param_list(p: &mut Parser<'_>) {
    let params = p.start();
    let opened = p.position();
    if p.expect(LParen, "'(' before parameters") {
        if !p.at(RParen) {
            loop {
                if p.at(Ellipsis) {
                    let vararg = p.start();
                    p.bump();
                    annotation(p);
                    p.complete(vararg, VarargParam);
                    break;
                }
                typed_name(p);
                if !p.eat(Comma) {
                    break;
                }
            }
        }
        p.expect_closing(RParen, "',' or ')'", opened);
    }
    p.complete(params, ParamList);
}

fn condition(p: &mut Parser<'_>, what: &str, word: SyntaxKind) {
    expr::expr(p);
    if p.at(Assign) {
        p.error(format!("unexpected '=', expected {what} (comparison is '==')"));
    }
    p.expect(word, what);
}

fn if_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    let opened = p.position();
    p.bump();
    condition(p, "'then'", Then);
    block(p);
    while p.at(Elseif) {
        let clause = p.start();
        p.bump();
        condition(p, "'then'", Then);
        block(p);
        p.complete(clause, ElseifClause);
    }
    if p.at(Else) {
        let clause = p.start();
        p.bump();
        block(p);
        p.complete(clause, ElseClause);
    }
    p.expect_closing(End, "'end'", opened);
    p.complete(stat, IfStat);
}

fn while_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    let opened = p.position();
    p.bump();
    condition(p, "'do'", Do);
    block(p);
    p.expect_closing(End, "'end'", opened);
    p.complete(stat, WhileStat);
}

fn do_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    let opened = p.position();
    p.bump();
    block(p);
    p.expect_closing(End, "'end'", opened);
    p.complete(stat, DoStat);
}

fn repeat_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    let opened = p.position();
    p.bump();
    block(p);
    if p.expect_closing(Until, "'until'", opened) {
        expr::expr(p);
    }
    p.complete(stat, RepeatStat);
}

fn for_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    let opened = p.position();
    p.bump();
    let names = p.start();
    loop {
        name(p, "name of a loop variable");
        if p.at(Colon) {
            p.note("loop variables take no type annotation");
            annotation(p);
        }
        if !p.eat(Comma) {
            break;
        }
    }
    p.complete(names, ForNames);
    let numeric = p.at(Assign);
    if numeric {
        p.bump();
        expr::expr(p);
        p.expect(Comma, "',' and the limit of the loop");
        expr::expr(p);
        if p.eat(Comma) {
            expr::expr(p);
        }
    } else if p.expect(In, "'=' or 'in'") {
        expr::list(p);
    }
    p.expect(Do, "'do'");
    block(p);
    p.expect_closing(End, "'end'", opened);
    p.complete(stat, if numeric { NumericForStat } else { GenericForStat });
}

fn return_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    p.bump();
    if !ends_block(p.current()) && !p.at(Semicolon) {
        expr::list(p);
    }
    p.complete(stat, ReturnStat);
}

fn goto_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    p.bump();
    name(p, "label name");
    p.complete(stat, GotoStat);
}

fn label(p: &mut Parser<'_>) {
    let stat = p.start();
    p.bump();
    name(p, "label name");
    p.expect(ColonColon, "'::'");
    p.complete(stat, LabelStat);
}

fn type_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    p.bump();
    p.bump();
    type_params(p);
    if p.expect(Assign, "'=' and a type") {
        types::type_(p);
    }
    p.complete(stat, TypeStat);
}

fn interface_stat(p: &mut Parser<'_>) {
    let stat = p.start();
    let opened = p.position();
    p.bump();
    name(p, "interface name");
    type_params(p);
    if p.at(Colon) {
        let bases = p.start();
        p.bump();
        loop {
            types::reference(p);
            if !p.eat(Comma) {
                break;
            }
        }
        p.complete(bases, InterfaceBases);
    }
    loop {
        match p.current() {
            Function => method_sig(p),
            kind if is_member_name(kind) && matches!(p.nth(1), Colon | QuestionColon) => {
                types::record_field(p);
                let _ = p.eat(Comma) || p.eat(Semicolon);
            }
            _ => break,
        }
        if p.is_confused() {
            break;
        }
    }
    p.expect_closing(End, "'function' or 'end'", opened);
    p.complete(stat, InterfaceStat);
}

fn method_sig(p: &mut Parser<'_>) {
    let sig = p.start();
    p.bump();
    member_name(p, "method name");
    type_params(p);
    param_list(p);
    types::returns(p);
    p.complete(sig, MethodSig);
}

/// A call or an assignment.
fn expression_stat(p: &mut Parser<'_>) {
    if !matches!(p.current(), Ident | LParen) && !p.current().is_type_word() {
        p.unexpected("statement");
        return;
    }
    let stat = p.start();
    let is_word = |p: &Parser<'_>, word| p.at(Ident) && p.text() == word;
    let continues = is_word(p, "continue");
    let Some(first) = expr::suffixed(p) else {
        p.abandon(stat);
        return;
    };
    if matches!(p.current(), Assign | Comma) {
        let targets = p.precede(first);
        check_target(p, first.kind);
        while p.eat(Comma) {
            match expr::suffixed(p) {
                Some(target) => check_target(p, target.kind),
                None => break,
            }
        }
        p.complete(targets, TargetList);
        if p.expect(Assign, "'='") {
            expr::list(p);
        }
        p.complete(stat, AssignStat);
        return;
    }
    if matches!(first.kind, CallExpr | MethodCallExpr) {
        if p.at(Bang) || p.at(As) || (p.at(ColonColon) && !p.at_label()) {
            let what = p.describe();
            p.error(format!("unexpected {what}: a cast or '!' needs an expression around it, this is a statement"));
        }
        p.complete(stat, CallStat);
        return;
    }
    if continues && first.kind == NameExpr && !p.is_confused() {
        p.error("there is no 'continue' statement: use 'goto' and a label at the end of the loop");
    } else if is_compound_assignment(p) {
        p.error(format!("unexpected '{}=': there is no compound assignment", p.text()));
    } else if p.at(Ident) && first.kind == NameExpr {
        p.error(format!("unexpected identifier '{}'", p.text()));
    } else {
        p.unexpected("'=' or the arguments of a call");
    }
    p.complete(stat, Error);
}

fn is_compound_assignment(p: &Parser<'_>) -> bool {
    matches!(p.current(), Plus | Minus | Star | Slash | SlashSlash | Percent | Caret | Amp | Pipe | DotDot)
        && p.followed_directly_by(Assign)
}

/// Only names and indexed values can be assigned to.
fn check_target(p: &mut Parser<'_>, kind: SyntaxKind) {
    if !matches!(kind, NameExpr | FieldExpr | IndexExpr) {
        p.error(match kind {
            CallExpr | MethodCallExpr => "cannot assign to the result of a call",
            _ => "cannot assign to this expression",
        });
    }
}
